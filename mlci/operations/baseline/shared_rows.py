"""Comparison on the rows that both models' own evaluation sets contain, if training makes one for each model.

A model may have been trained on any row that is not in its own evaluation set, so only rows of both sets compare.
"""

from dataclasses import dataclass
from pathlib import Path

from mlci.config.loader import Loaded, LoadedConfig, load_unchecked
from mlci.config.models import Config, RowsConfig
from mlci.engine.interface import Job
from mlci.errors import InputError
from mlci.git.ref_baseline import WITHOUT_BASELINE
from mlci.git.worktree import Worktree
from mlci.lineage import rows
from mlci.lineage.rows import UNCERTAIN
from mlci.operations.context import RowsContext, resolve_path
from mlci.operations.lineage import evaluation_rows
from mlci.operations.models import file_guards
from mlci.operations.models.predictions import OwnRows
from mlci.report.document import SharedRows

OWN_ROWS = "own-rows.bin"
"""File beside the predictions."""
_NAME_A_KEY = (
    "Name the column that identifies a row, and write it into the predictions too:\n    evaluation:\n      key: id"
)
_WITHOUT = f"{WITHOUT_BASELINE[0].upper()}{WITHOUT_BASELINE[1:]}"


@dataclass(frozen=True, kw_only=True)
class OwnEvaluationSet:
    """Path of a commit's evaluation set, and whether it existed before any step ran: then it is in git."""

    data: str
    committed: bool


def find_own_set(loaded: LoadedConfig, worktree: Worktree) -> OwnEvaluationSet | None:
    """Find a commit's evaluation set by its own configuration; ``None`` if it is elsewhere."""
    evaluation = _own_config(loaded, worktree).evaluation
    if evaluation is None or "://" in evaluation.data:
        return None
    data = resolve_path(evaluation.data, worktree.folder)
    if not Path(data).resolve().is_relative_to(worktree.root.resolve()):
        return None
    return OwnEvaluationSet(data=data, committed=file_guards.is_there(data))


def keep_own_digests(
    context: RowsContext,
    own: OwnEvaluationSet | None,
    into: Path,
    *,
    by_training: bool,
    in_order: bool,
) -> bool:
    """Keep the digests of a commit's evaluation set, if both models are to be compared on the rows of both sets.

    They are if training makes one of the sets: the other model may have been trained on its rows.

    Args:
        context: Run context.
        own: The commit's set, after its steps ran.
        into: Folder for files that are kept with the predictions.
        by_training: Whether the candidate's training made its own set.
        in_order: Whether the predictions belong to the commit's own rows.

    Returns:
        Whether training made the commit's own set, and it differs from the candidate's.
    """
    evaluation = context.config.evaluation
    if own is None or not file_guards.is_there(own.data) or not (by_training or not own.committed):
        return False
    same = context.fingerprint(own.data) == context.fingerprint(context.data)
    if same and (
        evaluation.key is not None
        or not in_order
        or file_guards.digest_contents(own.data) == file_guards.digest_contents(context.data)
    ):
        return False
    digests = None if context.rows is None else context.rows(own.data, evaluation.key, evaluation.label, in_order=True)
    if digests is None:
        raise InputError(f"the baseline's own evaluation set has more than {rows.MOST:,} rows; fix the split's seed")
    (into / OWN_ROWS).write_bytes(rows.dump_rows(digests))
    return True


def read_own_rows(folder: Path, *, of: str, in_order: bool) -> OwnRows | None:
    """Return the digests that :func:`keep_own_digests` wrote beside the predictions."""
    path = folder / OWN_ROWS
    digests = evaluation_rows.parse_kept_rows(path.read_bytes()) if path.is_file() else None
    return None if digests is None else OwnRows(rows=digests, of=of, in_order=in_order)


def _own_config(loaded: LoadedConfig, worktree: Worktree) -> Config:
    path = worktree.holds(Path(loaded.path).name)
    if path is None:
        return loaded.config
    try:
        return load_unchecked(path).config
    except InputError:
        return loaded.config


