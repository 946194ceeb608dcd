"""Power sums of losses over real files, against the rows themselves."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.characteristics.draws import context
from mlci.engine.interface import Job, Source
from mlci.inference.measure import measure_metric
from tests.engine.tables import job, observe, people, slices, write


def regression(folder, *, scale=1.0, loss="variance", baseline=True):
    draw = np.random.default_rng(5)
    y = draw.normal(40, 8, 300)
    frame = pd.DataFrame({"y": y, "p": y + draw.normal(size=300), "q": y + 2 * draw.normal(size=300)}) * scale
    frame["g"] = draw.choice(["a", "b"], 300)
    path = write(frame, folder, "t", "parquet")
    old = Source(path=path, score="q") if baseline else None
    given = Job(
        task="regression", data=path, label="y", candidate=Source(path=path, score="p"), baseline=old, losses=(loss,),
        slices=slices("g"),
    )  # fmt: skip
    return frame, observe(given).statistics


def scopes(frame, found):
    return zip(found, [frame, frame[frame.g == "a"], frame[frame.g == "b"]], strict=True)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e50])
def test_powers__squared_errors_and_labels(tmp_path, scale):
    frame, found = regression(tmp_path, scale=scale)
    for one, mine in scopes(frame, found):
        powers = one.moments["variance"].powers["change"]
        z = ((mine.y - frame.y.mean()) / powers.other_unit).to_numpy()
        d = (((mine.p - mine.y) ** 2 - (mine.q - mine.y) ** 2) / powers.unit).to_numpy()
        for i, j in ((0, 0), (0, 1), (8, 0), (6, 1), (3, 2), (2, 3), (0, 4)):
            assert powers.sums[i, j] == pytest.approx((z**i * d**j).sum(), rel=1e-9, abs=1e-12), (i, j)
        assert abs(z).max() <= 1
        assert powers.sums[1, 4] == 0  # not needed


def test_powers__change_in_rmse(tmp_path):
    frame, found = regression(tmp_path, loss="squared")
    for one, mine in scopes(frame, found):
        assert set(one.moments["squared"].powers) == {"baseline", "candidate", "change"}
        powers = one.moments["squared"].powers["change"]
        b, c = (((mine[name] - mine.y) ** 2 / powers.unit).to_numpy() for name in ("q", "p"))
        assert powers.sums[3, 1] == pytest.approx((b**3 * (c - b)).sum(), rel=1e-10)
        assert one.moments["squared"].powers["candidate"].sums[0, 3] == pytest.approx((c**3).sum(), rel=1e-12)


def test_powers__no_baseline(tmp_path):
    _, found = regression(tmp_path, baseline=False)
    assert [set(one.moments["variance"].powers) for one in found] == [{"candidate"}] * 3


@pytest.mark.parametrize("metric", ["root_mean_squared_error", "r2"])
def test_intervals__scaled_targets(tmp_path, metric):
    seen = []
    for scale in (1.0, 1e-30, 1e50):
        _, (whole, *_) = regression(tmp_path, scale=scale, loss="variance" if metric == "r2" else "squared")
        found = measure_metric(metric, whole, context(whole))
        unit = 1.0 if metric == "r2" else scale
        ends = [end / unit for item in (found.candidate, found.change) for end in item.interval(0.95)]
        seen.append(ends)
    assert seen[1] == pytest.approx(seen[0], rel=1e-6)
    assert seen[2] == pytest.approx(seen[0], rel=1e-6)


def test_by_class__sums(tmp_path):
    frame = people(400, seed=2)
    path = write(frame, tmp_path, "t", "csv")
    found = observe(job(path, slices=slices("sex"), losses=("squared", "log"), probabilities=True)).statistics
    for one, mine in zip(found, [frame, frame[frame.sex == "F"], frame[frame.sex == "M"]], strict=True):
        now, before = ((mine[name] - mine.label) ** 2 for name in ("score", "old"))
        for line, values in (("candidate", now), ("baseline", before), ("change", now - before)):
            expected = [[(values[mine.label == k] ** power).sum() for power in range(4)] for k in (0, 1)]
            np.testing.assert_allclose(one.moments["squared"].by_class[line], expected, rtol=1e-11, atol=1e-12)
        assert not one.moments["squared"].powers
