"""``mlci evaluate``."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

import click

from mlci.cli import options
from mlci.cli.earlier_output import prepare_output
from mlci.cli.output_files import write_files
from mlci.cli.registry_factory import open_registry, reads_registry, runtime_environment, uses_registry
from mlci.cli.run_output import check_output
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import CheckedConfig
from mlci.config.models import RowsConfig, WithoutRows
from mlci.engine.interface import Engine
from mlci.engine.shards.shard_file import shard_file_name
from mlci.engine.shards.split import parse_shard
from mlci.errors import InputError
from mlci.inference import serialization
from mlci.operations.comparison import add_lineage, has_known_origin
from mlci.operations.context import RowsContext
from mlci.operations.holdout.holdout_looks import look_of_comparison
from mlci.operations.judging import judging_of_change
from mlci.operations.report_builder import ReportContext
from mlci.operations.run import compare_models
from mlci.operations.shards.shard_rounds import read_shard_files, write_shard_round
from mlci.registry.registry import Registry
from mlci.util.atomic_files import replace_file
from mlci.util.json_text import pretty_json


class EvaluateAnswers(TypedDict):
    """Values of the options of an evaluation."""

    as_json: bool
    no_cache: bool
    fetched: str
    changed_since: str


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
@options.memory
@click.option(
    "--shard",
    metavar="I/N",
    default="",
    help="Read the rows of one of N shards, such as 2/5, and write a file for `mlci merge`. Empty evaluates all rows.",
)
@click.option(
    "--surveys",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --shard, the second round: folder with the files that all shards wrote in the first.",
)
def command(
    config_path: Path, out: Path, *, shard: str, surveys: Path | None, **answers: Unpack[EvaluateAnswers]
) -> int:
    """Evaluate both models without judging gates; writes evaluation.json for `mlci gate`.

    \b
    Examples:
      mlci evaluate --config mlci.yml --out .mlci/out && mlci gate --config mlci.yml --out .mlci/out
      mlci evaluate --shard 2/5
      mlci evaluate --shard 2/5 --surveys surveys
    """  # noqa: D301 (click's mark against rewrapping)
    if not shard:
        if surveys is not None:
            raise InputError("--surveys is for one shard: `mlci evaluate --shard 2/5 --surveys surveys`")
        return evaluate_and_write(config_path, out, answers)
    part = parse_shard(shard)
    files = read_shard_files(surveys) if surveys is not None else None
    loaded, config = load_with_rows(config_path)
    with run_context(loaded, registry=_registry(loaded, config_path, answers)) as context:
        data = write_shard_round(context.with_config(config), part, files)
    place = out / shard_file_name("survey" if files is None else "sums", part)
    out.mkdir(parents=True, exist_ok=True)
    replace_file(place, data)
    click.echo(f"shard {part}: {place}")
    return 0


def load_with_rows(config_path: Path) -> tuple[CheckedConfig, RowsConfig]:
    """Load a configuration whose models predict for rows.

    Raises:
        InputError: if its models have none.
    """
    loaded = load_configuration(config_path)
    config = loaded.config
    if isinstance(config, WithoutRows):
        what, key = config.source
        raise InputError(loaded.problem(f"{what} has nothing to evaluate; use `mlci run`", "predict", key))
    return loaded, config


def _registry(loaded: CheckedConfig, path: Path, answers: EvaluateAnswers) -> Registry | None:
    return open_registry(loaded, path.parent, fetched=answers["fetched"]) if reads_registry(loaded) else None


def evaluate_and_write(
    config_path: Path, out: Path, answers: EvaluateAnswers, *, engine: Callable[[RowsContext], Engine] | None = None
) -> int:
    """Evaluate both models and write evaluation.json.

    Args:
        config_path: The configuration.
        out: Folder to write to.
        answers: Values of the other options.
        engine: Makes another engine than that of tables.
    """
    prepare_output(out)
    loaded, config = load_with_rows(config_path)
    check_output(out)
    registry = _registry(loaded, config_path, answers)
    with run_context(loaded, cached=not answers["no_cache"], registry=registry) as context:
        keep, since = uses_registry(loaded), answers["changed_since"] or None
        judging = judging_of_change(context.loaded, context.git, since) if since else None
        rows = context.with_config(config)
        rows = rows if engine is None else replace(rows, engine=engine(rows))
        comparison = compare_models(rows, keep=keep, since=since)
        about = runtime_environment() if has_known_origin(config) else None
        comparison, _ = add_lineage(context, comparison, about, keep=False)
        look = look_of_comparison(
            context,
            comparison.result,
            comparison.predictions_digest,
            made_by_training=comparison.facts.made_by_training,
        )
    result = comparison.result
    text = serialization.dump_evaluation(result)
    write_files(
        out,
        {"evaluation.json": text, "origins.json": origins_text(replace(comparison.facts, judging=judging, look=look))},
    )
    if answers["as_json"]:
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
        "anchor": origins.anchor,
        "look": origins.look.model_dump() if origins.look else None,
        "made_by_training": origins.made_by_training,
        "shared": origins.shared.model_dump() if origins.shared else None,
        "judging": origins.judging.model_dump() if origins.judging else None,
        "lineage": origins.lineage.model_dump() if origins.lineage else None,
        "trend": [row.model_dump() for row in origins.trend],
    }
    return pretty_json(document) + "\n"
