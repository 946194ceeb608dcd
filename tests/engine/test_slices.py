"""Names and order of groups."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from mlci.config.models import Evaluation
from mlci.config.slices import SliceColumnConfig
from mlci.engine.interface import Job, Source
from mlci.engine.tables import cell_values as meant
from mlci.operations.evaluation_plan import reference_groups
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
def test_groups__names_and_order(tmp_path, form):
    frame = pd.DataFrame({f"g{i}": (values * 300)[:300] for i, (values, _) in enumerate(COLUMNS)}).assign(y=0, s=0.5)
    path, names = write(frame, tmp_path, "t", form), [f"g{i}" for i in range(len(COLUMNS))]
    candidate = Source(path=path, score="s")
    given = Job(task="binary", data=path, label="y", candidate=candidate, slices=slices(*names), max_groups=500)
    expected = [f"{name}={group}" for name, (_, groups) in zip(names, COLUMNS, strict=True) for group in groups]
    assert scopes(observe(given))[1:] == expected


HOSTILE = st.lists(st.sampled_from(['"', " ", "×", " × ", "a", "(null)", "\n"]), max_size=5).map("".join)
CELLS = st.tuples(*[st.none() | HOSTILE] * 3)


@drawn(st.lists(CELLS, min_size=10, max_size=80))
@settings(max_examples=12, deadline=None)
def test_groups__distinct_names(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("hostile")
    frame = pd.DataFrame(cells, columns=list("abc"), dtype=object).assign(y=0, s=0.5)
    path = write(frame, folder, "t", "parquet")
    specs = slices("a", ("a", "b"), ("a", "b", "c"))
    observed = observe(Job(task="binary", data=path, label="y", candidate=Source(path=path, score="s"), slices=specs))
    found = [(one.scope.slice, one.scope.group) for one in observed.statistics]
    assert len(found) == len(set(found)) == 1 + sum(len({row[:n] for row in cells}) for n in (1, 2, 3))


@drawn(*[st.lists(HOSTILE, min_size=3, max_size=3)] * 2)
def test_group_name__crossed_names_differ_if_texts_do(left, right):
    names = [meant.SEPARATOR.join(map(meant.group_name, texts)) for texts in (left, right)]
    assert (names[0] == names[1]) == (left == right)


def test_group_name__texts_that_need_quotes(tmp_path):
    values = ["", "(null)", None, '""', 'say "a"', "a × b", "×", "a ×", "a×b"]
    observed = observe(groups(tmp_path, values, "g"))
    expected = ['""', '""""""', '"(null)"', '"a ×"', '"a × b"', "a×b", 'say "a"', '"×"', "(null)"]
    assert scopes(observed)[1:] == [f"g={name}" for name in expected]


@pytest.mark.parametrize(
    ("reference", "name"),
    [("north", "north"), ("", '""'), ("a × b", '"a × b"'), ('"', '""""'), ("(null)", "(null)"),
     (True, "true"), (1.0, "1"), (2.5, "2.5"), (7, "7"), ("007", "007")],
)  # fmt: skip
def test_reference_groups__named_as_their_group(reference, name):
    evaluation = Evaluation(data="t.csv", label="y", slices=[SliceColumnConfig(column="g", reference=reference)])
    assert reference_groups(evaluation) == {"g": name}


def test_groups__dates(tmp_path):
    days = [dt.date(2024, 3, 1), None, dt.date(2023, 12, 31)]
    assert scopes(observe(groups(tmp_path, days, "g")))[1:] == ["g=2023-12-31", "g=2024-03-01", "g=(null)"]


def test_cut__closed_on_the_left_and_nan_is_null(tmp_path):
    values = [24.999, 25, 39.9, 40, 1e9, np.nan, -np.inf]
    observed = observe(groups(tmp_path, values, (["g", (25, 40)],)))
    assert scopes(observed)[1:] == ["g=< 25", "g=25–40", "g=≥ 40", "g=(null)"]
    assert [one.rows for one in observed.statistics[1:]] == [2, 2, 2, 1]


def test_cut__empty_bins_are_omitted(tmp_path):
    assert scopes(observe(groups(tmp_path, [1, 70], (["g", (25, 40.5, 60)],))))[1:] == ["g=< 25", "g=≥ 60"]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_groups__crossings_that_occur(tmp_path, form):
    observed = observe(groups(tmp_path, ["n", "s", "n", None], ("g", "h"), "h", form=form))
    assert scopes(observed)[1:] == ["g × h=n × F", "g × h=s × M", "g × h=(null) × M", "h=F", "h=M"]


def test_groups__too_many(tmp_path):
    assert refusal(groups(tmp_path, list(range(150)), "g")) == [
        (
            f"{tmp_path}/t.parquet: slice column 'g' has more than 100 groups; bin the number, such as "
            "`{column: g, cut: [37, 74, 112]}`, or raise `max_groups`"
        )
    ]
    texts = [f"t{i}" for i in range(150)]
    assert refusal(groups(tmp_path, texts, "g"))[0].endswith("drop the slice, or raise `max_groups` under `evaluation`")


def test_groups__too_many_crossings(tmp_path):
    values = [i // 2 for i in range(120)]
    assert refusal(groups(tmp_path, values, ("g", "h"))) == [
        (
            f"{tmp_path}/t.parquet: slice 'g × h' has 120 groups, more than 100; bin a number with `cut`, "
            "drop the slice, or raise evaluation.max_groups"
        )
    ]


def test_groups__crossed_columns_of_many_values(tmp_path):
    values = [i % 2000 for i in range(4000)]
    observed = observe(groups(tmp_path, values, ("g", "h"), "g", ("g", "g", "h"), max_groups=4000))
    assert len(observed.statistics) == 1 + 2000 * 3
    assert scopes(observed)[1] == "g × h=0 × F"
    assert {one.rows for one in observed.statistics[1:]} == {2}


def test_cut__text_column(tmp_path):
    path = text(tmp_path, "t.csv", "y,s,age\n1,0.5,30\n0,0.5,old\n")
    given = Job(
        task="binary", data=path, label="y", candidate=Source(path=path, score="s"), slices=slices((["age", (25,)],))
    )
    assert refusal(given) == [f"{path}: 'age' can't be cut: 'old' is not a number in row 2; write `age` without `cut`"]
