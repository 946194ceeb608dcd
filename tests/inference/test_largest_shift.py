"""The largest shift between two groups: ends and p-values against plain formulas, and invariants."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from mlci.inference import serialization
from mlci.inference.disparity.disparity import LargestShift, measure_disparity
from mlci.inference.disparity.groups import GroupedValues
from mlci.inference.disparity.simultaneous import GroupDistance
from mlci.inference.evidence import MeasureContext, Point, Tie, Undefined
from mlci.metrics.statistics import Scope, Statistics
from tests.support import tables

normal = NormalDist()


def rows(*parts):
    """Repeat (label, baseline, candidate) so many times."""
    return np.concatenate([np.tile(part[:3], (part[3], 1)) for part in parts]).T


NORTH = rows((1, 1, 1, 80), (1, 1, 0, 12), (1, 0, 1, 4), (1, 0, 0, 24), (0, 0, 0, 90), (0, 1, 1, 10))
SOUTH = rows((1, 1, 1, 60), (1, 1, 0, 3), (1, 0, 1, 9), (1, 0, 0, 18), (0, 0, 0, 50), (0, 0, 1, 5))
WEST = rows((1, 1, 1, 100), (1, 1, 0, 5), (1, 0, 1, 5), (1, 0, 0, 40), (0, 1, 0, 2), (0, 0, 0, 88))


def shift(groups, metric="recall_shift", *, reference=None, baseline=True):
    """Measure a shift over named groups of rows."""
    found = [
        tables.statistics(label, before if baseline else None, now, scope=Scope("g", name))
        for name, (label, before, now) in groups.items()
    ]
    context = MeasureContext(whole=found[0], confidence=0.95, seed=7, baseline=baseline)
    across = GroupedValues(slice="g", groups=tuple(found), reference=reference, min_group_size=1)
    return measure_disparity(metric, across, context)


GROUPS = {"north": NORTH, "south": SOUTH, "west": WEST}


def moments(columns):
    """Return a group's adjusted change of recall and its variance, from its labelled positives."""
    label, before, now = columns
    change = (now - before)[label == 1]
    n = len(change) + 2
    centre = change.sum() / n
    return centre, (((change - centre) ** 2).sum() + 1) / n**2


def test_shift__value():
    found = shift(GROUPS)
    assert found.change.value == pytest.approx(6 / 90 - (-8 / 120))
    assert found.candidate.value is None
    assert found.baseline.value is None
    assert found.change.method == "paired pairs"
    assert [group.candidate for group in found.groups] == pytest.approx([84 / 120, 69 / 90, 105 / 150])


def test_shift__ends_by_hand():
    centres, variances = np.array([moments(group) for group in GROUPS.values()]).T
    pairs = list(itertools.combinations(range(3), 2))
    apart = np.array([abs(centres[i] - centres[j]) for i, j in pairs])
    errors = np.array([math.sqrt(variances[i] + variances[j]) for i, j in pairs])
    found = shift(GROUPS).change
    _, high = found.interval(0.95)
    assert high == pytest.approx((apart + normal.inv_cdf(1 - 0.025 / 3) * errors).max())
    far = [normal.cdf(-(d - 0.02) / e) + normal.cdf(-(d + 0.02) / e) for d, e in zip(apart, errors, strict=True)]
    assert found.above(0.02) == pytest.approx(3 * min(far))
    near = [normal.cdf((d - 0.3) / e) for d, e in zip(apart, errors, strict=True)]
    assert found.below(0.3) == pytest.approx(3 * max(near))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_shift__p_value_agrees_with_the_interval(confidence):
    found = shift(GROUPS).change
    low, high = found.interval(confidence)
    alpha = (1 - confidence) / 2
    assert low == 0 or found.above(low) == pytest.approx(alpha, rel=1e-6)
    assert found.below(high) == pytest.approx(alpha, rel=1e-6)
    wider = found.interval(confidence + 0.0005)
    assert wider[0] <= low <= found.value <= high < wider[1]


def test_shift__order_and_names_of_groups():
    want = shift(GROUPS).change
    for order in itertools.permutations(GROUPS):
        found = shift({name: GROUPS[name] for name in order}).change
        assert found.interval(0.95) == want.interval(0.95)
    renamed = dict(zip(("z", "y", "x"), GROUPS.values(), strict=True))
    assert shift(renamed).change == want


def test_shift__reversal():
    # the disparity is the same for both models, and every change of a group is seen
    north = rows((1, 1, 1, 80), (1, 0, 1, 10), (1, 0, 0, 10))
    south = rows((1, 1, 1, 80), (1, 1, 0, 10), (1, 0, 0, 10))
    found = shift({"north": north, "south": south})
    assert found.change.value == pytest.approx(0.2)
    assert shift({"north": north, "south": south}, "recall_difference").change.value == pytest.approx(0.0)


