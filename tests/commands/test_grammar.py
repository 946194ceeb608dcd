"""Grammar of `/mlci …` comments: every comment is a command, a refusal with a reason, or not ours."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.commands import grammar
from mlci.commands.grammar import (
    ExplainCommand,
    HelpCommand,
    MalformedCommand,
    PromoteCommand,
    RerunCommand,
    WaiveCommand,
    parse_command,
)
from mlci.util.quoted_arguments import quote_argument

SHA = "3f9c2ab4" * 5
WAIVE = f'/mlci waive recall.max_drop --until 2026-12-31 --reason "label noise in May" {SHA}'


def waive(**changed):
    facts = {"gate": "recall.max_drop", "until": "2026-12-31", "reason": "label noise in May", "head": SHA}
    return WaiveCommand(**facts | changed)


def why(text):
    found = parse_command(text)
    assert isinstance(found, MalformedCommand)
    return found.why


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WAIVE, waive()),
        (f"{WAIVE}\r\n\r\n", waive()),
        (f"/mlci  waive {SHA}x recall --reason r --until 2028-02-29".replace(f"{SHA}x", "f1"), None),
        (f'/mlci waive --reason "say \\"no\\" \\\\" --until 2028-02-29 f1.min {SHA}',
         waive(gate="f1.min", until="2028-02-29", reason='say "no" \\')),
        (f'/mlci waive "recall[city=São Paulo].min" --until 2026-12-31 --reason "a" {SHA}',
         waive(gate="recall[city=São Paulo].min", reason="a")),
        ("/mlci explain recall.max_drop", ExplainCommand(gate="recall.max_drop")),
        ("/mlci run", RerunCommand()),
        ("/mlci promote\n", PromoteCommand()),
        ("/mlci help", HelpCommand()),
        ("/mlci", HelpCommand()),
        ("/mlci \n", HelpCommand()),
    ],
)  # fmt: skip
def test_parse_command__command(text, expected):
    found = parse_command(text)
    assert isinstance(found, MalformedCommand) if expected is None else found == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "looks good to me",
        f"> {WAIVE}",
        f" {WAIVE}",
        f"    {WAIVE}",
        f"\n{WAIVE}",
        f"```\n{WAIVE}\n```",
        f"`{WAIVE}`",
        f"<!-- {WAIVE} -->",
        f"please: {WAIVE}",
        "/mlcitool waive",
        "/MLCI run",
        "/mlс run",  # a Cyrillic letter
        "/mlcі run",
        "\u200b/mlci run",
        "\ufeff/mlci run",
        "／mlci run",
        "/mlci\u00a0run",
    ],
)
def test_parse_command__not_a_command(text):
    assert parse_command(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/mlci approve", "does not exist"),
        ("/mlci RUN", "does not exist"),
        ("/mlci runn\u0456", "does not exist"),
        ("/mlci run now", "no arguments"),
        ("/mlci explain", "one gate"),
        ("/mlci explain a b", "one gate"),
        (f"{WAIVE}\n{WAIVE}", "only line"),
        (f"{WAIVE}\n/mlci promote", "only line"),
        (f"{WAIVE}\n\nthanks", "only line"),
        (f"{WAIVE}\r/mlci promote", "U+000D"),
        (f"{WAIVE}\x0b", "U+000B"),
        (f"{WAIVE}\u2028::set-output name=verdict::pass", "U+2028"),
        (WAIVE.replace("label", "\u202elabel"), "U+202E"),
        (WAIVE.replace("label", "la\u200bbel"), "U+200B"),
        (WAIVE.replace("label", "la\tbel"), "U+0009"),
        (WAIVE.replace("label", "la\x00bel"), "U+0000"),
        (WAIVE.replace("label", "la\x1b[31mbel"), "U+001B"),
        (WAIVE.replace('"', "\N{LEFT DOUBLE QUOTATION MARK}"), "straight"),
        (WAIVE.replace("--until", "\N{EM DASH}until"), "two hyphens"),
        (WAIVE.replace('noise in May"', "noise"), "quotation marks"),
        (WAIVE.replace('"label', '"label"'), "quotation marks"),
        (WAIVE.replace("label noise in May", "\\n"), "quotation marks"),
        (WAIVE.replace("recall.max_drop", "recall\\ max_drop"), "quotation marks"),
        (WAIVE.replace("label noise in May", ""), "--reason needs"),
        (WAIVE.replace("label noise in May", "…"), "--reason needs"),
        (WAIVE.replace("label noise in May", "x" * 501), "--reason needs"),
        (WAIVE.replace("2026-12-31", "2026-02-30"), "day of the calendar"),
        (WAIVE.replace("2026-12-31", "2027-02-29"), "day of the calendar"),
        (WAIVE.replace("2026-12-31", "YYYY-MM-DD"), "day of the calendar"),
        (WAIVE.replace("2026-12-31", "31.12.2026"), "day of the calendar"),
        (WAIVE.replace("2026-12-31", "2026-12-31T23:59:59+14:00"), "day of the calendar"),
        (WAIVE.replace("2026-12-31", "２026-12-31"), "day of the calendar"),
        (WAIVE.replace("2026-12-31", "0000-12-31"), "day of the calendar"),
        (WAIVE.replace(SHA, SHA[:12]), "whole SHA"),
        (WAIVE.replace(SHA, SHA.upper()), "whole SHA"),
        (WAIVE.replace(SHA, "HEAD"), "whole SHA"),
        (WAIVE.replace(f" {SHA}", ""), "a waiver needs"),
        (f"{WAIVE} {SHA}", "a waiver needs"),
        (f"{WAIVE} --until 2027-01-01", "each once"),
        (f"{WAIVE} --force yes", "each once"),
        (f"{WAIVE} --until", "each once"),
        (WAIVE.replace("recall.max_drop", "x" * 501), "gate's id"),
        (WAIVE.replace("recall.max_drop", '""'), "gate's id"),
        ("/mlci run" + " x" * 13, "at most 12 arguments"),
        ("/mlci explain " + "x" * 5_000, "at most 4,000 characters"),
    ],
)
def test_parse_command__malformed(text, reason):
    assert reason in why(text)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(min_size=1, max_size=40))
def test_parse_command__any_text(gate, reason):
    """An argument that can be quoted arrives as it was; nothing else ever arrives."""
    quoted, because = quote_argument(gate), quote_argument(reason)
    found = parse_command(f"/mlci waive {quoted} --until 2026-12-31 --reason {because} {SHA}")
    if quoted is None or because is None or not reason.strip(" .…") or gate.startswith("--"):
        assert not (isinstance(found, WaiveCommand) and (found.gate, found.reason) == (gate, reason))
    else:
        assert found == waive(gate=gate, reason=reason.strip())


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=' "\\-/mlciwaverun\n\r\t\u2028`', max_size=80))
def test_parse_command__arbitrary_text_after_the_mark(text):
    found = parse_command(f"/mlci {text}")
    assert found is not None
    assert not isinstance(found, WaiveCommand)


def test_usage__each_command():
    assert set(grammar.USAGE) == set(grammar._PARSERS)
