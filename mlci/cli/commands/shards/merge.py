"""``mlci merge``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.commands.evaluate import EvaluateAnswers, evaluate_and_write
from mlci.operations.shards.shard_rounds import ShardEngine, read_shard_files, shard_facts


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@options.config
@options.out
@options.as_json
@options.fetched
def command(folder: Path, config_path: Path, out: Path, *, as_json: bool, fetched: str) -> int:
    """Merge the shards of one evaluation; writes evaluation.json for `mlci gate`.

    FOLDER holds what `mlci evaluate --shard` wrote in both rounds, of every shard. A shard that is missing, there
    twice, of another commit, another configuration or other data is refused by name. The result does not depend on the
    number of shards.

    \b
    Example:
      mlci merge shards && mlci gate
    """  # noqa: D301 (click's mark against rewrapping)
    files = read_shard_files(folder)
    by_round = {name: tuple(one for one in files if one.heading.round == name) for name in ("survey", "sums")}
    answers: EvaluateAnswers = {"as_json": as_json, "no_cache": False, "fetched": fetched, "changed_since": ""}
    return evaluate_and_write(
        config_path,
        out,
        answers,
        engine=lambda context: ShardEngine(
            facts=shard_facts(context), surveys=by_round["survey"], sums=by_round["sums"]
        ),
    )
