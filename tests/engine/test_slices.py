"""Names and order of groups."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from mlci.engine.interface import Job, Source
from tests.engine.tables import observe, refusal, scopes, slices, text, write


def groups(folder, values, *specs, form="parquet", **more):
    frame = pd.DataFrame({"g": values})
    frame["h"] = ["F", "M"] * (len(frame) // 2) + ["F"] * (len(frame) % 2)
    frame["y"], frame["s"] = 0, 0.5
    path = write(frame, folder, "t", form)
    candidate = Source(path=path, score="s")
    return Job(task="binary", data=path, label="y", candidate=candidate, slices=slices(*specs), **more)


COLUMNS = (
    (["b", None, "a", "B"], ["B", "a", "b", "(null)"]),
    ([10, 9, -1, 9], ["-1", "9", "10"]),
    ([10.5, 9.0, None, -1.25], ["-1.25", "9", "10.5", "(null)"]),
    ([True, False, True], ["false", "true"]),
    (["10", "9", "x"], ["10", "9", "x"]),
    (["007", "7", "10"], ["007", "10", "7"]),
    ([None, None], ["(null)"]),
    (list(range(300)), [str(i) for i in range(300)]),
    ([10**12, 5, 10**12], ["5", "1000000000000"]),
)


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_names_and_order(tmp_path, form):
    frame = pd.DataFrame({f"g{i}": (values * 300)[:300] for i, (values, _) in enumerate(COLUMNS)}).assign(y=0, s=0.5)
    path, names = write(frame, tmp_path, "t", form), [f"g{i}" for i in range(len(COLUMNS))]
    candidate = Source(path=path, score="s")
    given = Job(task="binary", data=path, label="y", candidate=candidate, slices=slices(*names), max_groups=500)
    expected = [f"{name}={group}" for name, (_, groups) in zip(names, COLUMNS, strict=True) for group in groups]
    assert scopes(observe(given))[1:] == expected


def test_dates(tmp_path):
    days = [dt.date(2024, 3, 1), None, dt.date(2023, 12, 31)]
    assert scopes(observe(groups(tmp_path, days, "g")))[1:] == ["g=2023-12-31", "g=2024-03-01", "g=(null)"]


def test_bins_are_closed_on_the_left_and_nan_is_null(tmp_path):
    values = [24.999, 25, 39.9, 40, 1e9, np.nan, -np.inf]
    observed = observe(groups(tmp_path, values, (["g", (25, 40)],)))
    assert scopes(observed)[1:] == ["g=< 25", "g=25–40", "g=≥ 40", "g=(null)"]
    assert [one.rows for one in observed.statistics[1:]] == [2, 2, 2, 1]


def test_only_bins_that_occur_are_listed(tmp_path):
    assert scopes(observe(groups(tmp_path, [1, 70], (["g", (25, 40.5, 60)],))))[1:] == ["g=< 25", "g=≥ 60"]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_crossings_list_what_occurs(tmp_path, form):
    observed = observe(groups(tmp_path, ["n", "s", "n", None], ("g", "h"), "h", form=form))
    assert scopes(observed)[1:] == ["g × h=n × F", "g × h=s × M", "g × h=(null) × M", "h=F", "h=M"]


def test_too_many_groups(tmp_path):
    assert refusal(groups(tmp_path, list(range(150)), "g")) == [
        (
            f"{tmp_path}/t.parquet: slice column 'g' has more than 100 groups; bin a number with `cut`, "
            "drop the slice, or raise evaluation.max_groups"
        )
    ]


def test_too_many_crossed_groups(tmp_path):
    values = [i // 2 for i in range(120)]
    assert refusal(groups(tmp_path, values, ("g", "h"))) == [
        (
            f"{tmp_path}/t.parquet: slice 'g × h' has 120 groups, more than 100; bin a number with `cut`, "
            "drop the slice, or raise evaluation.max_groups"
        )
    ]


def test_crossing_columns_of_many_values(tmp_path):
    values = [i % 2000 for i in range(4000)]
    observed = observe(groups(tmp_path, values, ("g", "h"), "g", ("g", "g", "h"), max_groups=4000))
    assert len(observed.statistics) == 1 + 2000 * 3
    assert scopes(observed)[1] == "g × h=0 × F"
    assert {one.rows for one in observed.statistics[1:]} == {2}


def test_a_text_that_is_cut(tmp_path):
    path = text(tmp_path, "t.csv", "y,s,age\n1,0.5,30\n0,0.5,old\n")
    given = Job(
        task="binary", data=path, label="y", candidate=Source(path=path, score="s"), slices=slices((["age", (25,)],))
    )
    assert refusal(given) == [f"{path}: 'age' can't be cut: 'old' is not a number in row 2"]
