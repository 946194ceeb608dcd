"""Findings in words: worse or better, wider or narrower, and by levelling down."""

import pytest

from mlci.report.comment import render_comment
from mlci.report.sections.metrics import movement
from tests.support.rendered import Page
from tests.support.reports import a_report, group, measured, passed, spread

AGE_BANDS = {
    "18–24": (0.891, 0.733),
    "25–34": (0.566, 0.610),
    "35–44": (0.541, 0.593),
    "45–54": (0.519, 0.546),
    "55–64": (0.492, 0.503),
    "65+": (0.500, 0.524),
}


@pytest.mark.parametrize(
    ("metric", "ends", "word"),
    [
        ("recall", (-0.016, 0.010), "no clear change"),
        ("roc_auc", (-0.0112, -0.0029), "worse"),
        ("roc_auc", (0.0029, 0.0112), "better"),
        ("brier_score_loss", (0.0016, 0.0046), "worse"),
        ("brier_score_loss", (-0.0046, -0.0016), "better"),
        ("selection_rate", (0.01, 0.02), "changed"),
        ("recall", (0.0, 0.0), "no clear change"),
        ("recall", None, None),
    ],
)
def test_movement__clear_if_the_interval_excludes_zero(metric, ends, word):
    assert movement(measured(metric, was=0.5, now=0.5, moved=ends)) == word


def section_of(row):
    gate = passed(row.metric, across=row.across, was=row.baseline, now=row.candidate, low=0.1, high=0.4, max=0.5)
    page = Page(render_comment(a_report(gates=[gate], disparities=[row])))
    return page.summaries[1], "".join(text for text, _ in page.nodes)


def test_disparity__narrows_by_levelling_down():
    groups = [group(name, 300, was=was, now=now) for name, (was, now) in AGE_BANDS.items()]
    row = spread("recall_difference", "age_band", was=0.399, now=0.230, moved=(-0.257, 0.095), groups=groups)
    title, text = section_of(row)
    assert title == (
        "Recall difference across age_band: narrowed, 0.399 → 0.230, without a clear change; "
        "the best-served group got worse"
    )
    assert (
        "because the best-served group got worse: 18–24 fell by 0.158, while 55–64, the lowest before, moved by +0.011."
    ) in text


@pytest.mark.parametrize(
    ("metric", "values", "ends", "title"),
    [
        ("recall_difference", {"F": (0.9, 0.9), "M": (0.6, 0.8)}, (0.3, 0.1), "narrowed, 0.300 → 0.100"),
        ("recall_difference", {"F": (0.9, 0.8), "M": (0.6, 0.75)}, (0.3, 0.05), "narrowed, 0.300 → 0.050"),
        ("recall_difference", {"F": (0.9, 0.8), "M": (0.6, 0.4)}, (0.3, 0.4), "widened, 0.300 → 0.400"),
        ("recall_ratio", {"F": (0.8, 0.8), "M": (0.4, 0.6)}, (0.5, 0.75), "narrowed, 0.500 → 0.750"),
        ("recall_ratio", {"F": (0.8, 0.8), "M": (0.6, 0.4)}, (0.75, 0.5), "widened, 0.750 → 0.500"),
        ("false_positive_rate_difference", {"F": (0.5, 0.3), "M": (0.1, 0.1)}, (0.4, 0.2), "narrowed, 0.400 → 0.200"),
        ("recall_difference", {"F": (0.9, 0.8), "M": (0.8, 0.7)}, (0.1, 0.1), "unchanged, 0.100 → 0.100"),
        ("recall_difference", {"F": (0.9, 0.8), "M": (0.8, 0.7)}, (0.1, 0.1001), "about the same, 0.100 → 0.100"),
    ],
)
def test_disparity__does_not_level_down(metric, values, ends, title):
    groups = [group(name, 300, was=was, now=now) for name, (was, now) in values.items()]
    found, text = section_of(spread(metric, "sex", was=ends[0], now=ends[1], groups=groups))
    assert found.endswith(f" across sex: {title}")
    assert "best-served" not in text


def test_main_metrics__gated_and_usual_ones():
    names = ("selection_rate", "recall", "jaccard", "roc_auc", "npv")
    metrics = [measured(name, was=0.5, now=0.5, moved=(-0.1, 0.1)) for name in names]
    gate = passed("selection_rate", was=0.5, now=0.5, max=0.6)
    page = Page(render_comment(a_report(gates=[gate], metrics=metrics)))
    assert [cells[0] for cells in page.tables[-1]] == ["Metric", "Selection rate", "ROC AUC", "Recall"]
    assert "All 5 metrics are in the job summary." in "".join(text for text, _ in page.nodes)
