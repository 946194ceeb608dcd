"""The cost of a report with very many gates: its table is rendered a few times only, and the result is the same."""

import pytest

from mlci.report import comment, layout
from mlci.report.comment import render_comment as write_comment
from mlci.report.comment import render_summary as write_summary
from tests.support.reports import a_report, failed, inconclusive, measured, passed

KINDS = {
    "failed": lambda i: failed("recall", region=f"r{i}", was=0.6, now=0.5, low=-0.2, high=-0.05, max_drop=0.01, line=i),
    "unsure": lambda i: inconclusive(
        "recall", region=f"日本{i}", was=0.58, now=0.57, low=-0.05, high=0.03, max_drop=0.01, rows_needed=900
    ),
    "passed": lambda i: passed("roc_auc", region=f"é{i}", was=0.87, now=0.88, low=-0.002, high=0.02, max_drop=0.01),
}


def many(rows, *kinds):
    """Gates of some kinds in turn, and half as many metrics of slices."""
    gates = [KINDS[kinds[i % len(kinds)]](i) for i in range(rows)]
    return a_report(gates=gates, metrics=[measured("recall", was=0.6, now=0.5) for _ in range(rows // 2)])


@pytest.fixture
def rendered_rows(monkeypatch):
    """Rows of tables that went through a template."""
    counted = []

    def counting(template, *, report, **values):
        tables = [report.attention, *(table for section in report.sections for table in section.tables)]
        counted.append(sum(len(table.rows) for table in tables if table))
        return REAL(template, report=report, **values)

    for module in (comment, comment):
        monkeypatch.setattr(module, "render_template", counting)
    return counted


REAL = comment.render_template


@pytest.mark.parametrize("write", [write_comment, write_summary])
@pytest.mark.parametrize("kind", KINDS)
def test_write_comment__few_renderings_of_many_rows(rendered_rows, write, kind):
    few, many_more = (many(rows, kind) for rows in (500, 1_000))
    budget = (comment.BUDGET if write is write_comment else comment.SUMMARY_BUDGET) // 4
    write(few, budget=budget)
    before = sum(rendered_rows)
    rendered_rows.clear()
    write(many_more, budget=budget)
    assert sum(rendered_rows) <= 1_000 * 11  # bisecting 1,000 rows takes 10 pages
    assert max(rendered_rows, default=0) <= 2_500
    if write is write_comment:
        assert sum(rendered_rows) <= before * 1.2 + 100  # what fits decides, not what there is


@pytest.mark.parametrize("kinds", [("failed",), ("unsure",), ("passed",), ("failed", "unsure"), tuple(KINDS)])
@pytest.mark.parametrize(("rows", "budget"), [(3, 5_000), (40, 5_000), (300, 5_000), (40, 60_000), (200, 24_000)])
def test_write_comment__same_bytes_as_without_the_shortcut(monkeypatch, kinds, rows, budget):
    report = many(rows, *kinds)
    quick = [write(report, budget=budget) for write in (write_comment, write_summary)]
    monkeypatch.setattr(layout, "_too_long", lambda *_: False)
    assert [write(report, budget=budget) for write in (write_comment, write_summary)] == quick
    assert all(len(text.encode()) <= budget for text in quick)


def test_write_comment__many_renderings_without_the_shortcut(monkeypatch, rendered_rows):
    monkeypatch.setattr(layout, "_too_long", lambda *_: False)
    write_comment(many(1_000, "failed"), budget=comment.BUDGET // 4)
    assert sum(rendered_rows) > 1_000 * 10
