"""Properties of judging any evidence: undefined never passes, a looser limit never hurts, swapped models mirror."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.inference.disparity.simultaneous import GroupDistance, Simultaneous
from mlci.inference.evaluate import Question, evaluate
from mlci.inference.evidence import Point, Tie, Undefined
from mlci.inference.intervals.error_intervals import Normal, Sampled
from mlci.inference.intervals.score_intervals import Proportion, Tango
from tests.support.comparisons import compare, judge, one, rule, spread
from tests.support.tables import by_group, paired_rows

RANK = {"failed": 0, "error": 0, "no_baseline": 1, "inconclusive": 1, "passed": 2}
numbers = st.floats(-2, 2)
errors = st.floats(0, 2)
broken = st.sampled_from([math.nan, math.inf, -math.inf])


@st.composite
def tangos(draw):
    rows = draw(st.integers(1, 3000))
    gained = draw(st.integers(0, rows))
    return Tango(gained, draw(st.integers(0, rows - gained)), rows)


@st.composite
def proportions(draw):
    rows = draw(st.integers(1, 3000))
    return Proportion(draw(st.integers(0, rows)), rows)


@st.composite
def samples(draw):
    low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    return Sampled(value, low, high, draw(errors), 100, 0.95)


evidence = st.one_of(
    tangos(),
    proportions(),
    samples(),
    st.builds(Normal, numbers, errors, st.integers(2, 5000), st.just("paired t")),
    st.builds(Point, numbers),
    st.just(Tie()),
    st.builds(Undefined, st.just("0/0")),
)
undefined = st.one_of(
    st.builds(Undefined, st.just("0/0"), method=st.sampled_from(["undefined", "too few"])),
    st.builds(Point, broken),
    st.builds(Normal, broken, errors, st.just(100), st.just("t")),
    st.builds(Normal, numbers, st.just(math.nan), st.just(100), st.just("t"), low=st.just(-1.0), high=st.just(1.0)),
    st.builds(Sampled, broken, numbers, numbers, errors, st.just(100), st.just(0.95)),
    st.builds(Sampled, numbers, st.just(math.nan), numbers, errors, st.just(100), st.just(0.95)),
    st.builds(Sampled, numbers, numbers, st.just(math.nan), errors, st.just(100), st.just(0.95)),
)
kinds = st.sampled_from(["min", "max", "max_drop", "max_rise"])
judges = st.sampled_from([None, "estimate", "interval"])


@given(undefined, kinds, numbers, judges, st.booleans())
def test_judge__undefined_never_passes(found, kind, limit, on, percent):
    gate = rule(judged=on, percent=percent, **{kind: limit})
    outcome = one(gate, compare(candidate=found, change=found)).outcome
    assert outcome in {"error", "inconclusive"}
    if found.method != "too few":
        assert outcome == "error"
    across = rule("recall_difference", across="sex", judged=on, **{kind: limit})
    assert one(across, disparities=[spread(found, baseline=found, change=found)]).outcome in {"error", "inconclusive"}


@given(evidence, kinds, numbers, st.floats(0, 2), judges)
def test_judge__looser_limit_is_never_worse(found, kind, limit, slack, on):
    def rank(value):
        measured = compare(candidate=found, change=found)
        return RANK[one(rule(judged=on, **{kind: value}), measured).outcome]

    assert rank(limit - slack if kind == "min" else limit + slack) >= rank(limit)


@given(evidence, kinds, numbers, judges)
def test_judge__outcome_matches_the_value(found, kind, limit, on):
    gate = one(rule(judged=on, **{kind: limit}), compare(candidate=found, change=found))
    if gate.outcome in {"passed", "failed"}:
        within = gate.value >= gate.bound - 1e-9 if kind in {"min", "max_drop"} else gate.value <= gate.bound + 1e-9
        assert within == (gate.outcome == "passed")
    if gate.judge == "interval" and gate.outcome == "failed":
        low, high = gate.interval
        assert (high < gate.bound) if kind in {"min", "max_drop"} else (low > gate.bound)
        assert gate.p <= 0.025 + 1e-9


@settings(max_examples=40)
@given(st.lists(tangos(), min_size=1, max_size=6), st.floats(0, 0.3))
def test_judge__more_groups_never_fail_a_gate(changes, margin):
    def found(some):
        groups = [compare(c.rows, change=c, metric=f"m{i}", gained=c.gained, lost=c.lost) for i, c in enumerate(some)]
        return [item.outcome for item in judge([rule(f"m{i}", max_drop=margin) for i in range(len(some))], *groups)]

    alone = [found(changes[: i + 1])[-1] if i == 0 else found([changes[i]])[0] for i in range(len(changes))]
    together = found(changes)
    for single, joint in zip(alone, together, strict=True):
        assert joint == single or (single, joint) == ("failed", "inconclusive")


@pytest.mark.parametrize("seed", range(3))
def test_judge__swapped_models_mirror_every_change(seed):
    label, before, after = paired_rows(400, seed=seed, drop=0.03)
    region = [["n", "s", "w"][i % 3] for i in range(400)]
    asked = Question(
        task="binary",
        metrics=("accuracy", "recall", "precision", "f1", "matthews_corrcoef", "balanced_accuracy"),
        baseline=True,
        disparities=(("recall_difference", "g"),),
    )
    one_way = evaluate(by_group(label, before, after, region), asked, fingerprint="", notes=())
    other = evaluate(by_group(label, after, before, region), asked, fingerprint="", notes=())
    for left, right in zip(one_way.comparisons, other.comparisons, strict=True):
        assert (left.candidate.value, left.baseline.value) == (right.baseline.value, right.candidate.value)
        assert left.change.value == pytest.approx(-right.change.value, abs=1e-12)
        low, high = left.change.interval(0.95)
        mirrored = right.change.interval(0.95)
        tolerance = 1e-9 if left.change.method != "cell bootstrap" else 0.03
        assert (-high, -low) == pytest.approx(mirrored, abs=tolerance)
    for left, right in zip(one_way.disparities, other.disparities, strict=True):
        assert left.change.value == pytest.approx(-right.change.value, abs=1e-12)
    drop = judge(rule(max_drop=0.01), *one_way.comparisons)[0]
    rise = judge(rule(max_rise=0.01), *other.comparisons)[0]
    assert (drop.outcome, drop.bound) == (rise.outcome, -rise.bound)


def test_judge__disparity_without_enough_pairs():
    found = Simultaneous(0.05, 0.0, 0.3, (GroupDistance(0.05, 0.1),), 1, 40, 0.95, "difference")
    assert one(rule("recall_difference", across="sex", max=0.2), disparities=[spread(found)]).outcome == "inconclusive"
