"""``mlci promote``."""

import os
from functools import partial
from pathlib import Path

import click

from mlci.cli import model_source, options
from mlci.cli.commands.registry.versions import sanitize_text
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry_factory import (
    open_registry,
    refuse_alias_of_user,
    runtime_environment,
    update_mlflow_aliases,
    with_intent,
)
from mlci.cli.run_output import BLOCKED, save_files
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import CheckedConfig
from mlci.operations import holdout_uses
from mlci.operations.context import RunContext
from mlci.operations.promote.import_model import import_model
from mlci.operations.promote.promote import PromoteOptions, PromotionResult, promote
from mlci.registry.registry import Registry
from mlci.report.document import Report
from mlci.report.serialization import dump_report
from mlci.util.digests import sha256_of
from mlci.util.json_text import pretty_json

MOST_WORDS = 2_000  # of an entry of the ledger


@click.command()
@options.config
@options.out
@options.as_json
@click.option("--note", help="Note to record with the version in the ledger.")
@click.option("--again", is_flag=True, help="Re-evaluate in any case: for a bundle that other jobs could have changed.")
@click.option(
    "--despite", metavar="REASON", help="Promote although the registry is damaged; records the reason with the version."
)
@click.option(
    "--import", "source", metavar="SOURCE", help="Import an existing model as version 1: models:/NAME@ALIAS or a path."
)
@click.option("--take-alias", is_flag=True, help="Move MLflow's `champion` alias although mlci did not set it.")
@click.option("--record", is_flag=True, help="Also record the verdict, as one use of the evaluation set.")
def command(  # noqa: PLR0913 - an option each
    config_path: Path,
    out: Path,
    *,
    as_json: bool,
    note: str | None,
    again: bool,
    despite: str | None,
    source: str | None,
    take_alias: bool,
    record: bool,
) -> int:
    """Promote the model that `mlci run` evaluated: exactly its bytes, verified by their digests.

    It must have passed its gates on the current evaluation set against the version that is in production now. If either
    changed since, the model is re-evaluated first, without training, and promoted only if it passes. The ledger and the
    version in production are verified before; damage is an error with exit code 4, unless `--despite` gives a reason to
    go on. In a workflow, this command runs no command, model or custom metric of yours; if one would have to run, the
    promotion is refused.

    \b
    Exit codes: 0 in production
                1 a gate blocks, it was rolled back or is older, or the training job must evaluate it
                2 the bundle is missing or changed · 4 the registry or the network failed

    \b
    Examples:
      mlci run --record && mlci promote
      mlci promote --out reports --note "release 2026-11"
      mlci promote --record        # if the run itself could not write to the registry
      mlci promote --import models:/churn@champion   # a model from before mlci becomes version 1
    """  # noqa: D301 (click's mark against rewrapping)
    if source is not None and (again or despite):
        raise click.UsageError("--import evaluates the model in any case; leave --again and --despite out")
    choice = _promote_options(note, again=again, despite=despite)
    loaded = load_configuration(config_path)
    registry = open_registry(loaded, config_path.parent, writes=True)
    if source is None and not take_alias:
        refuse_alias_of_user(registry)
    outcome = _promote_or_import(loaded, registry, out, choice, source=source, record=record)
    click.echo(_json(outcome) if as_json else promotion_text(outcome, out))
    new_report = outcome.report if outcome.again else None
    write_step_result(_outputs(outcome, out), promotion_text(outcome, out), report=new_report)
    if outcome.refused is not None:
        return BLOCKED
    if note := update_mlflow_aliases(registry, take_alias=take_alias or source is not None):
        click.echo(note, err=True)
    return 0


def _promote_options(note: str | None, *, again: bool, despite: str | None) -> PromoteOptions:
    note, despite = ledger_text(note, "--note"), ledger_text(despite, "--despite", most=MOST_WORDS // 2)
    note = ledger_text(note, "--note beside --despite", most=MOST_WORDS // 2 - 100) if despite else note
    return PromoteOptions(note=note, again=again, despite=despite)


def _promote_or_import(
    loaded: CheckedConfig, registry: Registry, out: Path, choice: PromoteOptions, *, source: str | None, record: bool
) -> PromotionResult:
    """Promote the bundle in ``out``, or import the model of ``source``; record the verdict if that is wanted."""
    folder, save = Path(loaded.path).parent, partial(save_files, out=out)
    user_code = os.environ.get("GITHUB_ACTIONS") != "true"  # there, the job's token can write to the registry
    asked = {"out": str(out), "import": source}
    with (
        with_intent(registry, folder, os.environ, "promote", asked) as intended,
        run_context(loaded, registry=intended, user_code=user_code) as context,
    ):
        if source is None:
            outcome = promote(context, out=out, options=choice, save=save)
        else:
            model, environment = model_source.fetch_model(context, source, os.environ), runtime_environment()
            outcome = import_model(context, model, environment=environment, note=choice.note, save=save)
        if record:
            _record_use(context, outcome.report)
    return outcome


def _record_use(context: RunContext, report: Report) -> None:
    """Record the verdict as a use of the evaluation set, once."""
    use = holdout_uses.use_of_report(context, report)
    if use is not None and not use.again:
        version = report.baseline.version
        against = int(version) if report.baseline.source == "production" and version else None
        holdout_uses.record_use(context, use, report, digest=sha256_of(dump_report(report).encode()), against=against)


def ledger_text(text: str | None, option: str, *, most: int = MOST_WORDS) -> str | None:
    """Return a text for the ledger, stripped; ``None`` for an empty one.

    Raises:
        click.UsageError: if the text is longer than an entry allows.
    """
    if text is not None and len(text.strip()) > most:
        raise click.UsageError(f"{option} has {len(text):,} characters; the ledger takes {most:,}")
    return (text or "").strip() or None


def _outputs(outcome: PromotionResult, out: Path) -> dict[str, object]:
    return {
        "promoted": outcome.entry is not None,
        "version": outcome.version,
        "replaced": outcome.replaced,
        "verdict": outcome.report.verdict,
        "report": out / "report.json",
    }


def _json(outcome: PromotionResult) -> str:
    document = {
        "promoted": outcome.entry is not None,
        "version": outcome.version,
        "replaced": outcome.replaced,
        "entry": outcome.entry,
        "verdict": outcome.report.verdict,
        "judged_again": list(outcome.again),
        "refused": outcome.refused,
        "notes": list(outcome.notes),
    }
    return pretty_json(document)


def promotion_text(outcome: PromotionResult, out: Path) -> str:
    """Return the lines that report the result of a promotion."""
    report = outcome.report
    lines = [f"re-evaluated because {reason}" for reason in outcome.again]
    if outcome.refused is not None:
        return "\n".join([*lines, f"not promoted: {sanitize_text(outcome.refused)} (see {out / 'report.json'})"])
    if outcome.earlier is not None:
        return "\n".join([*lines, "nothing was written", *(f"note: {sanitize_text(line)}" for line in outcome.notes)])
    if outcome.entry is None:
        return "\n".join([*lines, f"version {outcome.version} of {report.model} was in production already"])
    first = "it is the first one" if outcome.replaced is None else f"it replaces version {outcome.replaced}"
    word = "passed" if report.verdict == "pass" else "passed with warnings"
    rows = "" if report.evaluation.rows is None else f" on {report.evaluation.rows:,} rows"
    promoted = (
        f"version {outcome.version} of {report.model} is in production; {first} ({word}{rows}; entry {outcome.entry})"
    )
    return "\n".join([*lines, promoted, *(f"note: {sanitize_text(line)}" for line in outcome.notes)])
