"""Guards: the steps of one model must not touch the files of the other or the evaluation set."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlci.errors import InputError
from mlci.git.git import is_tracked
from mlci.operations.context import RowsContext, RunContext, resolve_path
from mlci.operations.models.file_snapshot import MOVED, FileSnapshot
from mlci.operations.models.predictions import ModelPredictions


@dataclass
class EvaluationFile:
    """Record of whether the candidate's training wrote the evaluation set."""

    written: bool = False


@contextlib.contextmanager
def guard_baseline_files(
    context: RowsContext, baseline: ModelPredictions | None, *, rows_may_change: bool = False
) -> Iterator[EvaluationFile]:
    """Check that the candidate's steps, which run inside, do not change the baseline's predictions and their rows.

    If a baseline was made on the rows and they have a key, their fingerprint is compared later. In every other case the
    file is compared here, because a candidate could label the rows that it is judged on. Training may make a file that
    did not exist, and with ``rows_may_change`` one that it made before.

    Raises:
        InputError: if the steps made or changed the baseline's file, or changed the rows.
    """
    config = context.config
    runs = config.train is not None or config.predict.file is None
    watched = [baseline.source.path] if baseline is not None and runs else []
    before = FileSnapshot.now(watched, by_content=True)
    keyed = config.evaluation.key is not None
    counted = runs and not rows_may_change and not (keyed and baseline is not None and baseline.made_on is not None)
    rows_before = FileSnapshot.now([context.data] if counted else [], by_content=True)
    evaluation = EvaluationFile()
    stamps = FileSnapshot.now([context.data] if config.train is not None else [], by_content=False)
    yield evaluation
    evaluation.written = bool(stamps.changed()) and not is_tracked(context.git, str(Path(context.data).absolute()))
    if any(rows_before.marks.values()) and rows_before.changed():
        raise InputError(MOVED)
    if before.changed() and baseline is not None:
        why = f"the candidate's own steps wrote to the baseline's {baseline.label}, so it is not production's any more"
        raise InputError(
            context.loaded.problem(f"{why}; let `train.run` and `predict.run` write elsewhere", "baseline")
        )


@contextlib.contextmanager
def guard_candidate_files(context: RunContext) -> Iterator[None]:
    """Check that the baseline's steps, which run inside, do not change the files that the candidate is judged by.

    Raises:
        InputError: if they wrote there, most likely by an absolute path.
    """
    config = context.config
    named = [getattr(config.predict, key) for key in ("file", "model", "metrics")]
    named += [config.train.model if config.train else None, config.evaluation.data if config.evaluation else None]
    paths = {resolve_path(path, context.folder): path for path in named if path is not None}
    before = FileSnapshot.now(paths, by_content=False)
    yield
    if changed := before.changed():
        raise InputError(
            f"the baseline's steps wrote to the candidate's `{paths[changed[0]]}`, perhaps by an absolute path; "
            "let `train.run` and `predict.run` write inside of their own checkout"
        )
