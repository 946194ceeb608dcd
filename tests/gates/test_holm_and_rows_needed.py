"""Holm's adjustment and the rows needed, against calculations by hand and published tables."""

import pytest

from mlci.gates.judge import RowsNeeded, rows_to_decide
from mlci.gates.outcomes import Shortage
from mlci.inference.evidence import Tie
from mlci.inference.intervals.score_intervals import Tango
from mlci.inference.minimums import rows_needed, rows_without_disagreement
from mlci.inference.multiplicity import holm_adjust
from mlci.inference.training_noise import UNKNOWN
from tests.support.comparisons import compare, one, result, rule


class TestHolm:
    @pytest.mark.parametrize(
        ("p", "adjusted"),
        [
            ([], []),
            ([0.04], [0.04]),
            ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 3 × 0.01, then 2 × 0.03 carries 0.04 up
            ([0.5, 0.5, 0.5], [1.0, 1.0, 1.0]),
            ([0.02, 0.02, 0.9], [0.06, 0.06, 0.9]),  # ties: 3 × 0.02, then max(0.06, 2 × 0.02)
            ([0.0, 1.0], [0.0, 1.0]),
        ],
    )
    def test_holm_adjust__by_hand(self, p, adjusted):
        assert holm_adjust(p) == pytest.approx(adjusted)

    def test_holm_adjust__order_does_not_matter(self):
        p = [0.001, 0.02, 0.013, 0.4, 0.05]
        by_value = dict(zip(p, holm_adjust(p), strict=True))
        assert holm_adjust(p[::-1]) == [by_value[value] for value in p[::-1]]

    def test_holm_adjust__between_raw_and_bonferroni(self):
        p = [0.001, 0.02, 0.013, 0.4, 0.05]
        assert all(a <= b <= min(1, 5 * a) + 1e-15 for a, b in zip(p, holm_adjust(p), strict=True))


class TestRowsNeeded:
    @pytest.mark.parametrize(("share", "rows"), [(0.02, 310), (0.05, 773), (0.10, 1546), (0.20, 3092)])
    def test_rows_needed__published_table(self, share, rows):
        """Margin 0.02, one-sided 5 %, power 80 %: the table of the simulation study that introduced the method."""
        assert abs(rows_needed(share, distance=0.02, confidence=0.90) - rows) <= 1

    def test_rows_needed__equal_models(self):
        found = one(rule(max_drop=0.02), compare(300, gained=9, lost=9))
        assert found.rows_needed == rows_needed(0.06, distance=0.02, confidence=0.95) == 1178

    def test_rows_needed__observed_distance_beyond_the_margin(self):
        found = one(rule(max_drop=0.02), compare(2000, right=1700, gained=50, lost=80))  # a drop of 0.015, margin 0.02
        assert found.rows_needed == rows_needed(130 / 2000, distance=0.005, confidence=0.95)
        assert found.rows_needed > 2000

    def test_rows_needed__no_disagreement(self):
        case_rows = rows_without_disagreement(0.02, confidence=0.95)
        assert one(rule(max_drop=0.02), compare(case_rows - 1, gained=0, lost=0)).outcome == "inconclusive"
        assert one(rule(max_drop=0.02), compare(case_rows, gained=0, lost=0)).outcome == "passed"
        assert one(rule(max_drop=0.02), compare(100, gained=0, lost=0)).rows_needed == case_rows

    def test_rows_needed__inconclusive_by_holm(self):
        bad = compare(200, right=150, gained=4, lost=22, metric="f1")
        others = [compare(metric=f"m{i}") for i in range(40)]
        gates = [rule("f1", max_drop=0.02), *(rule(f"m{i}", max_drop=0.02) for i in range(40))]
        from mlci.gates.judge import judge_rules  # noqa: PLC0415 - only here

        first = judge_rules(gates, result(bad, *others), min_group_size=30)[0]
        assert "Holm" in first.reason
        assert first.rows_needed > 200

    def test_rows_needed__decided_gates(self):
        assert one(rule(max_drop=0.02), compare(change=Tie())).rows_needed is None
        assert one(rule(max_drop=0.02), compare(change=Tango(0, 100, 1000))).rows_needed is None

    def test_rows_needed__limit_met_exactly(self):
        for distance in (0.0, -0.1, 1e-300, 1e-170, 1e-9):
            assert rows_needed(0.1, distance=distance, confidence=0.95) is None
        assert rows_without_disagreement(1e-300, confidence=0.95) is None

    def test_rows_needed__unit_of_the_metric(self):
        found = one(rule("recall", max_drop=0.02), compare(500, metric="recall", unit="labelled positives"))
        assert found.rows_needed_of == "labelled positives"

    def test_rows_to_decide__unknown_variance(self):
        from mlci.gates.expand import expand_rules  # noqa: PLC0415 - only here

        (case,) = expand_rules(rule(max_drop=0.02), result(), UNKNOWN)
        assert rows_to_decide(case, 0.95, Shortage()) is None
        assert RowsNeeded(3, "rows").unit == "rows"


def test_rows_needed__limit_too_small_for_any_number_of_rows():
    found = one(rule(max_rise=5e-324), compare(100, gained=0, lost=0))
    assert (found.outcome, found.rows_needed) == ("inconclusive", None)
