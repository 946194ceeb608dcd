"""Evaluation sets that differ: made by training, compared by row, and restricted to the rows that both contain.

A set that training makes is not in git, so a fresh checkout has none and the candidate's training runs before the
baseline is chosen. A file that exists before training may only be overwritten if an earlier training made it, which
mlci records by digest in its own folder. Every other file (a committed one, one that a step downloaded) is protected,
because a change could label the rows that it is judged on.

A model may have been trained on any row that is not in its own evaluation set, so only rows of both sets compare.
"""

import contextlib
import glob
from dataclasses import dataclass
from pathlib import Path

from mlci.config.loader import Loaded, LoadedConfig, load_unchecked
from mlci.config.models import Config, RowsConfig, WithoutRows, rows_evaluation
from mlci.engine.interface import Job
from mlci.errors import InputError
from mlci.git.git import is_tracked
from mlci.git.ref_baseline import WITHOUT_BASELINE
from mlci.git.worktree import Worktree
from mlci.lineage import rows
from mlci.lineage.rows import UNCERTAIN, Rows
from mlci.operations.context import RowsContext, RunContext, evaluation_path
from mlci.operations.models import file_guards
from mlci.operations.models.model_predictions import OwnRows
from mlci.operations.provenance import Artifact, digest_file
from mlci.registry import stored_files
from mlci.registry.registry import Version
from mlci.registry.stores.interface import Store
from mlci.report.document import SharedRows
from mlci.report.lineage_rows import DataDifference, NullRate
from mlci.sealed.label_seal import is_sealed

MADE_NOTE = (
    "the evaluation set was made by this change's own training, which chose its rows and wrote their labels; "
    "commit it, or fetch it before mlci runs, if a change must not do that"
)
"""Note of a report."""
_REMEMBERED_FILE = "made-by-training"
_MOST_REMEMBERED = 50
ROWS_FILE = "rows.bin"
"""File of a version with the digests of its rows."""
_COLUMNS = 20
_NOT_KEPT = "row digests of one of the sets were not kept, so the differing rows are unknown"
_SEALED = "row digests were not kept, because the labels are sealed"
_ELSEWHERE = "keys or labels stand in other columns, so rows can't be matched"
_REPEAT = "rows with the same content can't be distinguished without `evaluation.key`"
OWN_ROWS = "own-rows.bin"
"""File beside the predictions."""
_NAME_A_KEY = (
    "Name the column that identifies a row, and write it into the predictions too:\n    evaluation:\n      key: id"
)
_WITHOUT = f"{WITHOUT_BASELINE[0].upper()}{WITHOUT_BASELINE[1:]}"


def is_made_by_training(context: RowsContext) -> bool:
    """Check if training makes the evaluation set: it does not exist, or an earlier training made it.

    Call it before any of the candidate's steps runs.
    """
    if context.config.train is None or "://" in context.data:
        return False
    if is_tracked(context.git, context.config.evaluation.data):
        return False
    return not file_guards.is_there(context.data) or file_guards.digest_contents(context.data) in _remembered(context)


def required_output(config: RowsConfig) -> str | None:
    """Return the file that training has to write; ``None`` for a pattern, whose files are unknown before training."""
    data = config.evaluation.data
    return None if glob.has_magic(data) else data


def remember_made(context: RowsContext) -> None:
    """Record the digest of an evaluation set that training just made."""
    digest = file_guards.digest_contents(context.data)
    if context.own_folder is None or digest is None or not file_guards.is_there(context.data):
        return
    earlier = [line for line in _remembered(context) if line != digest][-_MOST_REMEMBERED:]
    with contextlib.suppress(OSError):  # without it, the next training has to find no file
        (context.own_folder / _REMEMBERED_FILE).write_text("\n".join([*earlier, digest, ""]), encoding="utf-8")


