"""The survey of scores and its bins, against sorting all of them."""

import numpy as np
import pytest

from mlci.engine.blocks.score_range import FINE, ScoreSurvey, bins, crowded, resolve
from mlci.engine.blocks.strips import STRIPS, first_scores, scores_at, strips_of
from mlci.errors import InputError

ROWS = 40_000
BASE = np.random.default_rng(3).beta(2, 5, ROWS)
SHAPES = {
    "even": BASE,
    "50 values": np.round(BASE * 50) / 50,
    "power": BASE**12,
    "piled": np.where(BASE < 0.2, 0.0, np.where(BASE > 0.4, 1.0, BASE**30)),
    "narrow": 0.45 + BASE * 1e-5,
    "log odds": 10 * np.log(BASE / (1 - BASE)),
    "huge": BASE * 1e200,
    "signed zeros": np.where(BASE < 0.3, -0.0, 0.0),
}


def survey_of(scores, step=7000, ranges=None):
    survey = ScoreSurvey(ranges)
    for start in range(0, len(scores), step):
        survey.add(scores[start : start + step])
    return survey


def resolved(scores):
    cells = survey_of(scores).cells()
    while (ranges := crowded(cells)) is not None:
        cells = resolve(cells, survey_of(scores, 9000, ranges).cells())
    return cells


def test_strips__ascend_and_invert():
    draw = np.random.default_rng(0)
    wide = 10 ** draw.uniform(-300, 300, 3000)
    scores = np.sort(np.concatenate([draw.random(3000), 1 - draw.random(3000) ** 40, wide, -wide, [0, 0.5, 1]]))
    strips = strips_of(scores, scores[0], scores[-1])
    assert (np.diff(strips) >= 0).all()
    assert strips.min() >= 0
    assert strips.max() < STRIPS
    inside = scores[(scores >= 0) & (scores <= 1)]
    assert strips_of(inside, 0.0, 1.0).tolist() == strips_of(inside, -np.inf, np.inf).tolist()
    few = np.unique(strips)[1::200]
    first = first_scores(few)
    assert strips_of(scores_at(first), -np.inf, np.inf).tolist() == few.tolist()
    assert (strips_of(scores_at(first - 1), -np.inf, np.inf) < few).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_bins__few_unequal_scores_in_each(shape):
    scores = SHAPES[shape]
    edges = bins(resolved(scores))
    fine = edges.locate(scores, scores.min(), scores.max())
    assert fine.tolist() == np.maximum(np.searchsorted(edges.lows, scores, side="right") - 1, 0).tolist()
    assert edges.size <= FINE
    counts = np.bincount(fine, minlength=edges.size)
    assert counts[~edges.single].max(initial=0) <= 3 * ROWS / FINE
    distinct = [len(np.unique(scores[fine == number])) for number in np.flatnonzero(edges.single)[:50]]
    assert set(distinct) <= {1}


@pytest.mark.parametrize("shape", ["even", "50 values", "log odds", "signed zeros"])
def test_survey__order_and_parts(shape):
    scores = SHAPES[shape]
    shuffled = np.random.default_rng(1).permutation(scores)
    merged = survey_of(shuffled[::2], 333)
    merged.merge(survey_of(shuffled[1::2], 10_000))
    data = survey_of(scores).to_bytes()
    assert merged.to_bytes() == data == ScoreSurvey.from_bytes(data).to_bytes()


def test_survey__missing_scores():
    survey = ScoreSurvey()
    survey.add(np.array([0.5, np.nan, np.inf, 0.25]), missing=2)
    assert (survey.rows, survey.missing, survey.lowest, survey.highest) == (6, 4, 0.25, 0.5)
    assert survey.cells().counts.tolist() == [1, 1]


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"other" + data, lambda data: data + b"x"])
def test_survey_bytes__damaged(damage):
    with pytest.raises(InputError):
        ScoreSurvey.from_bytes(damage(survey_of(BASE).to_bytes()))
