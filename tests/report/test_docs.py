"""The page on reports against the renderers."""

import re
from pathlib import Path

from mlci.report.comment import BUDGET, SUMMARY_BUDGET, render_comment
from mlci.report.terminal import render_terminal
from mlci.report.text.labels import STATES, TOO_FEW, VERDICTS
from tests.support.rendered import Page
from tests.support.report_cases import mixed

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "gates" / "read-a-report.md").read_text(encoding="utf-8")


def test_page__explains_every_state():
    explained = {(row[0], row[1]) for row in Page(TEXT).tables[0][1:]}
    assert explained == {(state.glyph, state.word) for state in STATES.values()} | {("🟡", TOO_FEW)}
    assert all(state.glyph in TEXT for state in VERDICTS.values())


def test_page__rows_of_a_real_comment():
    section = TEXT.partition("## A row")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert set(rows) <= set(render_comment(mixed()).splitlines())


def test_page__bar_of_a_real_terminal():
    (bar,) = re.findall(r"^```\n(.*?)^```", TEXT.partition("## On a terminal")[2], re.DOTALL | re.MULTILINE)
    assert bar in render_terminal(mixed())


def test_page__size_limits():
    assert all(f"{budget:,}" in TEXT for budget in (BUDGET, SUMMARY_BUDGET))
