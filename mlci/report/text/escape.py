"""Escaping of untrusted text for Markdown, HTML comments, terminals and logs.

Three steps, each of its own: :func:`visible` shows what can't be seen, :func:`markdown` takes away every meaning that
GitHub gives to characters, :func:`plain` does the same for terminals and the runner's log.

Facts this rests on:

* GitHub links mentions, issues, commits and emoji *after* Markdown, on the text nodes of the HTML. A backslash or an
  entity (``&#64;``) is gone by then and the mention is made (github/cmark-gfm issues 181 and 389). An empty comment
  splits the node, so that ``@<!-- -->name`` stays text; it is in use for this in openjdk/skara (pull request 1045).
  Unlike a zero-width space it leaves nothing behind when a name is copied from the report into ``mlci.yml``.
* Entities never act as Markdown (CommonMark 0.31, "Entity and numeric character references"), neither as a table's
  ``|``, and they mean the same inside raw HTML such as ``<summary>``, where Markdown is not read at all.
* Dollar signs start formulas; outside of one ``<span>$</span>`` is GitHub's documented way to write one ("Writing
  mathematical expressions").
* The runner reads ``::command::`` at the start of a line, after any white space, and ``##[command]`` anywhere.
"""

import re
import unicodedata
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

_SPLIT = "<!-- -->"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "<span>$</span>"} | {
    char: f"&#{ord(char)};" for char in "|\\`*[]~^{}"
}
_MARKUP = re.compile("[" + re.escape("".join(_ENTITIES)) + "]")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_LEADING = re.compile(r"^(?:[#+=:_-]|\d+[.)])")
_BREAKS = re.compile(
    r"(?:@(?=\S)|\#(?=\w)|(?<![^\W_])(?:gh-(?=\d)|www(?=\.)|(?:mailto|xmpp)(?=:))|:(?=//)|:(?=:)|:(?=[\w+-]+:)"
    r"|(?<![0-9a-z])[0-9a-f]{7,}(?![0-9a-z]))",
    re.IGNORECASE,
)
_COMMANDS = re.compile(r":(?=:)|\#(?=\#\[)")
_BLANK = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0} | set(range(0x180B, 0x1810))
_SELECTORS = (range(0xFE00, 0xFE0E), range(0xE0100, 0xE01F0))
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_LONGEST = 120
_LONGEST_MARK = 300
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?(/.*)?\Z")


class Md(str):
    """Markdown that is safe to stand in a report; templates refuse to print any other text."""

    __slots__ = ()


def visible(text: str) -> str:
    """Show every character that has no picture of its own, so that two names that differ look different.

    Control characters become their Unicode picture (``␊``), bidirectional and zero-width ones, separators and code
    points without a character ``⟨U+202E⟩``; leading, trailing and repeated spaces ``␣``; an empty text ``(empty)``.
    """
    if not text:
        return "(empty)"
    if _PLAIN.fullmatch(text):
        return text
    shown = "".join(_shown(char) for char in text)
    return re.sub(r"^ +| +$|(?<= ) +", lambda spaces: "␣" * len(spaces[0]), shown)


@lru_cache(maxsize=8192)  # the same few names stand in many rows
def markdown(text: str, *, longest: int = _LONGEST) -> Md:
    """Escape a text for a Markdown paragraph, a table cell or raw HTML text; it renders as :func:`visible` shows it."""
    short = shorten_markdown(visible(text), longest=longest)
    pieces, last = [], 0
    for match in _BREAKS.finditer(short):
        pieces += [_entities(short[last : match.start()], first=last == 0), _split(match[0])]
        last = match.end()
    return Md("".join([*pieces, _entities(short[last:], first=last == 0)]))


def plain_text(text: str, *, longest: int = _LONGEST) -> str:
    """Make a text harmless on a terminal and in a workflow's log: nothing hidden, no escape codes, no commands."""
    return without_commands(shorten_markdown(visible(text), longest=longest))


def without_commands(text: str) -> str:
    """Take ``::command::`` and ``##[command]`` apart by a space that can be seen."""
    return _COMMANDS.sub(lambda match: match[0] + " ", text)


def shorten_markdown(text: str, *, longest: int) -> str:
    """Leave out the middle of an overlong name and say how long it was."""
    if len(text) <= longest:
        return text
    return f"{text[: longest * 2 // 3]}…{text[-(longest // 4) :]} ({len(text):,} characters)"


def number_text(text: str) -> Md:
    """Escape a formatted number: of its characters only ``<`` and ``>`` have a meaning in Markdown."""
    return Md(text.replace("<", "&lt;").replace(">", "&gt;"))


def link_text(text: Md, url: str | None) -> Md:
    """Link a safe text, or leave it plain where the address is not plain ``http`` or ``https``."""
    address = web_address(url)
    return text if address is None else Md(f"[{text}]({address.replace('&', '&amp;')})")


def web_address(url: str | None) -> str | None:
    """Quote an ``http`` or ``https`` address; ``None`` for anything else."""
    if url is None or not _ADDRESS.match(url):
        return None
    return quote(url, safe="/:?#=&@%+,;~._-")


def encode_marker(text: str) -> str:
    """Encode a text for a hidden comment: no white space, no ``--`` and no ``>`` survive; an overlong one is hashed."""
    encoded = quote(text, safe="", errors="replace").replace("--", "-%2D")
    return encoded if len(encoded) <= _LONGEST_MARK else f"sha256:{sha256(text.encode(errors='replace')).hexdigest()}"


def _shown(char: str) -> str:
    code = ord(char)
    if char == " " or (char > " " and char < "\x7f"):
        return char
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    hidden = unicodedata.category(char) in _HIDDEN or code in _BLANK or any(code in part for part in _SELECTORS)
    return f"⟨U+{code:04X}⟩" if hidden else char


def _entities(text: str, *, first: bool) -> str:
    if first and (lead := _LEADING.match(text)):
        head = f"{lead[0][:-1]}&#{ord(lead[0][-1])};"
        return head + _entities(text[lead.end() :], first=False)
    escaped = _MARKUP.sub(lambda match: _ENTITIES[match[0]], text)
    return _UNDERSCORE.sub("&#95;", escaped)


def _split(match: str) -> str:
    """Put an empty comment after the match, and after every sixth digit of what could be a commit."""
    if len(match) < 7:
        return match + _SPLIT
    return _SPLIT.join(match[start : start + 6] for start in range(0, len(match), 6)) + _SPLIT
