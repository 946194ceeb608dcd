"""Ranks of more scores than are sorted in every scope: bins, and their error."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mlci.engine import rank_statistics
from mlci.engine.rank_statistics import BOUND, COARSE, FINE, by_quantile, by_width
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


@pytest.mark.parametrize("bins_of", [by_width, by_quantile])
@pytest.mark.parametrize("shape", SHAPES)
def test_bins__ordered_and_few(shape, bins_of):
    score = draw_table(shape).score.to_numpy()
    binning = bins_of(score, 1)
    order = np.argsort(score, kind="stable")
    assert (np.diff(binning.fine[order].astype(int)) >= 0).all()
    assert (np.diff(binning.coarse.astype(int)) >= 0).all()
    assert binning.fine.max() < binning.size <= FINE
    assert binning.coarse.max() < COARSE
    distinct = pd.Series(score).groupby(binning.fine).nunique()
    assert binning.mixed()[distinct.index].tolist() == (distinct > 1).tolist()


@pytest.mark.parametrize("shape", SHAPES)
def test_by_quantile__unequal_scores_in_a_bin_are_few(shape):
    binning = by_quantile(draw_table(shape).score.to_numpy(), 1)
    crowd = np.bincount(binning.fine, minlength=binning.size)[binning.mixed()]
    assert crowd.max(initial=0) <= 2 * -(-ROWS // FINE)


def test_bins__unresolved_group_is_ranked_exactly(tmp_path):
    frame = people(ROWS).assign(part="wide")
    frame.loc[:500, "part"] = "narrow"
    frame.loc[:500, "score"] = 0.5 + frame.score[:501] / 1000
    path = write(frame, tmp_path, "t", "parquet")
    whole, narrow, wide = observe(job(path, scores=True, slices=slices("part")), exact_rows=1000).statistics
    assert [one.scores.exact for one in (whole, narrow, wide)] == [False, True, False]
    mine = frame[frame.part == "narrow"]
    assert auc(narrow.scores.candidate) == pytest.approx(roc_auc_score(mine.label, mine.score), abs=1e-12)


def test_bins__slice_with_very_many_groups_is_ranked_exactly(tmp_path, monkeypatch):
    """Its histograms would not fit; the slices before and after it keep their bins."""
    frame = people(ROWS).assign(shop=np.arange(ROWS) % 97)
    path = write(frame, tmp_path, "t", "parquet")
    wanted = job(path, scores=True, slices=slices("region", "shop", "sex"))
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
            assert one.scores.joint.tolist() == other.scores.joint.tolist()
