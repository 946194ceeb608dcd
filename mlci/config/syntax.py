"""Errors of YAML's syntax, in the reader's terms."""

import re

from ruamel.yaml.error import MarkedYAMLError

from mlci.config.paths import clip
from mlci.errors import yaml_value

_ENTRY = re.compile(r"""\s*(?:- )?([A-Za-z_]+): +([^\s"'\[{#].*?)\s*""")
_LONGEST = 100
_FOR_TEXT = ("mapping values", "expected the node", "alphabetic", "chomping", "URI", "expected '!'", "start any token")
"""Errors that a text without quotes causes."""

# What ruamel.yaml says, and what a person can do about it.
_SYNTAX = (
    ("mapping values are not allowed", "a `:` stands where no key can stand; check the indentation, or quote the text"),
    ("expected <block end>", "the indentation does not fit the lines above it"),
    ("expected '<document start>'", "this does not go on from the lines above it; check the indentation"),
    ("expected the node content", "a value is missing here, or needs quotes around it"),
    ("sequence entries are not allowed", "a `-` stands where no list entry can stand; check the indentation"),
    ("expected alphabetic or numeric", "a value that begins with `&`, `*` or `%` needs quotes around it"),
    ("chomping or indentation", "the text after `|` or `>` begins on the next line"),
    ("expected URI", "a value that begins with `!` needs quotes around it"),
    ("expected '!'", "a value that begins with `!` needs quotes around it"),
    ("unexpected end of stream", "a quote that opens here is never closed"),
    ("could not find expected ':'", "a key without `:`"),
    ("expected ',' or ']'", "the `[`{opened} is not closed by `]`, or a comma is missing"),
    ("expected ',' or '}'", "the `{{`{opened} is not closed by `}}`, or a comma is missing"),
    ("unknown escape character", "an unknown `\\` escape in double quotes; use single quotes"),
    ("that cannot start any token", "no value can begin with this character; put quotes around it"),
)


def explain(error: MarkedYAMLError, text: str) -> tuple[str, int]:
    """Return words and line for a syntax error, in the reader's terms where they are known."""
    mark = error.problem_mark or error.context_mark
    lines = text.split("\n")
    line = min(int(mark.line) + 1 if mark else 1, len(lines))
    said = str(error.problem or error.context or "")
    if "unexpected end of stream" in said and error.context_mark:
        line = min(int(error.context_mark.line) + 1, len(lines))
    if "'\\t'" in said or re.match(r" *\t", lines[line - 1]):
        return "a tab stands where YAML wants spaces", line
    words = next((words for key, words in _SYNTAX if key in said), None)
    if words is None:
        return f"this is not valid YAML: {clip(said)}", line
    first = int(error.context_mark.line) + 1 if error.context_mark else line
    remedy = quote(lines[line - 1]) if any(key in said for key in _FOR_TEXT) else ""
    return words.format(opened=f" of line {first}" if first != line else "") + remedy, line


def quote(line: str) -> str:
    """Return a key's line with its value in quotes, as the remedy of an error; empty if it is not a key with a text."""
    found = _ENTRY.fullmatch(line)
    if found is None or len(found[2]) > _LONGEST:
        return ""
    return f"; as text: `{found[1]}: {yaml_value(found[2])}`"
