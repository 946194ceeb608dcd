"""Builders of small real files in every format, and of jobs over them."""

import contextlib
import gzip
import json
import sqlite3
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from mlci.engine.duckdb_engine import DuckDBEngine
from mlci.engine.interface import Job, Observed, SliceColumn, SliceSpec, Source
from mlci.errors import InputError

FORMATS = ("csv", "csv.gz", "tsv", "parquet", "jsonl", "json", "shards", "feather", "duckdb", "sqlite")


def write(frame: pd.DataFrame, folder: Path, name: str, form: str) -> str:
    """Write a frame and return the path (or glob) to read it by."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{form}"
    if form == "shards":
        cut = len(frame) // 3
        frame.iloc[:cut].to_parquet(folder / f"{name}-1.parquet", index=False)
        frame.iloc[cut:].to_parquet(folder / f"{name}-2.parquet", index=False)
        return str(folder / f"{name}-*.parquet")
    if form == "parquet":
        frame.to_parquet(path, index=False)
    elif form == "feather":
        frame.reset_index(drop=True).to_feather(path)
    elif form == "duckdb":
        with duckdb.connect(str(path)) as database:
            database.register("given", frame)
            database.execute("CREATE TABLE evaluation AS FROM given")
    elif form == "sqlite":
        with contextlib.closing(sqlite3.connect(path)) as database:
            frame.to_sql("evaluation", database, index=False)
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in _rows(frame)))
    elif form == "json":
        path.write_text(json.dumps(_rows(frame)))
    elif form == "csv.gz":
        path.write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    else:
        frame.to_csv(path, index=False, sep="\t" if form == "tsv" else ",")
    return str(path)


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    columns = {name: [None if pd.isna(value) else value for value in frame[name].tolist()] for name in frame}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def text(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_text(content)
    return str(path)


def slices(*specs: object) -> tuple[SliceSpec, ...]:
    """Slices from names, ``(name, cut)`` pairs in lists, or tuples to cross."""
    return tuple(_spec(one if isinstance(one, tuple) else (one,)) for one in specs)


def _spec(members: tuple[object, ...]) -> SliceSpec:
    columns = tuple(
        SliceColumn(column=m) if isinstance(m, str) else SliceColumn(column=m[0], cut=m[1]) for m in members
    )
    return SliceSpec(name=" × ".join(column.column for column in columns), columns=columns)


def observe(job: Job, **engine: object) -> Observed:
    return DuckDBEngine(**engine).observe(job)


def refusal(job: Job) -> list[str]:
    """Return the lines that a job is refused with."""
    try:
        observe(job)
    except InputError as error:
        return [str(problem) for problem in error.problems]
    raise AssertionError("the job was not refused")


def scopes(observed: Observed) -> list[str]:
    return [str(one.scope) for one in observed.statistics]


def same(left: object, right: object) -> bool:
    """Compare statistics to the last bit, through all their dataclasses."""
    if isinstance(left, np.ndarray):
        return isinstance(right, np.ndarray) and left.dtype == right.dtype and left.tobytes() == right.tobytes()
    if hasattr(left, "__dataclass_fields__"):
        return all(same(getattr(left, name), getattr(right, name)) for name in left.__dataclass_fields__)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right or (left != left and right != right)  # noqa: PLR0124 - NaN


def people(rows: int, seed: int = 0, *, ties: int | None = None) -> pd.DataFrame:
    """A binary task with ties, nulls and groups of uneven size; key, features, label, both models' scores."""
    draw = np.random.default_rng(seed)
    label = draw.integers(0, 2, rows)
    score, old = (np.clip(0.3 * label + 0.7 * draw.random(rows), 0, 1) for _ in range(2))
    if ties:
        score, old = np.round(score * ties) / ties, np.round(old * ties) / ties
    region = draw.choice(np.array(["north", "south", "east", None], dtype=object), rows, p=[0.5, 0.3, 0.15, 0.05])
    age = draw.integers(18, 80, rows).astype(float)
    age[draw.random(rows) < 0.03] = np.nan
    return pd.DataFrame({
        "id": [f"k{i:05d}" for i in range(rows)],
        "region": region,
        "sex": draw.choice(["F", "M"], rows),
        "age": age,
        "label": label,
        "score": score,
        "old": old,
    })  # fmt: skip


SLICES = slices("region", (["age", (25.0, 40.0, 60.0)],), ("region", "sex"))


def job(path: str, **more: object) -> Job:
    """The job over one file of :func:`people`, unless ``more`` says otherwise."""
    given: dict[str, object] = {
        "task": "binary", "data": path, "label": "label", "slices": SLICES,
        "candidate": Source(path=path, score="score"), "baseline": Source(path=path, score="old"),
    }  # fmt: skip
    return Job(**(given | more))


def everything(**more: object) -> dict[str, object]:
    """All reductions of a binary task."""
    return {"scores": True, "calibration": True, "losses": ("squared", "log"), "probabilities": True} | more
