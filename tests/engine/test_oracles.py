"""Statistics against pandas, scikit-learn and plain NumPy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mlci.engine.in_memory.reduce import BINS
from mlci.engine.interface import Job, Source
from mlci.metrics.statistics import Scores, Statistics
from tests.engine.oracles import auc, masks
from tests.engine.tables import SLICES, everything, job, observe, people, scopes, slices, write


def oracle(labels: pd.Series, scores: pd.Series) -> float:
    """scikit-learn's AUC for many rows; its definition, every pair compared, for few (it costs milliseconds a call)."""
    if len(labels) >= 300:
        return roc_auc_score(labels, scores)
    positives, negatives = scores[labels == 1].to_numpy()[:, None], scores[labels == 0].to_numpy()[None, :]
    return float(((positives > negatives) + 0.5 * (positives == negatives)).mean())


def check_decisions(one: Statistics, rows: pd.DataFrame) -> None:
    found = one.decisions
    cells = zip(found.label, found.baseline, found.candidate, strict=True)
    decided = pd.DataFrame({"y": rows.label, "b": (rows.old >= 0.5).astype(int), "c": (rows.score >= 0.5).astype(int)})
    expected = decided.value_counts().sort_index()
    assert [tuple(map(int, cell)) for cell in cells] == list(expected.index)
    assert found.count.tolist() == expected.tolist()


def check_exact(scores: Scores, rows: pd.DataFrame) -> None:
    assert scores.exact
    assert scores.differing == (rows.score != rows.old).sum()
    for bins, column in ((scores.candidate, rows.score), (scores.baseline, rows.old)):
        assert len(bins.positives) == column.nunique()
        if rows.label.nunique() == 2:
            assert auc(bins) == pytest.approx(oracle(rows.label, column), abs=1e-12)
        for side, cells in ((0, scores.baseline), (1, scores.candidate)):
            coarse = np.bincount(scores.joint[:, side], weights=scores.joint[:, 2], minlength=len(cells.positives))
            assert coarse.tolist() == cells.positives.tolist()


def check_moments(one: Statistics, rows: pd.DataFrame) -> None:
    losses = np.array([(rows.old - rows.label) ** 2, (rows.score - rows.label) ** 2])
    found = one.moments["squared"]
    assert found.names == ("baseline", "candidate")
    np.testing.assert_allclose(found.sums, losses.sum(1), rtol=1e-12)
    np.testing.assert_allclose(found.products, losses @ losses.T, rtol=1e-12)
    assert found.differing == (losses[0] != losses[1]).sum()
    given_ = np.where(rows.label == 1, rows.score, 1 - rows.score)
    log = -np.log(np.clip(given_, np.finfo(float).eps, 1 - np.finfo(float).eps))
    np.testing.assert_allclose(one.moments["log"].sums[1], log.sum(), rtol=1e-12)


def check_calibration(one: Statistics, rows: pd.DataFrame) -> None:
    for counts, gaps, squares, score in (
        (one.calibration.rows, one.calibration.gap, one.calibration.square, rows.score),
        (one.calibration.baseline_rows, one.calibration.baseline_gap, one.calibration.baseline_square, rows.old),
    ):
        bins = np.minimum((score * BINS).astype(int), BINS - 1)
        gap = score - rows.label
        assert counts.tolist() == np.bincount(bins, minlength=BINS).tolist()
        np.testing.assert_allclose(gaps, np.bincount(bins, weights=gap, minlength=BINS), atol=1e-9)
        np.testing.assert_allclose(squares, np.bincount(bins, weights=gap**2, minlength=BINS), atol=1e-9)


@pytest.mark.parametrize(("rows", "ties"), [(400, None), (600, 7), (17, 3), (1, None)])
def test_statistics__every_scope_against_peers(tmp_path, rows, ties):
    frame = people(rows, seed=rows, ties=ties)
    observed = observe(job(write(frame, tmp_path, "t", "parquet"), **everything()))
    expected = masks(frame)
    assert scopes(observed) == list(expected)
    for one, mask in zip(observed.statistics, expected.values(), strict=True):
        mine = frame[mask]
        assert one.rows == len(mine)
        check_decisions(one, mine)
        check_exact(one.scores, mine)
        check_moments(one, mine)
        check_calibration(one, mine)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 4))
def test_statistics__random_tables(tmp_path_factory, seed, rows, ties):
    frame = people(rows, seed, ties=ties)
    path = write(frame, tmp_path_factory.mktemp("random"), "t", "parquet")
    for one, mask in zip(observe(job(path, scores=True)).statistics, masks(frame).values(), strict=True):
        check_decisions(one, frame[mask])
        check_exact(one.scores, frame[mask])


def test_statistics__counted_by_sql_or_by_rows(tmp_path):
    path = write(people(500), tmp_path, "t", "parquet")
    counted = observe(job(path)).statistics
    ranked = observe(job(path, scores=True)).statistics
    for left, right in zip(counted, ranked, strict=True):
        assert left.scope == right.scope
        assert left.decisions.count.tolist() == right.decisions.count.tolist()


def test_statistics__no_baseline(tmp_path):
    frame = people(300)
    path = write(frame, tmp_path, "t", "parquet")
    whole = observe(job(path, baseline=None, **everything())).statistics[0]
    assert whole.decisions.baseline is None
    assert whole.scores.baseline is None
    assert whole.scores.joint is None
    assert whole.moments["squared"].names == ("candidate",)
    assert whole.calibration.baseline_rows is None
    assert auc(whole.scores.candidate) == pytest.approx(roc_auc_score(frame.label, frame.score), abs=1e-12)


