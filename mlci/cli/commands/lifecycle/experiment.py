"""``mlci experiment``."""

import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from mlci import __version__
from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.output_files import write_files
from mlci.cli.registry_factory import open_registry, refuse_alias_of_user, update_mlflow_aliases, with_intent
from mlci.cli.run_output import BLOCKED, save_files
from mlci.cli.standard_output import terminal_style
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.lifecycle.experiment import Experiment
from mlci.config.loader import CheckedConfig
from mlci.errors import InputError
from mlci.experiment.result import SCHEMA, ExperimentResult
from mlci.operations.experiment.carry_out import CarriedOut, carry_out
from mlci.operations.experiment.measure import measure_experiment
from mlci.report.experiment.page import render_experiment_page
from mlci.report.experiment.text import render_experiment_text
from mlci.util.json_text import pretty_json

_FOLDER = Path(".mlci/experiment")
_SECTION = """mlci.yml has no section `experiment`; add one, such as
experiment:
  data: logs/*.csv
  unit: user_id
  arm: variant
  metric: {rate: converted, max_drop: 0.005}"""


@click.command()
@options.config
@options.as_json
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=_FOLDER,
    show_default=True,
    help="Folder for experiment.json and experiment.html.",
)
@click.option("--apply", "applies", is_flag=True, help="Carry the verdict out: promote, or roll back.")
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, file_okay=False),
    default=options.DEFAULT_OUT,
    show_default=True,
    help="Output folder of the run that evaluated the treatment's model, for `--apply` without `version`.",
)
def command(config_path: Path, *, as_json: bool, out: Path, applies: bool, bundle: Path) -> int:
    """Judge a canary or an A/B test by its logs or counts: promote, keep going, or roll back.

    The split of traffic is checked first. Every interval holds at every look, so run this every hour if you like. The
    verdict is to promote once all metrics are proven to be within their limits, and to roll back once one is proven to
    be beyond.

    `--apply` promotes the bundle of `mlci run`; if `experiment.version` names a promoted version, it rolls that version
    back instead, if it is in production. Repeating it changes nothing.

    \b
    Exit codes:
      0  promote
      1  roll back, or a promotion was refused
      2  the configuration, the log or the counts are wrong
      4  the registry or the network failed
      5  keep going
      6  could not tell: the output names the reason, such as a sample-ratio mismatch

    \b
    Examples:
      mlci experiment
      mlci experiment --json --out reports
      mlci experiment --apply
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    section = loaded.config.experiment
    if section is None:
        raise InputError(loaded.problem(_SECTION))
    result = measure_experiment(section, config_path.parent, confidence=loaded.config.policy.confidence)
    carried = _carry_out(loaded, section, result, bundle) if applies else None
    document, model = experiment_document(loaded.config.model, result, carried), loaded.config.model
    done = carried.text if carried else None
    page = render_experiment_page(model, result, footer=f"mlci {__version__}", done=done)
    write_files(out, {"experiment.json": f"{pretty_json(document)}\n", "experiment.html": page})
    _print(model, result, carried, out, document=document if as_json else None)
    outputs = {"verdict": str(result.verdict), "reason": result.reason, "report": out / "experiment.json"}
    outputs["applied"] = carried.action if carried else "nothing"
    write_step_result(outputs, _summary(model, result, carried))
    refused = carried is not None and carried.action == "refused"
    return BLOCKED if refused else int(result.verdict.exit_code)


def experiment_document(model: str, result: ExperimentResult, carried: CarriedOut | None) -> dict[str, Any]:
    """Return the content of experiment.json."""
    applied = asdict(carried) if carried is not None else None
    return {"schema": SCHEMA, "model": model, **asdict(result), "applied": applied}


def _print(
    model: str, result: ExperimentResult, carried: CarriedOut | None, out: Path, *, document: dict[str, Any] | None
) -> None:
    if document is not None:
        click.echo(pretty_json(document))
        return
    colour, width = terminal_style()
    done = carried.text if carried else None
    click.echo(render_experiment_text(model, result, colour=colour, width=width, done=done), color=colour, nl=False)
    click.echo(f"\nPage: {out / 'experiment.html'}", err=True)


def _summary(model: str, result: ExperimentResult, carried: CarriedOut | None) -> str:
    lines = [f"{model}: {result.verdict}: {result.reason}", *([carried.text] if carried else [])]
    return "\n".join(lines)


def _carry_out(loaded: CheckedConfig, section: Experiment, result: ExperimentResult, bundle: Path) -> CarriedOut:
    """Open the registry and carry the verdict out."""
    folder = Path(loaded.path).parent
    registry = open_registry(loaded, folder, writes=True)
    refuse_alias_of_user(registry)
    user_code = os.environ.get("GITHUB_ACTIONS") != "true"  # there, the job's token can write to the registry
    asked = {"verdict": str(result.verdict), "version": section.version}
    with (
        with_intent(registry, folder, os.environ, "experiment", asked) as intended,
        run_context(loaded, registry=intended, user_code=user_code) as context,
    ):
        save = partial(save_files, out=bundle)
        done = carry_out(context, result, version=section.version, out=bundle, save=save)
    if note := update_mlflow_aliases(registry):
        click.echo(note, err=True)
    return done
