"""The terminal report: width, colour, wide characters and length."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.report.terminal import render_terminal
from mlci.report.text import terminal_layout
from tests.support.report_cases import GOLDEN, enormous, mixed
from tests.support.reports import a_report, failed, measured

DROP = {"was": 0.581, "now": 0.550, "low": -0.042, "high": -0.020, "max_drop": 0.010}
NAMES = st.text(st.sampled_from("ab :東京😀e\u0301\x1b\r\n\t[31m#|\u202e\u200b"), max_size=40)


@pytest.mark.parametrize("width", [50, 60, 72, 80, 100, 120, 200])
@pytest.mark.parametrize("name", GOLDEN)
def test_terminal__width(name, width):
    for details in (False, True):
        lines = render_terminal(GOLDEN[name](), width=width, details=details).split("\n")
        assert max(terminal_layout.text_width(line) for line in lines) <= min(width, 90)


@pytest.mark.parametrize("name", GOLDEN)
def test_terminal__no_colour(name):
    text = render_terminal(GOLDEN[name]())
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.endswith("\n")
    assert not re.search(r"::|##\[", text)


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("width", [60, 120])
def test_terminal__colour_adds_codes_only(name, width):
    report = GOLDEN[name]()
    painted = render_terminal(report, colour=True, width=width)
    codes = re.findall(r"\x1b\[(\d+)m([^\x1b]*)\x1b\[0m", painted)
    assert re.sub(r"\x1b\[\d+m", "", painted) == render_terminal(report, width=width)
    assert len(codes) >= 1 + sum(row.outcome != "passed" for row in report.gates)


@given(NAMES, NAMES, st.integers(44, 130))
@settings(max_examples=60, deadline=None)
def test_terminal__hostile_and_wide_names(name, group, width):
    report = a_report(
        model=name or "m",
        gates=[failed("recall", scope={"slice": name, "group": group}, **DROP)] * 2,
        metrics=[measured("recall", was=0.5, now=0.4, rows=10, slice=name, group=group)],
        notes=(name,),
    )
    text = render_terminal(report, width=width)
    assert all(line.isprintable() for line in text.split("\n"))
    assert max(terminal_layout.text_width(line) for line in text.split("\n")) <= width
    assert not re.search(r"^\s*::|##\[", text, re.MULTILINE)


def test_terminal__numbers_are_never_cut():
    for width in (44, 60, 80, 120):
        text = render_terminal(a_report(gates=[failed("recall", **DROP)]), width=width)
        assert all(part in text for part in ("0.581 → 0.550", "−0.031 (−0.042 to −0.020)", "may fall by 0.010"))


def test_text_grid__wide_characters():
    text = terminal_layout.text_grid(
        ["name", "n"], [["東京😀", "1"], ["e\u0301tat", "22"], ["plain", "333"]], [False, True]
    )
    assert text.split("\n") == ["name      n", "------  ---", "東京😀    1", "e\u0301tat     22", "plain   333"]


def test_terminal__long_reports_are_shortened():
    text = render_terminal(enormous(), details=True)
    assert text.count("✗ Recall") == 200
    assert "and 2,800 more not passed" in text
    assert "and 2,900 more rows" in text


def test_terminal__verdict_and_next_step_at_the_end():
    blocks = render_terminal(mixed()).rstrip().split("\n\n")
    assert [block.split("\n")[0] for block in blocks[:3]] == [
        "✗ Recall  failed",
        "? Equalized odds difference across age  inconclusive",
        "✓ 8 passed: ROC AUC; F1; Brier score; Prediction time per 1,000 rows; Demographic parity",
    ]
    assert blocks[-1].split("\n") == [
        "✗ credit-risk: blocked, 1 of 10 gates failed",
        "  Recall fell from 0.581 to 0.550; it may fall by at most 0.010.",
        "Next: recover it, or have an owner approve another limit in mlci.yml, line 31.",
    ]


def test_terminal__all_numbers_with_details():
    short, long = (render_terminal(mixed(), details=details) for details in (False, True))
    assert long.endswith(short)
    for title in ("Metrics on the whole set: 5", "Recall by region: fell", "What changed: code", "Accuracy by region"):
        assert title in long
        assert title not in short


@given(st.text(st.sampled_from("ab 東😀\u0301"), max_size=60), st.integers(2, 20))
def test_wrap_text__keeps_every_character(text, room):
    lines = terminal_layout.wrap_text(text, room)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(terminal_layout.text_width(line) <= room for line in lines)
