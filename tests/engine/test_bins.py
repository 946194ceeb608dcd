"""Ranks of more scores than are sorted in every scope: bins, and their error."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mlci.engine.blocks.loose_scopes import BOUND
from mlci.engine.blocks.score_range import FINE
from mlci.engine.in_memory import rank_statistics
from tests.engine.oracles import auc, masks
from tests.engine.tables import job, observe, people, same, slices, write

ROWS = 8000


def squeeze(scores):
    """Half of the scores below 1e-9, and one far away."""
    return np.where(np.arange(len(scores)) == 0, 1.0, scores**40 * 1e-9)


def pile(scores):
    """A third of the scores 0, a third 1, others next to them."""
    return np.where(scores < 0.4, 0.0, np.where(scores > 0.6, 1.0, scores**30))


def saturate(scores):
    """A logistic model too sure of itself: most scores within 1e-6 of 0 or 1."""
    return 1 / (1 + np.exp(-80 * (scores - 0.5)))


SHAPES = {
    "even": lambda s: s,
    "50 values": lambda s: np.round(s * 50) / 50,
    "5000 values": lambda s: np.round(s * 5000) / 5000,
    "squeezed": squeeze,
    "piled": pile,
    "saturated": saturate,
}


def draw_table(shape, rows=ROWS):
    frame = people(rows)
    return frame.assign(score=SHAPES[shape](frame.score), old=SHAPES[shape](frame.old))


@pytest.mark.parametrize("shape", SHAPES)
def test_bins__within_their_bound(tmp_path, shape):
    frame = draw_table(shape)
    path = write(frame, tmp_path, "t", "parquet")
    observed = observe(job(path, scores=True, slices=slices("region")), exact_rows=1000)
    rows = {name: mask for name, mask in masks(frame).items() if name == "" or name.startswith("region=")}
    for one, mask in zip(observed.statistics, rows.values(), strict=True):
        mine, scores = frame[mask], one.scores
        assert not scores.exact or len(mine) <= 1000
        for side, (bins, column) in enumerate(((scores.baseline, mine.old), (scores.candidate, mine.score))):
            assert auc(bins) == pytest.approx(roc_auc_score(mine.label, column), abs=BOUND)
            assert (np.diff(bins.coarse) >= 0).all()
            coarse = np.bincount(bins.coarse, weights=bins.positives)
            joint = np.bincount(scores.joint[:, side], weights=scores.joint[:, 2], minlength=len(coarse))
            assert joint.tolist() == coarse.tolist()
        assert scores.joint[:, 2:].sum() == len(mine)
        assert scores.differing == (mine.score != mine.old).sum()


@pytest.mark.parametrize("shape", ["even", "piled"])
def test_bins__order_of_rows(tmp_path, shape):
    frame = draw_table(shape, 5000)
    shuffled = frame.sample(frac=1, random_state=1)
    found = [
        observe(
            job(write(one, tmp_path, name, "parquet"), scores=True, slices=slices("region")),
            exact_rows=1000,
            threads=threads,
        ).statistics
        for one, name, threads in ((frame, "a", 1), (shuffled, "b", 2))
    ]
    assert same(*found)


@pytest.mark.parametrize("shape", ["even", "piled", "50 values"])
def test_bins__equal_for_rows_in_memory(tmp_path, shape):
    path = write(draw_table(shape, 3000), tmp_path, "t", "parquet")
    asked = job(path, key="id", scores=True)
    blocks, memory = (observe(replace(asked, row_changes=rows), exact_rows=1000) for rows in (0, 3))
    assert same([one.scores for one in blocks.statistics], [one.scores for one in memory.statistics])


def test_bins__unresolved_group_has_bins_of_its_own(tmp_path):
    frame = people(ROWS).assign(part="wide")
    frame.loc[:500, "part"] = "narrow"
    frame.loc[:500, "score"] = 0.5 + frame.score[:501] / 1000
    path = write(frame, tmp_path, "t", "parquet")
    _, narrow, _ = observe(job(path, scores=True, slices=slices("part")), exact_rows=1000).statistics
    mine = frame[frame.part == "narrow"]
    assert auc(narrow.scores.candidate) == pytest.approx(roc_auc_score(mine.label, mine.score), abs=1e-12)


def test_bins__slice_with_very_many_groups_is_ranked_exactly(tmp_path, monkeypatch):
    """Its histograms would not fit; the slices before and after it keep their bins."""
    frame = people(ROWS).assign(shop=np.arange(ROWS) % 97)
    path = write(frame, tmp_path, "t", "parquet")
    wanted = job(path, key="id", scores=True, row_changes=3, slices=slices("region", "shop", "sex"))
    few = observe(wanted, exact_rows=1000).statistics
    monkeypatch.setattr(rank_statistics, "_HISTOGRAMS", 96 * FINE)
    many = observe(wanted, exact_rows=1000).statistics
    assert [one.scope for one in many] == [one.scope for one in few]
    for one, other in zip(many, few, strict=True):
        if one.scope.slice == "shop":
            mine = frame[frame["shop"] == int(one.scope.group)]
            assert one.scores.exact
            assert auc(one.scores.candidate) == pytest.approx(roc_auc_score(mine.label, mine.score), abs=1e-12)
        else:
            assert one.scores.exact == other.scores.exact
            assert auc(one.scores.baseline) == auc(other.scores.baseline)
            assert one.scores.joint[:, 2:].sum(axis=0).tolist() == other.scores.joint[:, 2:].sum(axis=0).tolist()


def test_bins__only_slice_with_very_many_groups(tmp_path):
    """The bins of the whole set do not depend on a column with more values than tables by value may have."""
    frame = people(9000).assign(shop=np.arange(9000))
    path = write(frame, tmp_path, "t", "parquet")
    whole, *groups = observe(
        replace(job(path, scores=True, slices=slices("shop")), max_groups=9000), exact_rows=100
    ).statistics
    assert (whole.scores.exact, len(groups), all(one.scores.exact for one in groups)) == (False, 9000, True)
    assert auc(whole.scores.candidate) == pytest.approx(roc_auc_score(frame.label, frame.score), abs=BOUND)
