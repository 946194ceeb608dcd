"""Limits: sign, bound, comparison and words of each kind."""

import math

import pytest

from mlci.config.loader import parse_config
from mlci.gates.limits import Limit
from mlci.operations.evaluation_plan import gate_rules

DROP, RISE, LEAST, MOST = (Limit(kind, 0.01) for kind in ("max_drop", "max_rise", "min", "max"))


@pytest.mark.parametrize(
    ("limit", "baseline", "bound"),
    [
        (DROP, 0.5, -0.01),
        (RISE, 0.5, 0.01),
        (LEAST, 0.5, 0.01),
        (MOST, None, 0.01),
        (Limit("max_drop", 0.1, relative=True), -0.5, -0.05),
        (Limit("max_rise", 0.1, relative=True), 0.5, 0.05),
        (Limit("max_rise", 0.1, relative=True), None, None),
        (Limit("min", 0.85, relative=True), None, 0.85),
    ],
)
def test_limit_bound__in_the_units_of_the_value(limit, baseline, bound):
    assert limit.bound(baseline) == (bound if bound is None else pytest.approx(bound))


@pytest.mark.parametrize("limit", [Limit("max_drop", 0.0), Limit("max_drop", 0.1, relative=True)])
def test_limit_bound__zero_has_no_sign(limit):
    assert math.copysign(1, limit.bound(0.0)) == 1


@pytest.mark.parametrize(
    ("limit", "better", "worse"), [(DROP, 0.0, -0.02), (RISE, 0.0, 0.02), (LEAST, 0.02, 0.0), (MOST, 0.0, 0.02)]
)
def test_limit_allows__one_side(limit, better, worse):
    bound = limit.bound(None)
    assert limit.allows(better, bound)
    assert limit.allows(bound, bound)
    assert not limit.allows(worse, bound)
    assert limit.allows(worse, bound, slack=0.02)
    assert not limit.allows(math.nan, bound)
    assert limit.distance(better, bound) > 0 > limit.distance(worse, bound)


@pytest.mark.parametrize(
    ("limit", "bound", "short", "sentence"),
    [
        (LEAST, 0.01, "at least 0.010", "must be at least 0.010"),
        (MOST, 0.01, "at most 0.010", "must be at most 0.010"),
        (DROP, -0.01, "may fall by 0.010", "may fall by at most 0.010"),
        (RISE, 0.01, "may rise by 0.010", "may rise by at most 0.010"),
        (DROP, 0.0, "may not fall", "may not fall"),
        (DROP, 0.01, "must rise by 0.010", "must rise by at least 0.010"),
        (Limit("present"), 0.0, "must exist", "must exist"),
    ],
)
def test_limit_words__by_kind(limit, bound, short, sentence):
    assert limit.words(bound, "0.010") == short
    assert limit.words(bound, "0.010", sentence=True) == sentence


def test_gate_rules__keep_their_place():
    text = """
        model: m
        task: binary
        predict: {metrics: now.json}
        baseline: none
        gates:
          - {metric: accuracy, max: 0.9, min: 0.8}
          - {metric: f1, min: 0.5}
    """
    rules = gate_rules(parse_config(text, path="mlci.yml").config)
    assert [(rule.metric, rule.index) for rule in rules] == [("accuracy", 0), ("f1", 1)]
    assert [str(limit) for limit in rules[0].limits] == ["0.8", "0.9"]
