"""Sanitizing lines of a command, so that the runner executes none of them."""

import functools
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlci.execution.sanitize import LONGEST, SHOWN, LineSplitter, sanitize


@functools.cache
def ignored():
    """Return what .NET's TrimStart trims (Char.IsWhiteSpace), plus what a comparison by culture skips."""
    return "".join(
        char
        for char in map(chr, range(0x110000))
        if char.isspace()
        or unicodedata.category(char) in {"Cf", "Mn", "Me", "Cc"}
        or char in "\u115f\u1160\u3164\uffa0\u034f"
    )


def is_command(line: str) -> bool:
    """Return true if actions/runner could execute the line: ActionCommand.TryParseV2 and TryParse, read widely."""
    skipped = ignored()
    bare = "".join(char for char in line if char not in skipped or char.isspace())
    return bare.lstrip().startswith("::") or "##[" in bare


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("epoch 1  loss 0.25", "epoch 1  loss 0.25"),
        ("::set-output name=verdict::pass", ": :set-output name=verdict::pass"),
        ("\u2003\u00a0::add-path::/evil", "\u2003\u00a0: :add-path::/evil"),
        (":::x::", ": ::x::"),
        ("text ##[set-env name=A]b", "text ## [set-env name=A]b"),
        ("###[x]", "### [x]"),
        ("#\x1b[0m#[x]y", "## [x]y"),
        ("\x1b[31m::error::\x1b[0mred", ": :error::red"),
        ("\u200b::set-env name=A::b", ": :set-env name=A::b"),
        ("#\u00ad#[group]x", "## [group]x"),
        (":\u200d:debug::x", ": :debug::x"),
        ("a\x00b\x07c", "a\ufffdb\ufffdc"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jcleared", "cleared"),
        ("\x1b", "\ufffd"),
        ("one\u2028::error::two", "one\ufffd::error::two"),
        ("abc\u202edcba", "abc\ufffddcba"),
        ("f(a::b)", "f(a::b)"),
        ("tab\tstays", "tab\tstays"),
        ("größe 3 µm — 家 👩‍👩‍👧", "größe 3 µm — 家 👩‍👩‍👧"),
    ],
)
def test_sanitize__workflow_commands(raw, clean):
    assert sanitize(raw) == clean
    assert not is_command(clean)


def test_sanitize__long_line():
    assert sanitize("x" * (SHOWN + 1234)) == "x" * SHOWN + "… [1,234 more characters]"


@settings(deadline=None)
@given(
    st.text(
        alphabet=st.one_of(st.sampled_from(":#[]\x1b\r\x0b\x85\u200b\u00ad\u0300 \u2003m0"), st.characters()),
        max_size=40,
    )
)
@example("\u0300::x::")
def test_sanitize__any_text(text):
    clean = sanitize(text)
    assert not is_command(clean)
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]", clean)


def lines(chunks):
    splitter = LineSplitter()
    found = [line for chunk in chunks for line in splitter.feed(chunk)]
    return [line.text() for line in ([*found, splitter.take()] if splitter.pending else found)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"a\nb\r\n\nc", ["a", "b", "", "c"]),
        (b" 10%\r 50%\r100%\n", ["100%"]),
        (b"\r 10%\r 50%\r100%\r\nend\n", ["100%", "end"]),
        (b"10%\r\r\n", ["10%"]),
        (b"first\r::error::x\n", [": :error::x"]),
        (b"\xff\xfe\x00ok\n", ["\ufffd\ufffd\ufffdok"]),
    ],
)
def test_line_splitter__any_chunks(stream, expected):
    assert lines([stream]) == expected
    assert lines([stream[at : at + 1] for at in range(len(stream))]) == expected


def test_line_splitter__line_without_an_end():
    splitter = LineSplitter()
    for _ in range(100):
        assert list(splitter.feed(b"y" * 65_536)) == []
    assert len(splitter.peek().data) == LONGEST
    assert splitter.take().text().endswith(f" [{6_553_600 - LONGEST:,} more bytes]")
