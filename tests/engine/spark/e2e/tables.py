"""Tables of many types in several files, and the comparison of two engines' results."""

import datetime as dt
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlci.engine.duckdb_engine import DuckDBEngine
from mlci.engine.interface import Job, SliceColumn, SliceSpec, Source
from mlci.errors import InputError
from mlci.metrics.statistics import PowerSums, Scores

ROWS, FILES = 4_000, 3
REGIONS = ["north", "south", 'say "hi"', None]
DAY = dt.datetime(2026, 3, 29, 1, 30)  # noqa: DTZ001 - in the hour that summer time skips in Europe


def picked(rng, values, rows=ROWS):
    return [values[i] for i in rng.integers(0, len(values), rows)]


def evaluation_set(rng):
    """Columns of every type that both engines read."""
    label = rng.integers(0, 2, ROWS)
    hours = [DAY + dt.timedelta(hours=int(hour)) for hour in rng.integers(0, 3, ROWS)]
    return pa.table(
        {
            "id": pa.array(rng.permutation(ROWS), pa.int32()),
            "y": pa.array(label, pa.int8()),
            "region": pa.array(picked(rng, REGIONS)),
            "age": pa.array([None if age < 20 else int(age) for age in rng.integers(18, 90, ROWS)], pa.uint8()),
            "member": pa.array(picked(rng, [True, False, None]), pa.bool_()),
            "seen": pa.array(hours, pa.timestamp("us", "UTC")),
            "local": pa.array(hours, pa.timestamp("us")),
            "day": pa.array([one.date() for one in hours]),
            "price": pa.array(picked(rng, [Decimal("1.10"), Decimal("2.00"), None]), pa.decimal128(9, 2)),
            "long": pa.array(picked(rng, [Decimal(2**60), Decimal(2**60 + 1)]), pa.decimal128(20, 0)),
            "weight": pa.array(rng.random(ROWS).astype(np.float32)),
            "note": pa.array([f"row {number}" for number in rng.integers(0, 5_000, ROWS)]),
            "code": pa.array([f"{number / 8}" for number in rng.integers(0, 50_000, ROWS)]),
            "big": pa.array(rng.integers(2**53, 2**62, ROWS)),
        }
    )


def write_files(table, folder, name, files=FILES):
    """Write a table in several files and return their glob."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-table.num_rows // files)
    for number in range(files):
        pq.write_table(table.slice(number * size, size), folder / f"{name} {number}.parquet")
    return str(folder / f"{name} *.parquet")


def scores(rng, label, spread):
    return np.round(np.clip(rng.normal(0.35 + 0.3 * label, spread), 0, 1), 2)


def predictions(rng, table, spread, kind):
    """Rows in another order, with scores of two decimals."""
    order = rng.permutation(table.num_rows)
    label = table["y"].to_numpy()[order]
    return pa.table(
        {
            "id": pa.array(table["id"].to_numpy()[order], pa.int64()),
            "p": pa.array(scores(rng, label, spread).astype(kind)),
        }
    )


def sliced(*columns, name=None):
    parts = tuple(column if isinstance(column, SliceColumn) else SliceColumn(column=column) for column in columns)
    return SliceSpec(name=name or " × ".join(part.column for part in parts), columns=parts)


AGE = SliceColumn(column="age", cut=(30, 50))
SLICES = (
    *(sliced(name) for name in ("region", "member", "seen", "local", "day", "price", "long")),
    sliced(AGE),
    sliced("region", AGE),
)


def binary_job(folder, seed=1, **more):
    """Scores of both models in tables of their own, joined by a key."""
    rng = np.random.default_rng(seed)
    table = evaluation_set(rng)
    given = {
        "task": "binary",
        "data": write_files(table, folder, "eval"),
        "label": "y",
        "key": "id",
        "candidate": Source(path=write_files(predictions(rng, table, 0.2, np.float32), folder, "new", 2), score="p"),
        "baseline": Source(path=write_files(predictions(rng, table, 0.25, np.float64), folder, "old", 3), score="p"),
        "slices": SLICES,
        "scores": True,
        "calibration": True,
        "losses": ("squared", "log"),
        "probabilities": True,
    }
    return Job(**(given | more))


def refusal(engine, job):
    """Return the lines that a job is refused with; none if it is not."""
    try:
        engine.observe(job)
    except InputError as error:
        return [str(problem) for problem in error.problems]
    return []


def check_alike(engine, job):
    """Check that Spark's result is the embedded engine's: equal counts and codes, floats within 1e-9."""
    here, there = DuckDBEngine().observe(job), engine.observe(job)
    assert str(there.fingerprint) == str(here.fingerprint)
    assert there.fingerprint.former == here.fingerprint.former
    assert (there.rows, there.notes, there.undecided) == (here.rows, here.notes, here.undecided)
    assert [one.scope for one in there.statistics] == [one.scope for one in here.statistics]
    for mine, theirs in zip(there.statistics, here.statistics, strict=True):
        _check(mine, theirs, str(mine.scope), theirs.rows)
    return there


IGNORED = {"residuals", "exact"}
"""Drawings of residuals, which need all rows, and whether each bin has a single score."""


def _renumbered(scores):
    """Number the coarse bins of one scope from 0, because Spark's engine numbers those of all scopes together."""
    models = [one for one in (scores.candidate, scores.baseline) if one is not None]
    known = [np.unique(one.coarse) for one in models]
    bins = [replace(one, coarse=np.searchsorted(all_, one.coarse)) for one, all_ in zip(models, known, strict=True)]
    if len(bins) == 1:
        return replace(scores, candidate=bins[0])
    joint = scores.joint.copy()
    joint[:, 0], joint[:, 1] = (np.searchsorted(known[1 - at], joint[:, at]) for at in (0, 1))
    return replace(scores, candidate=bins[0], baseline=bins[1], joint=joint)


def _in_units_of_losses(powers):
    companion, number = np.indices(powers.sums.shape)
    return powers.sums * powers.other_unit**companion * powers.unit**number


def _check(mine, theirs, path, rows):
    if isinstance(theirs, Scores):
        mine, theirs = _renumbered(mine), _renumbered(theirs)
    if isinstance(theirs, PowerSums):  # labels are centred at another number, in the twelfth digit
        powers = _in_units_of_losses(mine), _in_units_of_losses(theirs)
        np.testing.assert_allclose(*powers, rtol=1e-7, atol=1e-9 * rows, err_msg=path)
    elif is_dataclass(theirs):
        for field in fields(theirs):
            if field.name not in IGNORED:
                _check(getattr(mine, field.name), getattr(theirs, field.name), f"{path}.{field.name}", rows)
    elif isinstance(theirs, dict):
        assert set(mine) == set(theirs), path
        for name, value in theirs.items():
            _check(mine[name], value, f"{path}[{name}]", rows)
    elif isinstance(theirs, np.ndarray) and theirs.dtype.kind == "f":
        size = np.abs(theirs).max(initial=1.0) * 1e-9
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=size, err_msg=path)
    elif isinstance(theirs, float):
        assert abs(mine - theirs) <= 1e-9 * max(abs(theirs), 1.0), path
    else:
        assert np.array_equal(mine, theirs), path
