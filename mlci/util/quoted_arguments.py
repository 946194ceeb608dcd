r"""Arguments in one line of text, such as a command to copy: quoted, and split into the same arguments again.

Arguments are separated by spaces. One with spaces is in double quotes, where ``\"`` stands for a quote and ``\\`` for a
backslash. Nothing is expanded. Characters that are not visible can't be part of a line.
"""

import re
import unicodedata
from collections.abc import Iterator

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ARGUMENT = re.compile(r'"((?:[^"\\]|\\["\\])*)"|([^"\\ ]+)')
_QUOTES = 'quotation marks have to be straight: "'
_HYPHENS = "options begin with two hyphens: --"
_TYPED = {
    "\N{LEFT DOUBLE QUOTATION MARK}": _QUOTES,
    "\N{RIGHT DOUBLE QUOTATION MARK}": _QUOTES,
    "\N{DOUBLE LOW-9 QUOTATION MARK}": _QUOTES,
    "\N{EN DASH}": _HYPHENS,
    "\N{EM DASH}": _HYPHENS,
}
"""Characters that editors put in the place of those that a line needs, with what to type."""


def find_hidden_character(text: str) -> str | None:
    """Return the first character that is not visible, such as a line break; ``None`` without one."""
    return next((char for char in text if unicodedata.category(char) in _HIDDEN), None)


def quote_argument(text: str) -> str | None:
    """Return an argument as it has to be typed; ``None`` if no line can contain it."""
    if not text or find_hidden_character(text) is not None:
        return None
    if all(char.isascii() and char not in ' "\\`' for char in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def split_arguments(line: str) -> Iterator[str]:
    """Yield the arguments of a line.

    Raises:
        ValueError: if the line is not one; the message is for the person who typed it.
    """
    if (char := find_hidden_character(line)) is not None:
        raise ValueError(f"the character U+{ord(char):04X}, which is not visible, can't be part of a command")
    at = 0
    while at < len(line):
        if line[at] == " ":
            at += 1
            continue
        found = _ARGUMENT.match(line, at)
        if found is None or line[found.end() : found.end() + 1] not in {"", " "}:
            raise ValueError("quotation marks (\") and backslashes can't be part of an argument without quotes")
        quoted, bare = found.groups()
        if (wrong := next((char for char in bare or "" if char in _TYPED), None)) is not None:
            raise ValueError(_TYPED[wrong])
        yield bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = found.end()
