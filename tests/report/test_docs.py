import re
from pathlib import Path

from cases import mixed
from rendered import Page

from mlci.report.comment import BUDGET, CHECK_BUDGET, SUMMARY_BUDGET, render_comment
from mlci.report.terminal import render_terminal
from mlci.report.text.labels import STATES, TOO_FEW, VERDICTS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "read-a-report.md").read_text(encoding="utf-8")


def test_every_state_is_explained_and_no_other():
    explained = {(row[0], row[1]) for row in Page(TEXT).tables[0][1:]}
    assert explained == {(state.glyph, state.word) for outcome, state in STATES.items() if outcome != "waived"} | {
        ("🟡", TOO_FEW)
    }
    assert all(state.glyph in TEXT for state in VERDICTS.values())


def test_rows_that_are_shown_are_rows_of_a_real_comment():
    section = TEXT.partition("## A row")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert set(rows) <= set(render_comment(mixed()).splitlines())


def test_bar_that_is_shown_is_one_of_a_real_terminal():
    (shown,) = re.findall(r"^```\n(.*?)^```", TEXT.partition("## On a terminal")[2], re.DOTALL | re.MULTILINE)
    assert shown in render_terminal(mixed())


def test_budgets_are_the_codes():
    assert all(f"{budget:,}" in TEXT for budget in (BUDGET, CHECK_BUDGET, SUMMARY_BUDGET))
