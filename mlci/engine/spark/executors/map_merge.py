"""Map and merge: a result for each partition, merged in a tree on the executors, and the last comes back."""

from collections.abc import Callable, Iterator
from functools import partial, reduce
from typing import Any

FAN_IN = 32
"""Most results that one merge gets, as far as the number of partitions is known."""
_SCHEMA = "payload binary"
Work = Callable[[Iterator[Any]], bytes]
"""Reduces a partition's batches to bytes."""
Merge = Callable[[bytes, bytes], bytes]
"""Merges two results, in any order."""


def collect_merged(frame: Any, work: Work, merge: Merge, *, partitions: int | None = None) -> bytes | None:  # noqa: ANN401 - pyspark is optional
    """Run ``work`` on each partition of a data frame and return the merged result; ``None`` without partitions.

    Args:
        frame: The data frame.
        work: Runs on each partition.
        merge: Merges two results.
        partitions: Most partitions of the frame; ``None`` counts them, which a frame after a shuffle can't know yet.
    """
    merged = frame.mapInArrow(partial(map_partition, work), _SCHEMA)
    for level in levels(count_partitions(frame) if partitions is None else partitions):
        merged = merged.repartition(level).mapInArrow(partial(merge_partition, merge), _SCHEMA)
    rows = merged.collect()
    return bytes(rows[0].payload) if rows else None


def levels(partitions: int) -> list[int]:
    """Return the number of partitions of each level of merges; the last is one."""
    found = [] if partitions <= 1 else [1]
    while found and -(-partitions // found[0]) > FAN_IN:
        found.insert(0, min(found[0] * FAN_IN, -(-partitions // FAN_IN)))
    return found


def count_partitions(frame: Any) -> int:  # noqa: ANN401 - pyspark is optional
    """Return the number of a data frame's partitions; a session of Spark Connect does not tell, and has many."""
    try:
        return int(frame.rdd.getNumPartitions())
    except Exception:  # noqa: BLE001 - the type depends on the version of Spark Connect
        return FAN_IN * FAN_IN


def map_partition(work: Work, batches: Iterator[Any]) -> Iterator[Any]:
    """Yield a partition's result as one row."""
    yield _row(work(batches))


def merge_partition(merge: Merge, batches: Iterator[Any]) -> Iterator[Any]:
    """Yield the merged results of a partition as one row; nothing for an empty partition."""
    payloads: Iterator[bytes] = (cell.as_py() for batch in batches for cell in batch.column(0))
    if (first := next(payloads, None)) is not None:
        yield _row(reduce(merge, payloads, first))


def _row(payload: bytes) -> Any:  # noqa: ANN401 - pyarrow ships no types
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    return pa.record_batch({"payload": pa.array([payload], pa.binary())})