def test_shift__several_bases():
    both = shift(GROUPS, "equalized_odds_shift").change
    each = [shift(GROUPS, name).change for name in ("recall_shift", "false_positive_rate_shift")]
    assert both.value == max(one.value for one in each)
    assert both.compared == 6
    assert both.interval(0.95)[1] > max(one.interval(0.95)[1] for one in each) - 1e-12


def test_shift__one_reference_group():
    found = shift(GROUPS, reference="west").change
    assert found.compared == 2
    assert found.value == pytest.approx(8 / 120)


def test_shift__rates_of_decisions_and_errors():
    assert shift(GROUPS, "precision_shift").change.interval(0.95)[0] >= 0
    rng = np.random.default_rng(2)
    groups = []
    for name, worse in (("a", 1.0), ("b", 1.6)):
        error = np.abs(rng.standard_normal(300))
        losses = tables.moments(baseline=error, candidate=error * worse + 0.1 * rng.random(300))
        groups.append(Statistics(Scope("g", name), 300, moments={"absolute": losses}))
    context = MeasureContext(whole=groups[0], confidence=0.95, seed=7, baseline=True)
    across = GroupedValues(slice="g", groups=tuple(groups), reference=None, min_group_size=1)
    found = measure_disparity("mean_absolute_error_shift", across, context)
    assert 0.3 < found.change.interval(0.95)[0] < found.change.value < found.change.interval(0.95)[1] < 0.65


def test_shift__identical_decisions():
    same = {name: np.array([group[0], group[1], group[1]]) for name, group in GROUPS.items()}
    assert isinstance(shift(same).change, Tie)


def test_shift__one_group_unchanged():
    groups = {**GROUPS, "west": np.array([WEST[0], WEST[1], WEST[1]])}
    low, high = shift(groups, "selection_rate_shift").change.interval(0.95)
    assert 0 <= low < high < 1


def test_shift__no_value():
    negatives = {**GROUPS, "east": rows((0, 0, 0, 20), (0, 1, 0, 3))}
    found = shift(negatives).change
    assert found.value is None
    assert "east" in found.reason
    assert shift({"north": NORTH}).change.value is None
    alone = shift(GROUPS, baseline=False)
    assert (alone.baseline, alone.change) == (None, None)
    assert "no baseline" in alone.candidate.reason


def test_shift__round_trip():
    evidence = LargestShift(0.1, (GroupDistance(0.09, 0.02), GroupDistance(0.05, 0.01)), 6, 120, math.inf)
    assert serialization._build(serialization._to_plain(evidence)) == evidence


def test_shift__simulated():
    """At most 2.5 % of equal models are reported as shifted; a shift of 0.172 is found in three draws of four."""
    rng, draws, counts = np.random.default_rng(8), 80, {"false": 0, "missed": 0, "found": 0}
    sizes = (400, 300, 200, 100)
    for _ in range(draws):
        for now in ((0.4,) * 4, (0.432, 0.4, 0.4, 0.26)):
            groups = {}
            for name, size, rate in zip("abcd", sizes, now, strict=True):
                lost, gained = 0.02 + max(0.4 - rate, 0), 0.02 + max(rate - 0.4, 0)
                cells = rng.multinomial(size, [0.6 - gained, gained, lost, 0.4 - lost])
                kinds = [(1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)]
                groups[name] = rows(*((*kind, int(n)) for kind, n in zip(kinds, cells, strict=True)))
            low, high = shift(groups).change.interval(0.95)
            if now[0] == 0.4:
                counts["false"] += low > 0
            else:
                counts["missed"] += not low <= 0.172 <= high
                counts["found"] += low > 0.02
    assert counts["false"] <= 0.06 * draws
    assert counts["missed"] <= 0.06 * draws
    assert 0.66 * draws <= counts["found"] <= 0.96 * draws


def test_shift__point_without_errors():
    single = [
        Statistics(
            Scope("g", name),
            1,
            moments={"absolute": tables.moments(baseline=np.array([1.0]), candidate=np.array([value]))},
        )
        for name, value in (("a", 2.0), ("b", 1.5))
    ]
    context = MeasureContext(whole=single[0], confidence=0.95, seed=7, baseline=True)
    across = GroupedValues(slice="g", groups=tuple(single), reference=None, min_group_size=1)
    found = measure_disparity("mean_absolute_error_shift", across, context).change
    assert isinstance(found, Point | Undefined)
