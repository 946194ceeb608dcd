"""Row-level difference between a version's evaluation set and the current one."""

from mlci.config.models import MetricsConfig
from mlci.lineage import rows
from mlci.lineage.rows import Rows
from mlci.operations.bundle.artifacts import Artifact, digest_file
from mlci.operations.context import RunContext
from mlci.registry import stored_files
from mlci.registry.registry import Version
from mlci.registry.stores.interface import Store
from mlci.report.document import DataDifference, NullRate

NAME = "rows.bin"
"""File of a version with the digests of its rows."""
_COLUMNS = 20
_NOT_KEPT = "row digests of one of the sets were not kept, so the differing rows are unknown"
_ELSEWHERE = "keys or labels stand in other columns, so rows can't be matched"
_REPEAT = "rows with the same content can't be distinguished without `evaluation.key`"


def keep_rows(context: RunContext) -> tuple[Artifact, Rows] | None:
    """Return the digests of the current evaluation set, and a temporary file with them for a version to keep.

    There are none if only numbers are compared, or if there are too many rows. Rows without a key are kept in the
    table's order: the version's predictions belong to rows by position.
    """
    config = context.config
    if isinstance(config, MetricsConfig) or context.rows is None:
        return None
    evaluation, data = config.evaluation, context.with_config(config).data
    digests = context.rows(data, evaluation.key, evaluation.label, in_order=evaluation.key is None)
    if digests is None:
        return None
    path = context.scratch / NAME
    path.write_bytes(rows.dump_rows(digests))
    return digest_file(path, NAME), digests


def evaluation_set_difference(context: RunContext, store: Store, version: Version, now: Rows | None) -> DataDifference:
    """Return the difference between a version's evaluation set and the current one.

    Raises:
        CorruptError: if the version's row digests were changed or are damaged.
    """
    before = rows_of_version(context, store, version)
    return compare_rows(before, now, before=version.manifest.data.rows, after=len(now) if now is not None else None)


def compare_rows(one: Rows | None, other: Rows | None, *, before: int, after: int | None) -> DataDifference:
    """Return the difference between two evaluation sets; their numbers of rows are always known."""
    if one is None or other is None:
        return DataDifference(baseline_rows=before, candidate_rows=after, reason=_NOT_KEPT)
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


def rows_of_version(context: RunContext, store: Store, version: Version) -> Rows | None:
    """Return a version's row digests; ``None`` if it has none that this mlci can read.

    Raises:
        CorruptError: if they were changed or are damaged.
    """
    file = version.manifest.data.keys
    if file is None:
        return None
    path = stored_files.fetch_file(store, file, context.scratch / "baseline" / NAME, of=f"version {version.number}")
    return parse_kept_rows(path.read_bytes())


def parse_kept_rows(data: bytes) -> Rows | None:
    """Parse a file of row digests; ``None`` if this mlci can't read it."""
    try:
        return rows.parse_rows(data)
    except ValueError:
        return None
