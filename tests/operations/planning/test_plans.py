"""Plans from reports, logs and assumed figures, and what people read of them."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from mlci.cli.commands.setting_up.plan import command as plan_command
from mlci.errors import InputError
from mlci.gates.limits import Limit
from mlci.inference.intervals.score_intervals import Tango
from mlci.operations.planning.assumed import Assumptions, plan_assumed
from mlci.operations.planning.from_logs import LogQuestion, item_spread, plan_logs, read_items
from mlci.operations.planning.from_report import plan_report
from mlci.planning.changes import NormalChange, RateChange
from mlci.planning.gate import PlannedGate
from mlci.planning.plan import Prices
from mlci.report.document import GateRow, MetricRow, PolicyRef, ScopeRef
from mlci.report.plan.page import render_plan_page
from mlci.report.plan.text import render_plan_text
from mlci.scores.score_log import ScoredItem, ScoreLog, Scorer, Usage
from tests.support.reports import a_report


def report(rows, gates):
    return a_report(
        metrics=rows,
        gates=gates,
        policy=PolicyRef(confidence=0.95, inconclusive="warn", no_baseline="warn"),
    )


def metric_row(metric, *, gained=9, lost=12, rows=400, **scope):
    low, high = Tango(gained, lost, rows).interval(0.95)
    value = (gained - lost) / rows
    return MetricRow(
        metric=metric, rows=rows, support=rows, change=value, change_interval=(low, high), method="tango", **scope
    )


def gate_row(metric, limit, *, bound, judge="interval", p=0.5, **scope):
    return GateRow(
        id=f"{metric}.{limit.kind}",
        metric=metric,
        scope=ScopeRef(**scope),
        limit=limit,
        judge=judge,
        outcome="passed",
        on="change" if limit.on_change else "value",
        bound=bound,
        p=p,
    )


def test_plan_report__disagreement_of_the_interval():
    found = plan_report(
        report([metric_row("accuracy")], [gate_row("accuracy", Limit("max_drop", 0.02), bound=-0.02)]),
        min_group_size=30,
    )
    assumed = plan_assumed(Assumptions(rows=400, margin=0.02, disagreement=21 / 400))
    assert found.plans[0].passes == pytest.approx(assumed.plans[0].passes, abs=1e-12)
    assert found.plans[0].detectable == pytest.approx(assumed.plans[0].detectable)
    assert found.plans[0].more_rows.rows == assumed.plans[0].more_rows.rows


def test_plan_report__groups_share_the_level():
    rows = [metric_row("accuracy", slice="region", group=name) for name in ("north", "south", "west")]
    gates = [
        gate_row("accuracy", Limit("max_drop", 0.05), bound=-0.05, slice="region", group=name)
        for name in ("north", "south", "west")
    ]
    single = plan_report(report(rows[:1], gates[:1]), min_group_size=30).plans[0]
    family = plan_report(report(rows, gates), min_group_size=30).plans[0]
    assert family.gate.family == 3
    assert family.detectable > single.detectable
    assert family.passes == single.passes


def test_plan_report__gates_without_a_plan():
    gates = [
        gate_row("accuracy", Limit("max_drop", 0.02), bound=-0.02),
        gate_row("accuracy", Limit("min", 0.8), bound=0.8),
        gate_row("accuracy", Limit("max_drop", 0.01), bound=-0.01, judge="estimate"),
        gate_row("selection_rate_difference", Limit("max_rise", 0.01), bound=0.01, across="region"),
        gate_row("accuracy", Limit("superior_by", 0.01), bound=0.01),
    ]
    plan = plan_report(report([metric_row("accuracy")], gates), min_group_size=30)
    assert len(plan.plans) == 1
    assert len(plan.left_out) == 4
    with pytest.raises(InputError, match="no gate of this report can be planned"):
        plan_report(report([metric_row("accuracy")], gates[1:]), min_group_size=30)


def test_plan_report__other_metrics_are_normal():
    row = MetricRow(metric="roc_auc", rows=500, support=500, change=0.0, change_interval=(-0.02, 0.02), method="delong")
    gate = gate_row("roc_auc", Limit("max_drop", 0.03), bound=-0.03)
    plan = plan_report(report([row], [gate]), min_group_size=30).plans[0]
    expected = NormalChange(row_variance=(0.02 / 1.959964) ** 2 * 500)
    assert plan.basis == "normal"
    assert plan.passes == pytest.approx(expected.powers(plan.gate, [0.0], rows=500)[0].passed, abs=1e-6)


def test_plan_report__models_that_agree():
    row = metric_row("accuracy", gained=0, lost=0)
    plan = plan_report(report([row], [gate_row("accuracy", Limit("max_drop", 0.02), bound=-0.02)]), min_group_size=30)
    assert "agreed on every row" in plan.plans[0].notes[0]
    assumed = RateChange(disagreement=0.05)
    assert plan.plans[0].passes == pytest.approx(assumed.powers(plan.plans[0].gate, [0.0], rows=400)[0].passed)


def log(scores, *, cost=None):
    """Return a log from the scores of each item, one for each repeat."""
    items = [
        ScoredItem(key=f"q{i}", repeat=str(k), scores={"accuracy": float(score)}, usage=Usage(cost_usd=cost))
        for i, answers in enumerate(scores)
        for k, score in enumerate(answers)
    ]
    return ScoreLog(tool="test", task="qa", items=tuple(items), scorers={"accuracy": Scorer(low=0, high=1)})


def test_plan_logs__one_answer_each_is_exact():
    now, before = np.ones((200, 1)), np.ones((200, 1))
    now[:6], before[6:14] = 0, 0
    plan = plan_logs(log(now), log(before), LogQuestion(config=None, margin=0.1)).plans[0]
    assert plan.basis == "exact"
    assert plan.gate.rows == 200
    single = plan_logs(log(now), None, LogQuestion(config=None, margin=0.1))
    assert "differ on 0.05 of the items" in single.plans[0].notes[0]


def test_plan_logs__variances_of_repeats():
    """The variances of a known process come back: chances of a beta distribution, the same for both models."""
    random = np.random.default_rng(11)
    chances = random.beta(1.4, 0.6, 4000)
    answers = [random.random((4000, 4)) < chances[:, None] for _ in range(2)]
    logs = read_items(log(answers[0]), log(answers[1]), LogQuestion(config=None))
    planned = PlannedGate(metric="accuracy", limit=Limit("max_drop", 0.02), margin=0.02, rows=4000)
    spread = item_spread(logs, planned, logs.scopes[0])
    within = float(np.mean(chances * (1 - chances)))
    assert logs.repeats == 4
    assert spread.within == pytest.approx(within, rel=0.05)
    assert spread.change.changes.between == pytest.approx(0, abs=0.005)
    assert spread.change.changes.mean == pytest.approx(0.7, abs=0.02)


def test_plan_logs__partial_credit_and_cost():
    random = np.random.default_rng(2)
    now = random.choice([0.0, 0.25, 0.5, 1.0], (30, 2))
    plan = plan_logs(log(now, cost=0.01), None, LogQuestion(config=None, margin=0.15, draws=40)).plans[0]
    assert plan.basis == "simulated"
    assert plan.more_rows.cost == pytest.approx(plan.more_rows.rows * 2 * 0.01)
    assert "as two repeats of this one do" in plan.notes[0]


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"accuracy": 0.99, "disagreement": 0.1}, "can't differ on 0.1 of the rows"),
        ({"within": 0.1}, "--accuracy 0.8"),
        ({"within": 0.2, "accuracy": 0.9}, "more than that of right and wrong answers"),
        ({"within": 0.0, "between": 0.5, "accuracy": 0.9}, "more than these answers leave"),
        ({"cluster_size": 5, "accuracy": 0.9}, "--cluster-correlation"),
        ({"sd": 1.0, "repeats": 3}, "leave out repeats"),
    ],
)
def test_plan_assumed__contradictions(figures, message):
    with pytest.raises(InputError, match=re.escape(message)):
        plan_assumed(Assumptions(rows=100, margin=0.05, **figures))


def test_plan__text_page_and_document():
    plan = plan_assumed(Assumptions(rows=500, margin=0.02, prices=Prices(new_item=1.0)))
    text, page = render_plan_text(plan, width=120), render_plan_page(plan, footer="mlci")
    assert "500 rows" in text
    assert "1,049, 549.00 USD" in text
    assert page.count("<polyline") == 2
    assert "finds 0.0443 at 80 %" in page
    gate = json.loads(json.dumps(plan.as_document()))["gates"][0]
    assert (gate["decides"], gate["with_more_rows"]["rows"]) == (False, 1049)
    assert gate["curve"][0] == {"drop": 0.0, "passed": gate["passes_without_change"], "failed": 0.0} | gate["curve"][0]


def test_plan__page_escapes():
    plan = plan_assumed(Assumptions(rows=500, margin=0.02))
    named = type(plan)(title="<script>x</script>", plans=plan.plans)
    assert "<script>" not in render_plan_page(named, footer="mlci")


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (["--sd", "nan"], "--sd is nan"),
        (["--accuracy", "nan"], "--accuracy is nan"),
        (["--accuracy", "0.9", "--cluster-correlation", "0.5"], "no effect without --cluster-size"),
    ],
)
def test_plan__figures_that_cannot_be_used(tmp_path, figures, words):
    ended = CliRunner().invoke(plan_command, ["--rows", "500", "--out", str(tmp_path), *figures])
    assert (ended.exit_code, words in " ".join(ended.output.split())) == (2, True)