def test_statistics__regression(tmp_path):
    draw = np.random.default_rng(5)
    frame = pd.DataFrame({"y": draw.normal(size=300), "p": draw.normal(size=300), "q": draw.normal(size=300)})
    frame["g"] = draw.choice(["a", "b"], 300)
    path = write(frame, tmp_path, "t", "csv")
    losses = ("squared", "absolute", "signed", "percentage", "pinball", "variance")
    observed = observe(
        Job(task="regression", data=path, label="y", candidate=Source(path=path, score="p"),
            baseline=Source(path=path, score="q"), losses=losses, slices=slices("g"))
    )  # fmt: skip
    assert observed.statistics[0].decisions is None
    for one, mine in zip(observed.statistics, [frame, frame[frame.g == "a"], frame[frame.g == "b"]], strict=True):
        errors = np.array([mine.q - mine.y, mine.p - mine.y])
        np.testing.assert_allclose(one.moments["absolute"].sums, np.abs(errors).sum(1), rtol=1e-12)
        np.testing.assert_allclose(one.moments["signed"].sums, errors.sum(1), atol=1e-10)
        np.testing.assert_allclose(one.moments["pinball"].sums, np.abs(errors).sum(1) / 2, rtol=1e-12)
        shares = np.abs(errors) / np.maximum(np.abs(mine.y.to_numpy()), np.finfo(float).eps)
        np.testing.assert_allclose(one.moments["percentage"].sums, shares.sum(1), rtol=1e-12)
        y = (mine.y - frame.y.mean()).to_numpy()
        quantities = np.array([y, y * y, errors[0] ** 2, errors[1] ** 2])
        assert one.moments["variance"].names == ("y", "y2", "baseline", "candidate")
        np.testing.assert_allclose(one.moments["variance"].products, quantities @ quantities.T, atol=1e-9)


def test_statistics__multiclass(tmp_path):
    draw = np.random.default_rng(6)
    frame = pd.DataFrame({name: draw.choice(["cat", "dog", "eel"], 200) for name in ("y", "c", "b")})
    path = write(frame, tmp_path, "t", "csv")
    found = observe(
        Job(task="multiclass", data=path, label="y", candidate=Source(path=path, decision="c"),
            baseline=Source(path=path, decision="b"), slices=slices("y"))
    ).statistics[0].decisions  # fmt: skip
    expected = frame[["y", "b", "c"]].value_counts().sort_index()
    assert found.classes == ("cat", "dog", "eel")
    named = [
        tuple(found.classes[i] for i in cell) for cell in zip(found.label, found.baseline, found.candidate, strict=True)
    ]
    assert named == list(expected.index)
    assert found.count.tolist() == expected.tolist()


def test_statistics__too_many_crossed_slices(tmp_path):
    draw = np.random.default_rng(8)
    frame = people(1000)
    names = [f"s{i}" for i in range(4)]
    for name in names:
        frame[name] = draw.integers(0, 20, len(frame))
    path = write(frame, tmp_path, "t", "parquet")
    observed = observe(job(path, slices=slices(*names), **everything()))
    assert len(observed.statistics) == 81
    for one in observed.statistics[1::3]:
        mine = frame[frame[one.scope.slice] == int(one.scope.group)]
        check_decisions(one, mine)
        check_exact(one.scores, mine)
        check_moments(one, mine)
        check_calibration(one, mine)


def test_slices__of_the_fixture():
    assert [spec.name for spec in SLICES] == ["region", "age", "region × sex"]


def test_statistics__million_possible_crossings(tmp_path):
    draw = np.random.default_rng(9)
    frame = people(600)
    for name in ("a", "b", "c"):
        frame[name] = draw.integers(0, 300, len(frame)) // 290 * draw.integers(0, 300, len(frame))
    path = write(frame, tmp_path, "t", "parquet")
    observed = observe(job(path, slices=slices(("a", "b", "c")), max_groups=400, **everything()))
    expected = frame.groupby(["a", "b", "c"]).size()
    assert [one.scope.group for one in observed.statistics[1:]] == [" × ".join(map(str, key)) for key in expected.index]
    for one, key in zip(observed.statistics[1:], expected.index, strict=True):
        mine = frame[(frame.a == key[0]) & (frame.b == key[1]) & (frame.c == key[2])]
        check_decisions(one, mine)
        check_exact(one.scores, mine)
        check_moments(one, mine)


DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there: a fresh clone has no published inputs")
def test_statistics__published_compas_counts():
    path = str(DATA / "compas" / "compas_for_aequitas.csv")
    given = Job(
        task="binary", data=path, key="entity_id", label="label_value",
        candidate=Source(path=path, decision="score"), slices=slices("race", "sex", "age_cat"),
    )  # fmt: skip
    published = pd.read_csv(DATA / "compas" / "published-disparities.csv").set_index(["attr", "val"])
    observed = observe(given)
    assert len(observed.statistics) == 1 + len(published)
    for one in observed.statistics[1:]:
        row = published.loc[one.scope.slice, one.scope.group]
        cells = dict(
            zip(zip(one.decisions.label, one.decisions.candidate, strict=True), one.decisions.count, strict=True)
        )
        assert one.rows == row.n
        assert [cells.get(cell, 0) for cell in ((1, 1), (0, 1), (1, 0), (0, 0))] == [row.tp, row.fp, row.fn, row.tn]
