"""Escaping of text from data in comments, HTML, links, terminals and workflow commands."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.report.text import escape
from mlci.report.text.escape import markdown, plain_text, shorten_markdown, visible
from mlci.report.text.markup import Markdown
from tests.support.rendered import Page

TOKENS = (
    *"|\\`*_~[](){}<>&@#:!$^-+=.\"' \t\n\r\x00\x1b\x7f0129abcdefgh",
    *("@octocat", "@org/team", "#12", "GH-12", "owner/repo#1", "user@a5c3785ed8d6a35868bc169f07e40e889087fd2e"),
    *("http://x.org", "https://x.org/a?b=c", "www.x.org", "ftp://x.org", "a@b.co", "mailto:a@b.co", "xmpp:a@b.co/c"),
    *("a_www.x.org", "a_GH-12", "a_mailto:a@b.co"),  # to GitHub an underscore ends a word
    *("[x](y)", "![x](y)", "[^1]", "[x]: y", "<b>", "</td>", "<!--", "-->", "<script>", "&amp;", "&#64;", "&copy;"),
    *(":tada:", ":+1:", "$x$", "$$", "```", "~~~", "1.", "2)", "- ", "# ", "> ", "| --- |", "===", "---", "***", "___"),
    *(
        "\u202e",
        "\u2066",
        "\u2069",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u2028",
        "\u2029",
        "\x85",
        "\u061c",
        "\u00a0",
        "\ud800",
    ),
    *("東京", "😀", "e\u0301", "\U000e0041", "\ufdd0", "::error::", "##[group]", "⟨U+202E⟩", "␣"),
)
NASTY = st.lists(st.sampled_from(TOKENS), max_size=12).map("".join) | st.text(max_size=30)


def visible_text(text):
    return shorten_markdown(visible(text), longest=120)


@given(NASTY, NASTY)
@settings(max_examples=80, deadline=None)
def test_markdown__table_cell(left, right):
    page = Page(f"| a | b | c |\n|:--|--:|:--|\n| {markdown(left)} | 1 | {markdown(right)} |\n| x | y | z |\n")
    assert page.tables == [[["a", "b", "c"], [visible_text(left), "1", visible_text(right)], ["x", "y", "z"]]]
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "span"}
    assert page.references() == []
    assert page.unclosed == []


@given(NASTY)
@settings(max_examples=80, deadline=None)
def test_markdown__paragraph(text):
    page = Page(f"before\n\n{markdown(text)}\n\nafter\n")
    assert [tag for tag in page.tags if tag != "span"] == ["p", "p", "p"]
    assert "".join(data for data, _ in page.nodes) == f"before\n{visible_text(text)}\nafter\n"
    assert page.references() == []


@given(NASTY)
@settings(max_examples=80, deadline=None)
def test_markdown__raw_html(text):
    page = Page(f"<details><summary>{markdown(text)}</summary>\n\n| a |\n|:--|\n| b |\n\n</details>\n")
    assert page.summaries == [visible_text(text)]
    assert page.tables == [[["a"], ["b"]]]
    assert page.references() == []


@given(NASTY)
@settings(deadline=None)
def test_link_text__text_and_address(text):
    page = Page(f"x {escape.link_text(markdown(text), 'https://x.org/(a)?b=1&copy=2#L3')} y")
    assert page.links == ["https://x.org/%28a%29?b=1&copy=2#L3"]


@given(NASTY)
@settings(deadline=None)
def test_encode_marker__cannot_end_the_html_comment(text):
    hidden = f"<!-- mlci id={escape.encode_marker(text)} -->"
    assert re.fullmatch(r"<!-- mlci id=[^\s<>]* -->", hidden)
    assert "--" not in hidden[4:-3]


@given(NASTY)
@settings(deadline=None)
def test_plain_text__no_terminal_or_workflow_command(text):
    written = plain_text(text)
    assert written.isprintable()
    assert "::" not in written
    assert "##[" not in written


@given(NASTY, NASTY)
@settings(deadline=None)
def test_visible__distinct_names_look_different(left, right):
    if left.replace("␣", " ") != right.replace("␣", " ") and not set("⟨␀␊␍␉␛␡(") & {*left, *right}:
        assert visible(left) != visible(right)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "(empty)"),
        (" a  b ", "␣a ␣b␣"),
        ("a\nb\x00\x1b[31m", "a␊b␀␛[31m"),
        ("\u202eexe.\u2066", "⟨U+202E⟩exe.⟨U+2066⟩"),
        ("a\u00adb\u200bc\ufeff", "a⟨U+00AD⟩b⟨U+200B⟩c⟨U+FEFF⟩"),
        ("東京 é 😀", "東京 é 😀"),
        ("\u3164\u2800", "⟨U+3164⟩⟨U+2800⟩"),
    ],
)
def test_visible__invisible_characters(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("recall_at_5", "recall_at_5"),
        ("18–25", "18–25"),
        ("a|b", "a&#124;b"),
        ("@octocat", "@<!-- -->octocat"),
        ("owner/repo#1", "owner/repo#<!-- -->1"),
        ("www.x.org", "www<!-- -->.x.org"),
        ("a_www.x.org_gh-7", "a&#95;www<!-- -->.x.org&#95;gh-<!-- -->7"),
        ("5 < 6 & 7", "5 &lt; 6 &amp; 7"),
        ("a $5", "a <span>$</span>5"),
        ("1. one", "1&#46; one"),
        ("- one", "&#45; one"),
        ("a5c3785ed8", "a5c378<!-- -->5ed8<!-- -->"),
    ],
)
def test_markdown__shortest_escapes(text, written):
    assert markdown(text) == written


def test_visible__overlong_name():
    assert visible(plain_text("x" * 300)) == "x" * 80 + "…" + "x" * 30 + " (300 characters)"


@pytest.mark.parametrize(
    "url", [None, "javascript:alert(1)", "data:text/html,x", "//x.org", "https://x.org\n", "https://[", "https:x"]
)
def test_link_text__invalid_address(url):
    assert escape.link_text(markdown("text"), url) == "text"


def test_markdown__unescaped_text_is_rejected():
    with pytest.raises(TypeError, match="not escaped"):
        Markdown().words("{}", "raw")
