"""Random small tables: no crash, no NaN, no pass without a value, and identical models never block."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.gates.judge import judge_rules
from mlci.gates.limits import LIMIT_KINDS, Limit, Rule
from mlci.inference.evaluate import Question, evaluate
from mlci.metrics import catalogue
from mlci.metrics.statistics import WHOLE, Calibration, Scope, Statistics
from mlci.operations.report_builder import ReportContext, build_report
from mlci.report.document import BaselineRef, Candidate, PolicyRef
from tests.support.tables import decisions, moments, scores

TASKS = ("binary", "multiclass", "regression")
CLASSES = {"binary": ("0", "1"), "multiclass": ("a", "b", "c")}
EPS = float(np.finfo(float).eps)
FACTS = ReportContext(
    model="m",
    candidate=Candidate(),
    baseline=BaselineRef(source="file"),
    policy=PolicyRef(confidence=0.95, inconclusive="warn", no_baseline="warn"),
    config_digest=None,
    config_path=None,
)


@st.composite
def tables(draw):
    """Draw a task with rows, one to three groups, and two models, which may be one and the same."""
    task = draw(st.sampled_from(TASKS))
    rows = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    label = _labels(task, rows, rng)
    models = [_predictions(task, label, rng) for _ in range(2)]
    if draw(st.booleans()):
        models[1] = models[0]
    return task, label, *models, rng.integers(0, draw(st.integers(1, 3)), rows)


def _labels(task, rows, rng):
    if task == "regression":
        return rng.choice([np.full(rows, 2.0), rng.normal(5, 2, rows), rng.integers(1, 4, rows).astype(float)])
    top = len(CLASSES[task])
    return rng.choice(
        [np.full(rows, rng.integers(top)), rng.integers(0, top, rows), (rng.random(rows) < 0.1).astype(int)]
    )


def _predictions(task, label, rng):
    """Return scores and decisions: constant, right, random, or with a class that is never predicted."""
    rows = len(label)
    if task == "regression":
        return rng.choice([label, np.full(rows, 1.5), label + rng.normal(0, 1, rows)]), None
    if task == "multiclass":
        return None, rng.choice([label, np.full(rows, rng.integers(3)), rng.integers(0, 3, rows), np.minimum(label, 1)])
    score = rng.choice(
        [np.full(rows, 0.5), np.full(rows, 0.1), label * 1.0, rng.random(rows), rng.integers(0, 3, rows) / 2]
    )
    return score, (score >= 0.5).astype(int)


def reduce_rows(task, label, baseline, candidate, *, scope=WHOLE, centre=0.0):
    """Reduce rows to statistics the slow way."""
    (before, was), (now, decided) = baseline, candidate
    counted = None if task == "regression" else decisions(label, was, decided, CLASSES[task])
    if task == "multiclass":
        return Statistics(scope, len(label), counted)
    losses = {
        "squared": lambda p: (p - label) ** 2,
        "absolute": lambda p: abs(p - label),
        "signed": lambda p: p - label,
        "percentage": lambda p: abs(p - label) / np.maximum(abs(label), EPS),
        "pinball": lambda p: abs(p - label) / 2,
        "log": lambda p: -np.log(np.clip(np.where(label == 1, p, 1 - p), EPS, 1 - EPS)),
    }
    summed = {name: moments(baseline=loss(before), candidate=loss(now)) for name, loss in losses.items()}
    y = label - centre
    summed["variance"] = moments(y=y, y2=y * y, baseline=losses["squared"](before), candidate=losses["squared"](now))
    if task == "regression":
        return Statistics(scope, len(label), moments=summed)
    bins = Calibration(*_calibration(label, now), *_calibration(label, before))
    ranked = scores(label, before, now)
    return Statistics(scope, len(label), counted, scores=ranked, moments=summed, calibration=bins)


def _calibration(label, score):
    code, gap = np.minimum((score * 15).astype(int), 14), score - label
    return [
        np.bincount(code, minlength=15),
        *(np.bincount(code, weights=w, minlength=15) for w in (gap, gap * gap, label)),
    ]


def judge_all(table, *, confidence=0.95):
    """Judge every metric of the catalogue under every limit: on the whole set, in each group, and across groups."""
    task, label, baseline, candidate, group = table

    def part(rows, scope):
        taken = [tuple(None if column is None else column[rows] for column in model) for model in (baseline, candidate)]
        return reduce_rows(task, label[rows], *taken, scope=scope, centre=label.mean() if task == "regression" else 0.0)

    parts = [part(np.full(len(label), True), WHOLE)]
    parts += [part(group == value, Scope("g", str(value))) for value in np.unique(group)]
    lacking = catalogue.OF_PROBABILITIES if task == "multiclass" else ()  # the tables have no probabilities of classes
    infos = [catalogue.find(name) for name in catalogue.names()]
    known = [info.name for info in infos if task in info.tasks and info.kind not in lacking]
    known += [
        f"{name}[{k}]"
        for name in ("recall", "precision", "f1")
        for k in CLASSES.get(task, ())
        if len(CLASSES[task]) > 2
    ]
    spreads = [name for name in known if catalogue.find_disparity(name)]
    plain = [name for name in known if name not in spreads and catalogue.find(name).kind != "operation"]
    asked = Question(
        task=task,
        metrics=tuple(plain),
        baseline=True,
        disparities=tuple((name, "g") for name in spreads),
        confidence=confidence,
        min_group_size=3,
    )
    result = evaluate(parts, asked, fingerprint="sha256:0", notes=())
    limits = tuple(Limit(kind, 0.3) for kind in LIMIT_KINDS)
    sure = [name for name in plain if catalogue.find(name).kind != "share"]  # refused: no interval for a change
    rules = [Rule(metric=name, limits=limits, each=each) for name in sure for each in (None, "g")]
    sure_spreads = [name for name in spreads if "share" not in name]
    rules += [Rule(metric=name, limits=limits, across="g") for name in sure_spreads]
    rules += [Rule(metric=name, limits=limits[2:], judge="estimate") for name in plain]
    return build_report(result, judge_rules(rules, result, min_group_size=3), FACTS)


@settings(max_examples=5, derandomize=True)
@given(tables())
def test_sweep__any_small_table(table):
    report = judge_all(table)
    json.loads(report.model_dump_json(), parse_constant=lambda word: pytest.fail(f"{word} in the report"))
    same = all(a is b or (a is not None and (a == b).all()) for a, b in zip(table[2], table[3], strict=True))
    for gate in report.gates:
        assert gate.outcome != "passed" or gate.value is not None, gate
        assert gate.value is None or math.isfinite(gate.value)
        proven = gate.limit.kind == "superior_by"  # which identical predictions can't meet
        assert not (same and gate.on == "change" and not proven and gate.outcome in {"failed", "error"}), gate
        assert not (same and proven and gate.outcome == "passed"), gate
        assert (gate.outcome == "passed") == (gate.why is None), gate
    for item in (*report.metrics, *report.disparities):
        if catalogue.is_shift_metric(item.metric):  # the change is all there is
            assert item.change is not None or item.cause, item
            continue
        assert item.candidate is not None or item.cause, item
        assert item.candidate is not None or item.change is None, item
