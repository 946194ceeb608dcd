"""The lineage as a sentence, and trends as bars."""

import pytest

from mlci.report.comment import render_comment
from mlci.report.sections.history import lineage_sentence, trend_bars
from tests.support.rendered import Page
from tests.support.reports import BASE, HEAD, a_report, differs, history, lineage, measured, passed, same

UNKNOWN = differs("data", None, None, changed=None, reason="no DVC or LFS pointers name it")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([differs("code", BASE, HEAD), differs("model", "1", "2")], "nothing but the code"),
        ([differs("code", BASE, HEAD), UNKNOWN], "nothing but the code (not known: training data)"),
        ([differs("code", BASE, HEAD), differs("environment", "1", "2")], "code and environment"),
        ([same("code", HEAD), same("model", "1")], "nothing"),
        ([same("code", HEAD), UNKNOWN], "nothing (not known: training data)"),
        (
            [same("code", HEAD), differs("model", "1", "2")],
            "nothing but the model itself; it was trained again and came out different",
        ),
    ],
)
def test_lineage_sentence__kinds_of_change(rows, said):
    assert lineage_sentence(lineage(*rows)) == f"What changed: {said}"


@pytest.mark.parametrize(
    ("row", "now", "drawn"),
    [
        (history("f1", 0.1, 0.2, 0.3), 0.4, "▁▃▆█"),
        (history("f1", 0.3, 0.1), None, "█▁"),
        (history("f1", 0.5, 0.5), 0.5, "▄▄▄"),
        (history("f1", 0.1, 0.2, 0.3, other_rows=1), 0.4, "▁┊▃▆█"),
        (history("f1", 0.1, 0.2, other_rows=2), 0.1, "▁█┊▁"),
        (history("f1", -1.7e308, 0.0), 1.7e308, "▁▅█"),
        (history("f1", 0.0, 5e-324), None, "▄▄"),
    ],
)
def test_trend_bars__values(row, now, drawn):
    assert trend_bars(row, now) == drawn


def test_trend__names_its_numbers():
    report = a_report(
        gates=[passed("recall", was=0.58, now=0.59, min=0.5, line=3)],
        metrics=[measured("recall", was=0.58, now=0.59)],
        trend=(history("recall", 0.56, 0.57, 0.58, first=4),),
    )
    page = Page(render_comment(report))
    assert "Trend: Recall rose over versions 4 to 6 and rises with this candidate" in page.summaries
    assert any("Recall" in row and "0.560 → 0.580 → 0.590" in row for table in page.tables for row in table)


@pytest.mark.parametrize(
    ("past", "now", "title"),
    [
        (history("recall", 0.5, 0.6), 0.55, "Trend: Recall rose over versions 1 to 2 and falls with this candidate"),
        (history("recall", 0.6, 0.5), None, "Trend: Recall fell over versions 1 to 2"),
        (
            history("recall", 0.1, 0.5, 0.5000001, other_rows=1),
            0.50000011,
            "Trend: Recall stayed the same over versions 2 to 3 and stays the same with this candidate",
        ),
        (history("recall", 0.1, 0.5, other_rows=1), 0.6, "Trend over versions 1 to 2"),
    ],
)
def test_title_of_a_trend__compares_versions_on_the_same_rows(past, now, title):
    metrics = [measured("recall", was=0.5, now=now)] if now is not None else []
    gates = [passed("recall", was=0.58, now=0.59, min=0.5, line=3)]
    assert title in Page(render_comment(a_report(gates=gates, metrics=metrics, trend=(past,)))).summaries
