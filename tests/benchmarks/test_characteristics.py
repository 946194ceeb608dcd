"""The benchmark of operating characteristics in miniature: its figures are met, and missed by a broken method."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.characteristics import (
    coverage,
    disparity_changes,
    families,
    family_wise,
    group_gaps,
    report,
    single_gate,
)
from benchmarks.characteristics.figures import Figure, Section, share, within
from benchmarks.characteristics.pool import Work, run
from mlci.inference.disparity.change import DisparityChange
from mlci.inference.intervals import error_intervals
from mlci.inference.intervals.score_intervals import Tango
from mlci.inference.minimums import rows_needed

FAMILY = "probabilities"


def coverage_of(draws):
    work = Work(f"coverage {FAMILY} 500", coverage.count_covered, draws, {"family": FAMILY, "rows": 500})
    found = run([work], processes=1)[work.name]
    hits = found.totals["brier_score_loss paired"]
    return within("Brier score", hits, found.replicates, coverage.LOW, coverage.HIGH)


def test_coverage__mean():
    assert coverage_of(100).kept


def test_coverage__too_narrow_interval_fails(monkeypatch):
    honest = error_intervals.student_two_sided
    monkeypatch.setattr(error_intervals, "student_two_sided", lambda confidence, df: 0.5 * honest(confidence, df))
    assert not coverage_of(100).kept


def test_single_gate__too_permissive_gate_fails(monkeypatch):
    def passed():
        single_gate.judgement.cache_clear()
        totals = single_gate.one_gate(np.random.default_rng(1), 300, rows=200)
        return share("passed", totals["harmless, mlci with margin 0.02: passed"], 300, 0.286).kept

    honest = Tango.interval
    assert passed()
    monkeypatch.setattr(Tango, "interval", lambda self, confidence: honest(self, confidence / 2))
    assert not passed()
    single_gate.judgement.cache_clear()


def test_run__results_do_not_depend_on_the_number_of_processes():
    works = [Work("retries", single_gate.retries, 40), Work("gaps", group_gaps.percentile, 6, {"rows": 500})]
    one, two = run(works, processes=1), run(works, processes=2)
    assert {k: (v.totals, v.replicates) for k, v in one.items()} == {
        k: (v.totals, v.replicates) for k, v in two.items()
    }


@pytest.mark.parametrize(("measured", "kept"), [(0.93, True), (0.97, True), (0.929, False), (math.nan, False)])
def test_share__coverage_has_no_allowance(measured, kept):
    assert Figure(what="", measured=measured, error=0.01, low=0.93, high=0.97, allowed=0).kept is kept


def test_truth__agrees_with_large_samples():
    for name in ("ranks", "probabilities", "regression"):
        family = families.FAMILIES[name]
        sample = family.sample(np.random.default_rng(2), 60_000)
        for metric in family.metrics.values():
            value, change = family.truth(metric, 60_000)
            seen = coverage.measure_metric(metric, sample, coverage.context(sample))
            assert seen.candidate.value == pytest.approx(value, rel=0.03, abs=0.06)
            assert seen.change.value == pytest.approx(change, rel=0.15, abs=0.06)


def test_report__keeps_the_rest_of_the_page(tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text("# Benchmarks\n\n<!-- cost:begin -->\nfast\n<!-- cost:end -->\n", encoding="utf-8")
    section = Section(title="T", lead="L", figures=[Figure(what="f", measured=0.5, error=0.0, low=0, high=1)])
    report.write(report.page([section], section.figures, "github"), page)
    report.write("second", page)
    text = page.read_text(encoding="utf-8")
    assert "<!-- cost:begin -->\nfast\n<!-- cost:end -->" in text
    assert text.count(report.BEGIN) == 1
    assert "second" in text
    assert "### T" not in text


DOCS = Path(__file__).resolve().parents[2] / "docs"


def plain(text):
    return re.sub(r"[ -]{2,}", " ", text)


def test_page__every_figure_was_measured():
    page = (DOCS / "explanation" / "how-gates-decide.md").read_text(encoding="utf-8")
    measured = (DOCS / "reference" / "benchmarks.md").read_text(encoding="utf-8")
    copied = re.findall(r"<!-- measured -->\n\n.*?\n\|.*?\n(.*?)\n\n", page, flags=re.DOTALL)
    rows = [plain(row) for table in copied for row in table.splitlines()]
    assert len(rows) > 10
    assert set(rows) <= {plain(line) for line in measured.splitlines()}
    said = re.findall(r"\d+\.\d %|0\.0\d{3}", page)
    assert len(said) > 10
    assert [figure for figure in said if figure not in measured] == []


def test_page__rows_needed_of_the_formula():
    page = (DOCS / "explanation" / "how-gates-decide.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (0\.\d\d) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", page, flags=re.MULTILINE)
    assert len(rows) == 3
    for margin, *counts in rows:
        needed = [rows_needed(d, distance=float(margin), confidence=0.95) for d in (0.02, 0.05, 0.10, 0.20)]
        assert [f"{count:,}" for count in needed] == counts


def test_disparity_changes__swapped_ends_fail(monkeypatch):
    def outside(world):
        settings = {"rows": 2_000, "world": world}
        work = Work(f"disparity change {world} 2000", disparity_changes.changes, 60, settings)
        outcome = run([work], processes=1)[work.name]
        figures = disparity_changes._figures(world, disparity_changes.WORLDS[world], 2_000, outcome)
        return [figure.what for figure in figures if not figure.kept]

    honest = DisparityChange.ends
    assert outside("rise of 0.172") == []
    monkeypatch.setattr(DisparityChange, "ends", lambda self, level: tuple(-end for end in honest(self, level)[::-1]))
    assert outside("rise of 0.172") != []


def test_few_rows__harmless_changes_pass_with_30_percent_positives():
    outcome = run([Work("mini", family_wise.harmless, 2, {"prevalence": 0.3}, pieces=1)], processes=1)["mini"]
    assert {name: total for name, total in outcome.totals.items() if total} == {}
