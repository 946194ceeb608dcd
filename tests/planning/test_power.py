"""Powers and sizes of plans: against the judge itself, statsmodels, and published formulas."""

import math
from itertools import product

import numpy as np
import pytest

from mlci.gates.judge import judge_rules
from mlci.gates.limits import Limit, Rule
from mlci.gates.outcomes import Outcome
from mlci.inference.evidence import Point, Tie
from mlci.inference.intervals.distributions import quantile
from mlci.inference.intervals.error_intervals import Normal
from mlci.inference.intervals.score_intervals import MixingScore, Tango
from mlci.inference.result import Comparison, EvaluationResult
from mlci.metrics.statistics import WHOLE, Scope
from mlci.planning.changes import (
    BinaryAnswers,
    Clusters,
    NormalChange,
    ObservedChanges,
    RateChange,
    SimulatedChange,
    score_change,
)
from mlci.planning.gate import PlannedGate
from mlci.planning.plan import Prices, plan_gate, rows_for_power


def gate(margin=0.05, rows=300, **changed):
    given = {"metric": "accuracy", "limit": Limit("max_drop", margin), "margin": margin, "rows": rows}
    return PlannedGate(**{**given, "scope_rows": rows, **changed})


def judged(evidence, *, limit, scope=WHOLE, rows, differing):
    """Return the outcome of the judge of ``mlci run``, with the interval."""
    measured = Comparison(
        metric="accuracy",
        scope=scope,
        rows=rows,
        support=rows,
        unit="rows",
        candidate=Point(0.9),
        baseline=Point(0.9),
        change=evidence,
        disagreements=differing,
        carriers={"rows": rows},
        baseline_carriers={"rows": rows},
    )
    result = EvaluationResult(
        task="binary", rows=rows, fingerprint="", has_baseline=True, confidence=0.95, seed=7, comparisons=(measured,)
    )
    rules = [Rule(metric="accuracy", limits=(limit,), each=scope.slice, judge="interval")]
    return judge_rules(rules, result, min_group_size=30)[0].outcome


@pytest.mark.parametrize("scope", [WHOLE, Scope("region", "north")])
@pytest.mark.parametrize("factory", [Tango, score_change()])
def test_judge_change__interval_and_p_value_agree(scope, factory):
    found = set()
    for gained, lost in product(range(0, 13, 3), range(0, 26, 4)):
        evidence, planned = factory(gained, lost, 120), gate(rows=120, scope=scope)
        mine = planned.outcome(evidence, rows=120, differing=gained + lost)
        assert mine is judged(evidence, limit=planned.limit, scope=scope, rows=120, differing=gained + lost)
        found.add(mine)
    assert found == {Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE}


@pytest.mark.parametrize(
    "evidence",
    [
        Tie(),
        Normal(-0.02, 0.01, 100, "t", df=12),
        Normal(-0.12, 0.01, 100, "normal"),
        MixingScore(-0.01, 1e-4, 50, 9, 100, "mixing score", -1, 1),
        MixingScore(-0.2, 1e-4, 50, 9, 100, "mixing score", -1, 1),
    ],
)
@pytest.mark.parametrize("margin", [0.0, 0.05])
def test_judge_change__other_evidence(evidence, margin):
    planned = gate(margin, rows=100)
    real = judged(evidence, limit=planned.limit, rows=100, differing=20)
    assert planned.outcome(evidence, rows=100, differing=20) is real


def test_judge_change__without_an_interval():
    evidence = Point(-0.2, "too few", "too few rows")
    assert gate(rows=100).outcome(evidence, rows=100, differing=20) is Outcome.INCONCLUSIVE


