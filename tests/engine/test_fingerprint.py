"""The fingerprint depends on content only."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from mlci.engine import sql
from mlci.engine.fingerprint import fingerprint
from mlci.engine.interface import Source
from tests.engine.tables import FORMATS, job, observe, people, text, write

PINNED = "sha256:d6758c2c52ad37e8e280d78fd20268fb178e16a9e2a829070d7434a5fda641fa"


def table(rows=1200):
    draw = np.random.default_rng(2)
    return people(rows).assign(
        big=2**53 + np.arange(rows), wide=draw.normal(size=rows), flag=draw.random(rows) < 0.5,
        note=[f"n{i}" if i % 7 else None for i in range(rows)],
    )  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return fingerprint(write(table(), tmp_path_factory.mktemp("reference"), "t", "parquet"))


@pytest.mark.parametrize("form", FORMATS)
def test_fingerprint__format_order_and_columns(reference, tmp_path, form):
    shuffled = table().sample(frac=1, random_state=1)
    if form == "sqlite":  # it has no booleans
        shuffled = shuffled.assign(flag=shuffled.flag.map({False: "false", True: "true"}))
    assert fingerprint(write(shuffled[sorted(shuffled)], tmp_path, "t", form)) == reference


def test_fingerprint__compression(reference, tmp_path):
    table().to_parquet(tmp_path / "t.parquet", compression="zstd", row_group_size=100)
    assert fingerprint(str(tmp_path / "t.parquet")) == reference


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(label=1 - t.label),
        lambda t: t.assign(wide=np.where(t.index == 77, np.nextafter(t.wide, 9), t.wide)),
        lambda t: t.assign(big=t.big + (t.index == 5)),
        lambda t: t.assign(note=t.note.where(t.index != 1)),
        lambda t: t[1:],
        lambda t: pd.concat([t, t[:1]]),
        lambda t: pd.concat([t, t]),
        lambda t: t.rename(columns={"sex": "gender"}),
        lambda t: t.drop(columns="flag"),
        lambda t: t.assign(region=t.region.to_numpy()[::-1]),
        lambda t: t.rename(columns={"score": "old", "old": "score"}),
    ],
)
def test_fingerprint__any_change_of_content(reference, tmp_path, change):
    assert fingerprint(write(change(table()), tmp_path, "t", "parquet")) != reference


def test_fingerprint__repeated_rows(tmp_path):
    once, twice, other = (text(tmp_path, f"{n}.csv", c) for n, c in (
        ("a", "x\n1\n2\n"), ("b", "x\n1\n1\n2\n2\n"), ("c", "x\n1\n1\n1\n2\n")
    ))  # fmt: skip
    assert len({fingerprint(once), fingerprint(twice), fingerprint(other)}) == 3


def test_fingerprint__equal_values_of_several_types(tmp_path):
    frames = [{"x": [1, 2]}, {"x": [1.0, 2.0]}, {"x": ["1", "2"]}, {"x": ["1.0", "2"]}]
    found = {fingerprint(write(pd.DataFrame(f), tmp_path / str(i), "t", "parquet")) for i, f in enumerate(frames)}
    assert len(found) == 1
    assert fingerprint(text(tmp_path, "z.csv", "x\n01\n2\n")) not in found


def test_fingerprint__same_by_the_engine(tmp_path):
    frame = people(800)
    path = write(frame, tmp_path, "t", "parquet")
    alone = fingerprint(write(frame.drop(columns=["score", "old"]), tmp_path, "e", "csv"))
    assert fingerprint(path, exclude=["score", "old"]) == alone
    assert observe(job(path)).fingerprint == alone
    assert observe(job(path, scores=True)).fingerprint == alone
    narrow = write(frame[["region", "sex", "label", "score"]], tmp_path, "n", "parquet")
    given = job(narrow, slices=(), candidate=Source(path=narrow, score="score"), baseline=None)
    assert observe(given).fingerprint == fingerprint(narrow, exclude=("score",))


def test_fingerprint__recorded_value(tmp_path):
    path = text(tmp_path, "t.csv", "x,y,z\n1,a,\n2.5,b,true\n9007199254740993,ü,false\n")
    assert fingerprint(path) == PINNED


def test_md5_number__same_as_hashlib():
    row = duckdb.connect().execute("SELECT md5_number_lower('abc'), md5_number_upper('abc')").fetchone()
    assert row == (8250560606382298838, 12704604231530709392)


def test_connect__extensions_are_off(tmp_path):
    connection = sql.connect(scratch=str(tmp_path))
    for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
        assert connection.execute("SELECT current_setting(?)", [setting]).fetchone() == (False,)
