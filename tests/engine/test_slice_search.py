"""The search for the worst slices: what it searches, finds and leaves out, against sums by hand."""

import numpy as np
import pandas as pd
import pytest

from mlci.engine.interface import Source
from mlci.engine.slice_search.search import Losses, first_half
from mlci.errors import InputError
from mlci.inference.slice_search import confirm_slices
from mlci.metrics.worst_slices import SliceSearch
from tests.engine.tables import job, observe, write


def planted(rows=3_000, *, harm=0.6, seed=5):
    """Decisions by score; the candidate is often wrong where region is north and the device a phone."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"k{i:05d}" for i in range(rows)],
            "region": draw.choice(["north", "south", "east"], rows),
            "device": draw.choice(["phone", "desk"], rows),
            "age": draw.integers(18, 90, rows),
            "amount": draw.normal(size=rows),
            "note": [f"text {i}" for i in range(rows)],
            "number": draw.permutation(rows),
            "version": 3,
            "label": draw.integers(0, 2, rows),
        }
    )
    bad = (frame["region"] == "north") & (frame["device"] == "phone")
    wrong = (draw.random(rows) < 0.1, draw.random(rows) < 0.1 + harm * bad)
    for name, flag in zip(("old", "score"), wrong, strict=True):
        sure = 0.5 + 0.4 * draw.random(rows)
        frame[name] = np.where(flag ^ (frame["label"] == 1), sure, 1 - sure)
    return frame


def search(path, **more):
    sources = {"candidate": Source(path=path, score="score"), "baseline": Source(path=path, score="old")}
    wanted = {"key": "id", "slices": (), "slice_search": SliceSearch(), "losses": ("squared",)} | sources
    return observe(job(path, **(wanted | more)))


@pytest.fixture(scope="module")
def frame():
    return planted()


@pytest.fixture(scope="module")
def path(frame, tmp_path_factory):
    return write(frame, tmp_path_factory.mktemp("planted"), "p", "parquet")


@pytest.fixture(scope="module")
def found(path):
    return search(path).searched_slices


def test_search__planted_slice_with_sums_by_hand(frame, found):
    first = found.chosen[0]
    assert first.conditions == {"region": "north", "device": "phone"}
    inside = (frame["region"] == "north") & (frame["device"] == "phone")
    assert first.rows == inside.sum()
    assert first.inside.rows + first.outside.rows == pytest.approx(len(frame) / 2, abs=120)
    kept = confirm_slices(found, 0.95).slices
    assert [one.conditions for one in kept] == [first.conditions]
    losses = [(frame[name] - frame["label"]) ** 2 for name in ("old", "score")]
    change = (losses[1] - losses[0])[inside].mean()
    assert kept[0].change == pytest.approx(change, abs=0.06)
    assert kept[0].change_low < change < kept[0].change_high
    assert kept[0].change == pytest.approx(kept[0].candidate - kept[0].baseline, abs=1e-9)


def test_search__columns_that_are_left_out(found):
    assert found.columns == ("region", "device", "age", "amount")
    assert found.left_out == (
        "note: more than 20 values that are not numbers",
        "number: another whole number in every row",
        "version: one value in every row",
    )
    assert found.loss == "squared error"


@pytest.mark.parametrize("form", ["csv", "shards"])
def test_search__rows_in_another_order_and_format(frame, found, form, tmp_path):
    shuffled = frame.sample(frac=1, random_state=3)
    assert search(write(shuffled, tmp_path, "p", form)).searched_slices == found


def test_search__statistics_are_the_same(path):
    plain, searched = search(path, slice_search=None), search(path)
    assert plain.searched_slices is None
    assert (plain.fingerprint, plain.notes) == (searched.fingerprint, searched.notes)


def test_search__asked_columns(path):
    one = search(path, slice_search=SliceSearch(columns=("device", "age"), max_columns=1)).searched_slices
    assert one.columns == ("device", "age")
    assert one.searched == 2 + 5
    assert all(len(each.conditions) == 1 for each in one.chosen)
    with pytest.raises(InputError, match="has no column 'aeg'; did you mean 'age'"):
        search(path, slice_search=SliceSearch(columns=("aeg",)))


def test_search__copies_of_predictions(frame, tmp_path):
    """Predictions in a table of their own leave a copy in the evaluation set, which is not a feature."""
    own = frame.assign(decided=np.where(frame["score"] >= 0.5, "yes", "no"))
    data = write(own, tmp_path, "p", "parquet")
    apart = write(own[["id", "score", "old"]], tmp_path, "q", "parquet")
    sources = {"candidate": Source(path=apart, score="score"), "baseline": Source(path=apart, score="old")}
    found = search(data, **sources).searched_slices
    left = {one.partition(":")[0] for one in found.left_out if "predictions of one" in one}
    assert left == {"old", "score", "decided"}
    assert not {"old", "score", "decided"} & set(found.columns)


def test_search__small_groups_and_no_baseline(path):
    none = search(path, slice_search=SliceSearch(min_group_size=2_000)).searched_slices
    assert (none.searched, none.chosen) == (0, ())
    assert search(path, baseline=None).searched_slices is None


def test_losses__sums_do_not_depend_on_the_order_of_rows():
    draw = np.random.default_rng(1)
    before, after = (draw.lognormal(0, 4, 5_000) for _ in range(2))
    order = draw.permutation(5_000)
    every = np.ones(5_000, bool)
    one, other = Losses(before, after).sums(every), Losses(before[order], after[order]).sums(every)
    assert one == other
    assert one.change == pytest.approx((after - before).sum(), rel=1e-9)
    assert one.variance == pytest.approx((after - before).var(ddof=1), rel=1e-9)


def test_losses__all_zero():
    sums = Losses(np.zeros(9), np.zeros(9)).sums(np.ones(9, bool))
    assert (sums.change, sums.variance) == (0.0, 0.0)


def test_first_half__about_half_by_digest_and_seed():
    digests = np.arange(100_000, dtype=np.uint64)
    one, other = (first_half(digests, seed) for seed in (7, 8))
    assert one.mean() == pytest.approx(0.5, abs=0.01)
    assert (one == other).mean() == pytest.approx(0.5, abs=0.02)
