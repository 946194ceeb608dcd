"""The job's rows, made from a fixed seed: one file with every column, and the same rows as three files in other orders.

``s1``, ``s2``, ``s3`` hold nine texts each (or 90), ``y`` is the label, ``p`` the candidate's score and ``q`` the
baseline's: a noisier view of the same odds, so that the two models disagree on some rows.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np

SEED = 20_240_607
SLICES = ("s1", "s2", "s3")
COLUMNS = (*SLICES, "y", "p", "q")
_STEP = 1_000_000
_ODD = 2_654_435_761  # Knuth's multiplicative hash: multiplying by it modulo a prime permutes the rows
_PRIME = 2_147_483_647


def write(folder: Path, rows: int, *, groups: int = 9, joined: bool = True) -> None:
    """Write ``one.parquet`` and, with ``joined``, ``rows.parquet``, ``candidate.parquet`` and ``baseline.parquet``.

    Args:
        folder: Where to write; made if it isn't there.
        rows: How many rows.
        groups: Groups in each of the three slice columns.
        joined: Whether the three files are wanted as well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(":memory:", config={"temp_directory": str(folder), "memory_limit": "4GB"})
    connection.execute("SET enable_progress_bar = false")
    texts = ", ".join(f"{name} UTINYINT" for name in SLICES)
    connection.execute(f"CREATE TABLE t (key BIGINT, {texts}, y UTINYINT, p DOUBLE, q DOUBLE)")
    for part in _parts(rows, groups):
        connection.register("part", part)
        connection.execute(f"INSERT INTO t SELECT {', '.join(part)} FROM part")  # noqa: S608 - our own words
        connection.unregister("part")
    named = ", ".join(f"'{name}-' || lpad({name}::VARCHAR, 3, '0') AS {name}" for name in SLICES)
    # The six columns of the job and no other: whatever else a table holds is hashed for its fingerprint, row by row.
    _copy(connection, folder / "one.parquet", f"{named}, y::BIGINT AS y, p, q")
    if joined:
        _copy(connection, folder / "rows.parquet", f"key, {named}, y::BIGINT AS y", _shuffled(1))
        _copy(connection, folder / "candidate.parquet", "key, p", _shuffled(2))
        _copy(connection, folder / "baseline.parquet", "key, q AS p", _shuffled(3))
    connection.close()


def _copy(connection: duckdb.DuckDBPyConnection, target: Path, columns: str, order: str = "") -> None:
    sort = f" ORDER BY {order}" if order else ""
    connection.execute(f"COPY (SELECT {columns} FROM t{sort}) TO '{target}' (FORMAT parquet)")  # noqa: S608 - our own words


def _shuffled(turn: int) -> str:
    """SQL for an order that has nothing to do with the key."""
    return f"((key - 1000000 + 1)::HUGEINT * {_ODD} * {turn * turn + 1}) % {_PRIME}"


def _parts(rows: int, groups: int) -> Iterator[dict[str, np.ndarray]]:
    """Yield columns of at most a million rows; each part has its own random stream."""
    for number, start in enumerate(range(0, rows, _STEP)):
        size = min(_STEP, rows - start)
        random = np.random.default_rng([SEED, number])
        cells = {name: random.integers(0, groups, size, dtype=np.uint8) for name in SLICES}
        odds = random.normal(-0.6, 1.4, size) + 0.05 * (cells["s1"].astype(float) - groups / 2) / groups
        label = (random.random(size) < _share(odds)).astype(np.uint8)
        scores = {
            "p": _share(odds + random.normal(0, 0.45, size)),
            "q": _share(odds + random.normal(0, 0.55, size)),
        }
        yield {"key": np.arange(start, start + size, dtype=np.int64) + _STEP, **cells, "y": label, **scores}


def _share(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))