def _remembered(context: RowsContext) -> list[str]:
    """Return the recorded digests; none from a file that git tracks, which a commit could have planted."""
    if context.own_folder is None:
        return []
    path = context.own_folder / _REMEMBERED_FILE
    try:
        if path.is_symlink() or not path.is_file() or is_tracked(context.git, str(path.absolute())):
            return []
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []


def keep_rows(context: RunContext) -> tuple[Artifact, Rows] | None:
    """Return the digests of the current evaluation set, and a temporary file with them for a version to keep.

    There are none if only numbers are compared, if there are too many rows, or if the labels are sealed: anyone can
    try which label has a row's digest. Rows without a key are kept in the table's order: the version's predictions
    belong to rows by position.
    """
    config = context.config
    if isinstance(config, WithoutRows) or context.rows is None or _has_sealed_labels(config):
        return None
    evaluation, data = config.evaluation, context.with_config(config).data
    digests = context.rows(data, evaluation.key, evaluation.label, in_order=evaluation.key is None)
    if digests is None:
        return None
    path = context.scratch / ROWS_FILE
    path.write_bytes(rows.dump_rows(digests))
    return digest_file(path, ROWS_FILE), digests


def evaluation_set_difference(context: RunContext, store: Store, version: Version, now: Rows | None) -> DataDifference:
    """Return the difference between a version's evaluation set and the current one.

    Raises:
        CorruptError: if the version's row digests were changed or are damaged.
    """
    before = rows_of_version(context, store, version)
    rows_now = len(now) if now is not None else None
    return compare_rows(context.config, before, now, before=version.manifest.data.rows, after=rows_now)


def compare_rows(
    config: Config, one: Rows | None, other: Rows | None, *, before: int, after: int | None
) -> DataDifference:
    """Return the difference between two evaluation sets; their numbers of rows are always known."""
    if one is None or other is None:
        reason = _SEALED if _has_sealed_labels(config) else _NOT_KEPT
        return DataDifference(baseline_rows=before, candidate_rows=after, reason=reason)
    difference = rows.row_difference(one, other)
    rates = [NullRate(column=name, baseline=was, candidate=new) for name, was, new in difference.null_rates]
    return DataDifference(
        baseline_rows=difference.before,
        candidate_rows=difference.after,
        added=difference.added,
        removed=difference.removed,
        relabelled=difference.relabelled,
        changed=difference.changed,
        columns_added=difference.columns_added[:_COLUMNS],
        columns_removed=difference.columns_removed[:_COLUMNS],
        null_rates=tuple(rates[:_COLUMNS]),
        reason=_REPEAT if difference.repeat else _ELSEWHERE if difference.added is None else None,
    )


def _has_sealed_labels(config: Config) -> bool:
    return config.evaluation is not None and is_sealed(config.evaluation.labels)


def rows_of_version(context: RunContext, store: Store, version: Version) -> Rows | None:
    """Return a version's row digests; ``None`` if it has none that this mlci can read.

    Raises:
        CorruptError: if they were changed or are damaged.
    """
    file = version.manifest.data.keys
    if file is None:
        return None
    path = stored_files.fetch_file(
        store, file, context.scratch / "baseline" / ROWS_FILE, of=f"version {version.number}"
    )
    return parse_kept_rows(path.read_bytes())


def parse_kept_rows(data: bytes) -> Rows | None:
    """Parse a file of row digests; ``None`` if this mlci can't read it."""
    try:
        return rows.parse_rows(data)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class OwnEvaluationSet:
    """Path of a commit's evaluation set, and whether it existed before any step ran: then it is in git."""

    data: str
    committed: bool


def find_own_set(loaded: LoadedConfig, worktree: Worktree) -> OwnEvaluationSet | None:
    """Find a commit's evaluation set by its own configuration; ``None`` if it is elsewhere."""
    evaluation = rows_evaluation(_own_config(loaded, worktree).evaluation)
    if evaluation is None or "://" in evaluation.data:
        return None
    data = evaluation_path(evaluation, worktree.folder)
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
    digests = parse_kept_rows(path.read_bytes()) if path.is_file() else None
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
