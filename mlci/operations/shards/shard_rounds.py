"""Rounds of one shard, and the engine that stands in for all of them when they are merged."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlci.config.loader import LoadedConfig
from mlci.config.models import Baseline, RowsConfig
from mlci.engine.interface import Job, Observed
from mlci.engine.shards.rounds import ShardFacts, merge_shards, sum_shard, survey_shard
from mlci.engine.shards.shard_file import ShardFile, parse_shard_file
from mlci.engine.shards.split import MOST_SHARDS, Shard
from mlci.errors import InputError, Problem
from mlci.git.ref_baseline import NoBaselineYetError
from mlci.git.refs import read_head
from mlci.operations.context import RowsContext
from mlci.operations.evaluation_plan import slice_search
from mlci.operations.measure import engine_job
from mlci.operations.models import baseline_production, baseline_ref_or_file, predictions
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.util.bounds import SHARD_BYTES
from mlci.util.safe_files import read_bounded

PATTERN = "*.mlci"


@dataclass(frozen=True, kw_only=True)
class ShardEngine:
    """Engine that returns the merged result of all shards.

    Attributes:
        facts: Facts about this checkout.
        surveys, sums: Files of both rounds.
    """

    facts: ShardFacts
    surveys: tuple[ShardFile, ...]
    sums: tuple[ShardFile, ...]

    def observe(self, job: Job) -> Observed:
        """Merge the shards.

        Raises:
            InputError: if one is missing, there twice, or of another evaluation.
        """
        return merge_shards(job, self.facts, self.surveys, self.sums)


def write_shard_round(context: RowsContext, shard: Shard, surveys: Sequence[ShardFile] | None) -> bytes:
    """Return the file of one shard: of the first round, or of the second one if the surveys of the first are given.

    Raises:
        InputError: if the configuration can't be evaluated in shards, or its tables are invalid.
    """
    refuse_steps(context.loaded, context.config)
    job, facts = _job(context), shard_facts(context)
    return survey_shard(job, shard, facts) if surveys is None else sum_shard(job, shard, facts, surveys)


def shard_facts(context: RowsContext) -> ShardFacts:
    """Return the facts that all shards of one evaluation share."""
    head = read_head(context.git)
    text = Path(context.loaded.path).read_bytes()
    return ShardFacts(
        version=context.version,
        configuration=hashlib.sha256(text).hexdigest(),
        commit=head.commit if head is not None else None,
    )


def refuse_steps(loaded: LoadedConfig, config: RowsConfig) -> None:
    """Refuse steps that every shard would repeat.

    Raises:
        InputError: if there are some; each is named with its line and its remedy.
    """
    file_first = "write the predictions in a job before, and name them with `predict: {file: …}`"
    found = [
        (config.train is not None, "train", f"training would run in every shard; {file_first}"),
        (config.predict.file is None, "predict", f"predictions would be made in every shard; {file_first}"),
        (
            isinstance(config.baseline, Baseline) and config.baseline.ref is not None,
            "baseline",
            "the other commit would be trained in every shard; name its predictions with `baseline: {file: …}`",
        ),
    ]
    problems = [loaded.problem(f"shards can't be used: {message}", key) for wrong, key, message in found if wrong]
    if problems:
        raise InputError.of(problems)


def _job(context: RowsContext) -> Job:
    steps = predictions.candidate_steps(context)
    candidate = predictions.make_predictions(context, steps, data=context.data, after_training=None)
    baseline = _baseline(context)
    if baseline is not None and baseline.own is not None:
        raise InputError(
            "shards can't be used: the version in production was judged on rows of its own; evaluate without --shard"
        )
    asked = engine_job(context.config, candidate.source, baseline.source if baseline else None, data=context.data)
    searched = slice_search(context.config.evaluation)
    return replace(asked, row_changes=context.config.report.rows, slice_search=searched)


def _baseline(context: RowsContext) -> ModelPredictions | None:
    view = baseline_production.champion_head(context)
    try:
        if view is not None:
            return baseline_production.champion_predictions(context, view)
        return baseline_ref_or_file.baseline_predictions(context)
    except NoBaselineYetError:
        return None


def read_shard_files(folder: Path) -> tuple[ShardFile, ...]:
    """Read the files of shards below a folder, in the order of their paths.

    Raises:
        InputError: if there are none or too many, or one can't be read or is too large.
    """
    paths = sorted(path for path in folder.rglob(PATTERN) if path.is_file())
    if not paths:
        raise InputError(Problem(f"holds no file {PATTERN}; download the artifacts of all shards into it", str(folder)))
    if len(paths) > 2 * MOST_SHARDS:
        raise InputError(
            Problem(f"holds more than {2 * MOST_SHARDS} files {PATTERN}, more than shards write", str(folder))
        )
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> ShardFile:
    try:
        data = read_bounded(path, SHARD_BYTES.value, links=False)
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror or error}", str(path))) from None
    if len(data) > SHARD_BYTES.value:
        raise InputError(Problem(f"has more than {SHARD_BYTES}, so mlci did not write it", str(path)))
    return parse_shard_file(data, path=str(path))
