"""The benchmark of functions of rows: figures of a small run, targets, and the section of one title."""

import numpy as np
import pytest

from benchmarks.characteristics import report
from benchmarks.characteristics.draws import binary
from benchmarks.characteristics.figures import Section
from benchmarks.characteristics.row_functions import auc, decision_truth, draw_decisions, draw_scores, f2
from benchmarks.cost.process import Usage
from benchmarks.functions import measure, page

POPULATION = binary(prevalence=0.4, positives=(0.70, 0.05, 0.05), negatives=(0.88, 0.03, 0.025))


def figures(**cpu):
    ours = {name: Usage(wall=9.0, cpu=seconds, peak=2**28) for name, seconds in cpu.items()}
    return measure.Figures(1_000_000, 27, ours, {"decisions": 700.0, "scores": 4_000.0})


def test_section__targets_on_processor_seconds(monkeypatch):
    monkeypatch.setattr(page, "_processors", lambda: 2)
    found = figures(decisions=4.0, scores=1_100.0)
    assert "| 9 | 1,100 | 550 | ≤ 600 | yes | 256 | 4,000 |" in page.section(found)
    assert page.list_misses(found) == []
    [missed] = page.list_misses(figures(decisions=5.5, scores=100.0))
    assert missed == "missed: `fbeta_score`, decisions: cell jackknife: 5.5 s, target 5 s"


def test_draws__value_and_truth_of_the_functions():
    drawn = draw_decisions(POPULATION, {"f2": f2})(np.random.default_rng(3), 400).replicates["f2"]
    truth, change = decision_truth(POPULATION, {"f2": f2})("f2", 400)
    assert drawn.candidate == pytest.approx(truth, abs=0.15)
    assert drawn.candidate - drawn.baseline == pytest.approx(change, abs=0.15)
    assert drawn.counts.sum() == 400
    area = draw_scores(np.random.default_rng(3), 60).replicates["area"]
    assert (area.candidate_draws.shape, area.method) == ((60,), "group jackknife")
    assert auc(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4])) == 0.75


def test_write_part__one_section_alone(tmp_path):
    place = tmp_path / "page.md"
    place.write_text(
        f"# Page\n\n{report.BEGIN}\n\n## All\n\n### One\n\nold\n\n### Two\n\n2\n\n3 of 3.\n\n{report.END}\n"
    )
    report.write_part(Section(title="One", lead="new", figures=()), place)
    report.write_part(Section(title="Three", lead="3", figures=()), place)
    text = place.read_text()
    assert (
        text.split(report.BEGIN)[1]
        == f"\n\n## All\n\n### One\n\nnew\n\n### Two\n\n2\n\n### Three\n\n3\n\n3 of 3.\n\n{report.END}\n"
    )
