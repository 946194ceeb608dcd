"""Reasons for missing values in comment, summary and terminal, with the remedy."""

import pytest

from mlci.report.comment import render_comment
from mlci.report.render import render_all
from tests.support.reports import a_report, broken, inconclusive

NOTHING = {"was": 0.5, "max_drop": 0.01}


def step(report):
    return next(text for text in render_comment(report).splitlines() if text.startswith("**Next:** "))


@pytest.mark.parametrize(
    ("row", "state", "cell", "next_step"),
    [
        (
            inconclusive("recall", why="labels", reason="too few rows: no labelled positives; 3 are needed", **NOTHING),
            "inconclusive",
            "no labelled positives; 3 are needed",
            "label rows of the kind that is missing",
        ),
        (
            inconclusive("precision", why="undefined_for_both", reason="undefined for both models: 0/0", **NOTHING),
            "inconclusive",
            "undefined for both models: 0/0",
            "use a metric that both models have",
        ),
        (
            inconclusive("precision", why="undefined_for_baseline", reason="only the baseline is undefined", **NOTHING),
            "inconclusive",
            "only the baseline is undefined",
            "use a metric that the baseline has",
        ),
        (
            broken(
                "precision", why="undefined_for_candidate", reason="0/0: no row here is in the denominator", **NOTHING
            ),
            "error",
            "0/0: no row here is in the denominator",
            "look at the candidate's predictions",
        ),
        (
            broken("recall", why="unknown_name", reason="no class is called 'C'; there are a, b", **NOTHING),
            "error",
            "no class is called 'C'; there are a, b",
            "correct the name in the gate in error",
        ),
    ],
)
def test_missing_value__explained_everywhere(row, state, cell, next_step):
    report = a_report(gates=[row])
    assert next_step in step(report)
    for name, text in render_all(report).items():
        flat = " ".join(text.replace("&#x27;", "'").replace("&#39;", "'").split())
        if name.endswith(".md"):
            assert f" {state}" in flat, name
            assert cell in flat, name


def test_too_few_rows__counted_once():
    short = "too few rows: 1 labelled positive; 3 are needed"
    counted = {"rows_needed": 3, "rows_needed_of": "labelled positives"}
    row = inconclusive(
        "roc_auc", why="too_few_carriers", reason=short, low=-0.9, high=0.4, now=0.3, **counted, **NOTHING
    )
    report = a_report(gates=[row])
    assert step(report) == (
        "**Next:** add rows to the evaluation set to decide 1 inconclusive gate, or merge with that doubt; "
        "it is in `mlci.yml`."
    )
    assert "**ROC AUC is inconclusive.** Too few rows: 1 labelled positive; 3 are needed." in render_comment(report)
    assert "3 are needed; needs" not in render_comment(report)
