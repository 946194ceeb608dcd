import re
from pathlib import Path

from cases import mixed
from rendered import Page

from mlci.report.comment import BUDGET, CHECK_BUDGET, SUMMARY_BUDGET, render_comment
from mlci.report.text.labels import STATES, TOO_FEW, VERDICTS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "read-a-report.md").read_text(encoding="utf-8")


def test_every_state_is_explained_and_no_other():
    explained = {(row[0], row[1]) for row in Page(TEXT).tables[0][1:]}
    assert explained == {(state.glyph, state.word) for outcome, state in STATES.items() if outcome != "waived"} | {
        ("🟡", TOO_FEW)
    }
    assert all(state.glyph in TEXT for state in VERDICTS.values())


def test_rows_that_are_shown_are_rows_of_a_real_comment():
    rows = [line for line in TEXT.splitlines() if re.match(r"\| [❌✅🟡] (failed|passed|inconclusive) \|", line)]
    assert len(rows) == 3
    assert set(rows) <= set(render_comment(mixed()).splitlines())


def test_budgets_are_the_codes():
    assert all(f"{budget:,}" in TEXT for budget in (BUDGET, CHECK_BUDGET, SUMMARY_BUDGET))
