"""``mlci evaluate``."""

from dataclasses import replace
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.earlier_output import prepare_output
from mlci.cli.output_files import write_files
from mlci.cli.registry_factory import open_registry, runtime_environment, uses_registry
from mlci.cli.run_output import check_output
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.models import WithoutRows
from mlci.errors import InputError
from mlci.inference import serialization
from mlci.operations.comparison import add_lineage, has_known_origin
from mlci.operations.judging import judging_of_change
from mlci.operations.report_builder import ReportContext
from mlci.operations.run import compare_models
from mlci.util.json_text import pretty_json


@click.command()
@options.config
@options.out
@options.as_json
@click.option(
    "--no-cache",
    is_flag=True,
    help="Ignore the cache of baselines: make the baseline of a git reference even if it was made before.",
)
@options.fetched
@options.changed_since
def command(config_path: Path, out: Path, *, as_json: bool, no_cache: bool, fetched: str, changed_since: str) -> int:
    """Evaluate both models without judging gates; writes evaluation.json for `mlci gate`.

    \b
    Example:
      mlci evaluate --config mlci.yml --out .mlci/out && mlci gate --config mlci.yml --out .mlci/out
    """  # noqa: D301 (click's mark against rewrapping)
    prepare_output(out)
    loaded = load_configuration(config_path)
    config = loaded.config
    if isinstance(config, WithoutRows):
        what, key = config.source
        raise InputError(loaded.problem(f"{what} has nothing to evaluate; use `mlci run`", "predict", key))
    check_output(out)
    compares = config.baseline == "production"
    registry = open_registry(loaded, config_path.parent, fetched=fetched) if compares else None
    with run_context(loaded, cached=not no_cache, registry=registry) as context:
        keep, since = uses_registry(loaded), changed_since or None
        judging = judging_of_change(context.loaded, context.git, since) if since else None
        comparison = compare_models(context.with_config(config), keep=keep, since=since)
        about = runtime_environment() if has_known_origin(config) else None
        comparison, _ = add_lineage(context, comparison, about, keep=False)
    result = comparison.result
    text = serialization.dump_evaluation(result)
    write_files(
        out, {"evaluation.json": text, "origins.json": origins_text(replace(comparison.facts, judging=judging))}
    )
    if as_json:
        click.echo(text, nl=False)
    elif result.measured_nothing:
        click.echo(f"nothing to evaluate: {out / 'evaluation.json'}")
    else:
        count = f"{len(result.comparisons)} measurements and {len(result.disparities)} disparities"
        click.echo(f"{count} of {result.rows:,} rows: {out / 'evaluation.json'}")
    return 0


def origins_text(origins: ReportContext) -> str:
    """Return the facts about the models and the run that the judging step needs."""
    document = {
        "candidate": origins.candidate.model_dump(),
        "baseline": origins.baseline.model_dump(),
        "seconds": dict(origins.seconds),
        "uses": origins.uses,
        "made_by_training": origins.made_by_training,
        "shared": origins.shared.model_dump() if origins.shared else None,
        "judging": origins.judging.model_dump() if origins.judging else None,
        "lineage": origins.lineage.model_dump() if origins.lineage else None,
        "trend": [row.model_dump() for row in origins.trend],
    }
    return pretty_json(document) + "\n"