def test_judge_change__family_is_holms_first_step():
    evidence = Tango(0, 22, 120)
    single, family = (gate(rows=120, family=size).outcome(evidence, rows=120, differing=22) for size in (1, 1000))
    assert (single, family) == (Outcome.FAILED, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize("kind", ["max_drop", "max_rise"])
@pytest.mark.parametrize("drop", [0.0, 0.1, 0.25])
def test_rate_change__sum_over_all_counts(kind, drop):
    rows, share = 40, 0.15
    planned = gate(0.1, rows, limit=Limit(kind, 0.1))
    differing = max(share, drop)
    worse, better = (differing + drop) / 2, (differing - drop) / 2
    expected = dict.fromkeys(Outcome, 0.0)
    for up, down in ((i, j) for i in range(rows + 1) for j in range(rows + 1 - i)):
        ways = math.factorial(rows) // (math.factorial(up) * math.factorial(down) * math.factorial(rows - up - down))
        chance = ways * better**up * worse**down * (1 - differing) ** (rows - up - down)
        if chance > 1e-10:
            pair = (up, down) if kind == "max_drop" else (down, up)
            expected[planned.outcome(Tango(*pair, rows), rows=rows, differing=up + down)] += chance
    found = RateChange(disagreement=share).powers(planned, [drop], rows=rows)[0]
    assert found.passed == pytest.approx(expected[Outcome.PASSED], abs=1e-6)
    assert found.failed == pytest.approx(expected[Outcome.FAILED], abs=1e-6)


@pytest.mark.parametrize("disagreement", [0.02, 0.1])
def test_rate_change__large_sets_are_normal(disagreement):
    planned = gate(0.01, 20_000)
    exact = RateChange(disagreement=disagreement).powers(planned, [0.0, 0.01, 0.015], rows=20_000)
    normal = NormalChange(row_variance=disagreement).powers(planned, [0.0, 0.01, 0.015], rows=20_000)
    for one, other in zip(exact, normal, strict=True):
        assert one.passed == pytest.approx(other.passed, abs=0.01)
        assert one.failed == pytest.approx(other.failed, abs=0.01)


def test_normal_change__statsmodels():
    """Against ``NormalIndPower(ddof=0)`` of statsmodels 0.15.0: one-sided at 0.025, one sample."""
    change = NormalChange(row_variance=0.09)
    found = change.powers(gate(0.05, 400), [0.0, 0.12], rows=400)
    assert found[0].passed == pytest.approx(0.9151812232366408, abs=1e-12)
    assert found[1].failed == pytest.approx(0.9966022456600104, abs=1e-12)
    assert rows_for_power(gate(0.05, 400), change) == pytest.approx(282.55967, rel=0.02)


def test_rows_to_decide__connor_1987():
    """Connor's sample size of McNemar's test (1987, Biometrics 43:207), the margin in place of his difference."""
    share, drop = 0.1, 0.02
    connor = (quantile(0.975) * math.sqrt(share) + quantile(0.8) * math.sqrt(share - drop**2)) ** 2 / drop**2
    found = rows_for_power(gate(drop, 1000), RateChange(disagreement=share))
    assert found == pytest.approx(connor, rel=0.06)


@pytest.mark.parametrize(("between", "within", "repeats"), [(0.02, 0.1, 4), (0.05, 0.05, 1), (0.0, 0.12, 8)])
def test_binary_answers__variance_of_miller_2024(between, within, repeats):
    answers = BinaryAnswers(mean=0.7, within=within, between=between)
    drawn = answers.draw(np.random.default_rng(3), 200_000, repeats, 0.0)
    assert answers.variance(repeats) == pytest.approx(between + 2 * within / repeats)
    assert drawn.var() == pytest.approx(answers.variance(repeats), rel=0.03)
    assert answers.draw(np.random.default_rng(3), 200_000, repeats, 0.06).mean() == pytest.approx(-0.06, abs=0.003)


def test_item_change__minimum_detectable_effect_of_miller_2024():
    """Equation 9 of arXiv 2411.00640, which is a gate with a margin of 0, in the limit of many items."""
    rows, between, within, repeats = 10_000, 0.02, 0.1, 2
    change = SimulatedChange(changes=BinaryAnswers(mean=0.7, within=within, between=between), draws=200)
    error = math.sqrt((between + 2 * within / repeats) / rows)
    drop = (quantile(0.975) + quantile(0.8)) * error
    found = change.powers(gate(0.0, rows, unit="items"), [drop], rows=rows, repeats=repeats)[0]
    assert found.failed == pytest.approx(0.8, abs=0.07)


def test_observed_changes__repeats_and_drop():
    changes = ObservedChanges(changes=(0.0, 0.0, 0.5, -0.25), repeats=2, within=0.05, reach=1.0)
    random = np.random.default_rng(5)
    for repeats in (1, 2, 8):
        drawn = changes.draw(random, 100_000, repeats, 0.0)
        assert (drawn == 0).mean() == pytest.approx(0.5, abs=0.01)
        assert drawn.var() == pytest.approx(changes.variance(repeats), rel=0.05)
    assert changes.draw(random, 100_000, 2, 0.04).mean() == pytest.approx(-0.04, abs=0.004)


def test_item_change__clusters_need_more_items():
    answers = BinaryAnswers(mean=0.8, within=0.0, between=0.1)
    planned = gate(0.05, 400, unit="items")
    alone, together = (
        SimulatedChange(changes=answers, clusters=clusters, draws=200).powers(planned, [0.0], rows=400)[0].passed
        for clusters in (None, Clusters(sizes=(8,), correlation=0.5))
    )
    assert alone > together + 0.2


def test_plan_gate__more_rows_or_more_repeats():
    change = SimulatedChange(changes=BinaryAnswers(mean=0.8, within=0.08, between=0.0), draws=60)
    prices = Prices(answer=0.01, new_item=2.0)
    plan = plan_gate(gate(0.05, 150, unit="items"), change, within=0.08, wanted=0.2, prices=prices)
    assert not plan.decides
    assert plan.more_rows.rows > 150
    assert plan.more_repeats.repeats > 1
    assert plan.more_repeats.cost == pytest.approx(150 * plan.more_repeats.repeats * 0.01)
    assert plan.cheapest.cost <= min(plan.more_rows.cost, plan.more_repeats.cost)


def test_plan_gate__margin_of_zero():
    plan = plan_gate(gate(0.0, 500), RateChange(disagreement=0.05), wanted=0.02)
    assert not plan.decides
    assert plan.passes < 0.03
    assert plan.more_rows is None


def test_rate_change__small_groups_never_fail():
    planned = gate(0.05, 25, scope=Scope("region", "north"), min_group_size=10)
    assert RateChange(disagreement=0.4).powers(planned, [0.4], rows=25)[0].failed == 0