def restrict_to_shared(context: RowsContext, job: Job, own: OwnRows) -> tuple[Job, SharedRows]:
    """Return a job on the rows that the candidate's evaluation set shares with the baseline's own.

    Raises:
        InputError: if fewer than ``min_group_size`` rows are shared, if labels of shared rows differ, or if rows
            without a key can't be identified by their content.
    """
    if context.share is None:
        raise ValueError("the run context can't restrict rows")
    restricted = context.share(job, own.rows, context.scratch / "shared", in_own_order=own.in_order)
    shared = SharedRows(
        added=restricted.added,
        removed=restricted.removed,
        rows=restricted.rows,
        changed=restricted.changed,
        repeated=restricted.repeated,
    )
    least = context.config.evaluation.min_group_size
    if shared.repeated and shared.rows < least:
        raise InputError(_repeated(shared, own, least))
    if restricted.coincidences > UNCERTAIN * shared.rows:
        raise InputError(_coincident(shared, own, min(restricted.coincidences, shared.rows)))
    if shared.rows < least:
        raise InputError(_too_few(context.config, shared, own, least))
    return restricted.job, shared


def shared_rows_note(shared: SharedRows, own: OwnRows) -> str:
    """Return the line of a report about the rows that were compared."""
    other = f"; {shared.changed:,} of them hold other values" if shared.changed else ""
    return f"{_difference(shared)} since {own.of}; compared on {shared.rows:,} shared rows{_how(shared)}{other}"


def _how(shared: SharedRows) -> str:
    if shared.repeated is None:
        return ""
    left_out = f"; {shared.repeated:,} rows whose content repeats were left out" if shared.repeated else ""
    return f", matched by their content{left_out}"


def _difference(shared: SharedRows) -> str:
    return f"the evaluation set changed: {shared.added:,} rows added, {shared.removed:,} removed"


def unknown_rows(loaded: Loaded[RowsConfig], of: str) -> InputError:
    """Return the error about a baseline whose own rows can't be matched with the candidate's."""
    key = loaded.config.evaluation.key
    why = f"the evaluation set is not the one that {of} was judged on, and rows can't be matched"
    if key is None:
        remedy = (
            f"without a key, because {of} did not keep the order of its rows, as versions do that are promoted from "
            f"now on. {_NAME_A_KEY}\n{_WITHOUT}"
        )
    else:
        remedy = f"because {of} kept no digests of its rows. {_WITHOUT}"
    return InputError(loaded.problem(f"{why} {remedy}", "evaluation"))


def _repeated(shared: SharedRows, own: OwnRows, least: int) -> str:
    return (
        f"the evaluation set changed since {own.of}, and without a key rows are matched by their content: "
        f"{shared.repeated:,} rows of both sets repeat, so they can't be distinguished. {shared.rows:,} rows are left, "
        f"and `min_group_size` asks for {least:,}. The usual reason is an evaluation set of few columns. "
        f"{_NAME_A_KEY}\n{_WITHOUT}"
    )


def _coincident(shared: SharedRows, own: OwnRows, coincidences: float) -> str:
    return (
        f"{_difference(shared)} since {own.of}, and without a key rows are matched by their content: by the rows that "
        f"repeat in one set, about {coincidences:.0f} of {shared.rows:,} matches are different rows that happen to be "
        f"equal. The usual reason is an evaluation set of few columns. {_NAME_A_KEY}\n{_WITHOUT}"
    )


def _too_few(config: RowsConfig, shared: SharedRows, own: OwnRows, least: int) -> str:
    data = config.evaluation.data
    return (
        f"{_difference(shared)} since {own.of}, so only {shared.rows:,} rows are in both, and `min_group_size` asks "
        f"for {least:,}. {own.of} may have been trained on the others. The usual reason is a split with another seed "
        "or another size. Keep the split as it is, by a fixed seed:\n"
        "    train_test_split(rows, test_size=0.2, random_state=42)\n"
        "or commit the evaluation set, leave it alone in `train.run`, and let a step predict for any rows:\n"
        f"    git add --force {data}\n"
        "    predict: {run: python predict.py}   # in place of predict.file\n"
        f"or, if the split has to change, {WITHOUT_BASELINE}"
    )
