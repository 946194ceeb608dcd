"""``mlci gate``."""

from dataclasses import replace
from pathlib import Path

import click
from pydantic import ValidationError

from mlci.cli import options
from mlci.cli.build import configuration, facts
from mlci.cli.files import read_bounded
from mlci.cli.finish import finish
from mlci.cli.output import clear
from mlci.cli.registry import connected
from mlci.config.load import Loaded
from mlci.errors import InputError, Problem
from mlci.inference import codec
from mlci.inference.evaluation import EvaluationResult
from mlci.inference.retraining import Noise
from mlci.registry import ledger
from mlci.report.document import BaselineRef, Candidate, Lineage, Part, Seconds, SharedRows, TrendRow
from mlci.usecases import baselines, noise
from mlci.usecases.document import Facts, document
from mlci.usecases.paths import located
from mlci.usecases.run import verdicts

_MOST_ORIGINS = 1_000_000


class Origins(Part):
    """What `mlci evaluate` leaves beside its numbers."""

    candidate: Candidate
    baseline: BaselineRef
    seconds: Seconds
    uses: int | None = None
    lineage: Lineage | None = None
    trend: tuple[TrendRow, ...] = ()
    made_by_training: bool = False
    shared: SharedRows | None = None


@click.command()
@options.config
@options.out
@options.as_json
def command(config_path: Path, out: Path, *, as_json: bool) -> int:
    """Judge the evaluation.json in the output folder by the configuration's gates and write the report.

    \b
    Example:
      mlci gate --config mlci.yml --out .mlci/out
    """  # noqa: D301 (click's mark against rewrapping)
    clear(out, ("report.json", "comment.md", "summary.md", "junit.xml"))
    loaded = configuration(config_path)
    result = codec.parse(_read(out / "evaluation.json", codec.MOST_BYTES), path=str(out / "evaluation.json"))
    _agree(loaded, result)
    origins = _origins(out / "origins.json", facts(loaded))
    gates = verdicts(loaded.config, result, _noise(loaded, config_path.parent, result, origins))
    return finish(document(result, gates, origins), out, as_json=as_json)


def _noise(loaded: Loaded, folder: Path, result: EvaluationResult, origins: Facts) -> Noise:
    """Return the luck of training, for gates that ask for it."""
    config, version = loaded.config, origins.baseline.version
    store, _ = connected(loaded, folder, wanted=noise.wanted(config))
    rows = (
        baselines.same_rows(config, result.fingerprint, located(config.evaluation.data, folder))
        if config.evaluation
        else ""
    )
    against = int(version) if version is not None and version.isdecimal() else None
    return noise.noise(config, store, ledger.tail(store) if store else None, against=against, rows=rows)


def _agree(loaded: Loaded, result: EvaluationResult) -> None:
    """Refuse an evaluation that was measured for another task or at another level than the configuration says."""
    config = loaded.config
    again = "run `mlci evaluate` again"
    if config.task != result.task:
        raise InputError(loaded.problem(f"`task` is {config.task}, but {result.task} was measured; {again}", "task"))
    if config.policy.confidence != result.confidence:
        words = f"`policy.confidence` is {config.policy.confidence}, but {result.confidence} was measured; {again}"
        raise InputError(loaded.problem(words, "policy", "confidence"))


def _origins(path: Path, known: Facts) -> Facts:
    try:
        origins = Origins.model_validate_json(_read(path, _MOST_ORIGINS))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(Problem(f"is not what `mlci evaluate` leaves: {first['msg']}", str(path))) from error
    seconds = origins.seconds.model_dump(exclude_none=True)
    return replace(
        known,
        candidate=origins.candidate,
        baseline=origins.baseline,
        seconds=seconds,
        uses=origins.uses,
        lineage=origins.lineage,
        trend=origins.trend,
        made_by_training=origins.made_by_training,
        shared=origins.shared,
    )


def _read(path: Path, most: int) -> bytes:
    try:
        return read_bounded(path, most, links=False)
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}; run `mlci evaluate` first", str(path))) from error
