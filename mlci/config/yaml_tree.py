"""YAML reader: plain data with a line number for every key, and readable syntax errors.

The parser's events are read one by one, so that depth, size and aliases are bounded before any object is built.

``yes`` and ``2024-01-01`` are text, ``0o14`` is 12.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from mlci.config.types import Path, clip_text, dotted
from mlci.errors import Problem, refuse_directive, yaml_directive, yaml_value
from mlci.util.bounds import CONFIG_DEPTH, CONFIG_VALUES

# Characters outside YAML 1.2's printable set (chapter 5.1), and line breaks of YAML 1.1 only: with them the parser
# would count lines differently from an editor, and an error would point at the wrong line.
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
DEEPEST = CONFIG_DEPTH.value
_LABELS = {"positive", "classes", "reference", "key", "label", "score", "decision", "slices", "column"}
"""Keys whose values occur in the user's data."""
_LONGEST = 100
MOST_NODES = CONFIG_VALUES.value


@dataclass
class YamlTree:
    """Content of a YAML file, with lines and problems.

    Attributes:
        data: Mappings, lists, text, numbers and booleans.
        lines: Line of every key and list entry, counted from 1.
        problems: Problems found while reading.
        bad: Paths of refused values, which need no further problem.
        faulty: Paths that problems are about, refused or not.
        whole: Whether the file was read to its end.
    """

    path: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    bad: set[Path] = field(default_factory=set)
    faulty: set[Path] = field(default_factory=set)
    whole: bool = False

    def refused(self, where: Path) -> bool:
        """Return whether the value at a path, or a value around it, was refused."""
        return any(where[:end] in self.bad for end in range(len(where) + 1))

    def refuse(self, message: str, line: int, where: Path | None = None, *, about: Path | None = None) -> None:
        """Record a problem; the value at the path ``where`` counts as refused, that at ``about`` only as faulty."""
        self.problems.append(Problem(message, self.path, line))
        if where is not None:
            self.bad.add(where)
        self.faulty |= {path for path in (where, about) if path is not None}


@dataclass
class _Open:
    """A mapping or list that is being filled; ``key`` is the key that waits for its value."""

    value: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None
    repeated: int = 0


class _Stop(Exception):  # noqa: N818 - control flow, not an error that leaves this module
    """The rest of the file can't be read."""


def parse_yaml(text: str, *, path: str) -> YamlTree:
    """Read one YAML document; problems are collected in ``problems``, and no error is raised."""
    tree = YamlTree(path)
    if directive := yaml_directive(text):
        tree.refuse(refuse_directive(directive[0]), directive[1])
        return tree
    builder = _Builder(tree)
    parser = YAML(typ="safe", pure=True)
    events: list[Event] = []
    try:
        for event in _WHOLE.get(text) or parser.parse(text):
            if len(events) > MOST_NODES:
                tree.refuse(f"the file has more than {MOST_NODES:,} values", _line(event))
                break
            events.append(event)
            builder.take(event)
        else:
            tree.whole = True
            _keep(text, events)
    except _Stop:
        pass
    except MarkedYAMLError as error:
        tree.refuse(*explain_syntax_error(error, text))
    except Exception:  # noqa: BLE001 - the scanner's own errors on hostile text (chr() of a huge escape, …)
        tree.refuse("this is not valid YAML", min(getattr(parser.reader, "line", 0) + 1, text.count("\n") + 1))
    else:
        if not builder.documents:
            tree.refuse("the file is empty; it needs at least `model`, `task`, `predict` and `gates`", 1)
    return tree


_WHOLE: dict[str, list[Event]] = {}
"""Events of files that were read to their end: a run reads the same configuration of several commits."""
_MOST_KEPT, _MOST_KEPT_EVENTS = 16, 1000


def _keep(text: str, events: list[Event]) -> None:
    if len(_WHOLE) >= _MOST_KEPT:
        _WHOLE.clear()
    if len(events) <= _MOST_KEPT_EVENTS:
        _WHOLE[text] = events


class _Builder:
    """Builder of the tree from events; every branch either stores a value or records a problem."""

    def __init__(self, tree: YamlTree) -> None:
        self.tree = tree
        self.stack: list[_Open] = []
        self.documents = 0

    def take(self, event: Event) -> None:
        """Handle one event."""
        match event:
            case DocumentStartEvent():
                self._document(event)
            case DocumentEndEvent() if self.documents == 1 and not isinstance(self.tree.data, dict):
                self._check_top()
            case MappingEndEvent() | SequenceEndEvent():
                self.stack.pop()
            case NodeEvent():
                self._node(event)

    def _document(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self._refuse_rest("a second document begins here; keep one, and remove the `---`", event)

    def _check_top(self) -> None:
        if self.tree.data is None and not self.tree.problems:
            self.tree.refuse("the file is empty; it needs at least `model`, `task`, `predict` and `gates`", 1)
        elif not self.tree.problems:
            kind = "a list" if isinstance(self.tree.data, list) else "a single value"
            self.tree.refuse(f"the file is {kind}; it has to be a mapping with keys: `model:`, `task:`, …", 1)

    def _node(self, event: NodeEvent) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(event, top)
            return
        where = self._where(top)
        self.tree.lines.setdefault(where, _line(event))
        self._store(top, self._value(event, where))

    def _where(self, top: _Open | None) -> Path:
        if top is None:
            return ()
        if isinstance(top.value, list):
            return (*top.path, len(top.value))
        return (*top.path, top.key or "")

    def _store(self, top: _Open | None, value: Any) -> None:  # noqa: ANN401 - any YAML value
        if top is None:
            self.tree.data = value
        elif isinstance(top.value, list):
            top.value.append(value)
        else:
            if top.key is not None and "\x00" not in top.key:
                top.value[top.key] = value
            top.key = None

    def _key(self, event: NodeEvent, top: _Open) -> None:
        """Handle a key; a repeated key keeps its first value, and later ones get a name that no file can contain."""
        if not isinstance(event, ScalarEvent):
            self._refuse_rest("a key has to be a plain word", event)
            return
        key = str(event.value)
        if match := ODD.search(key):
            self.tree.refuse(
                f"a key contains the control character U+{ord(match[0]):04X}", _line(event), about=(*top.path, key)
            )
        where = (*top.path, key)
        if key in top.value:
            first, second = self.tree.lines[where], _line(event)
            both = f"on line {second}" if first == second else f"on lines {first} and {second}"
            self.tree.refuse(f"`{dotted(where)}` stands twice, {both}; keep one", second, about=where)
            top.repeated += 1
            key = f"{key}\x00{top.repeated}"
        self.tree.lines[(*top.path, key)] = _line(event)
        top.key = key

    def _value(self, event: NodeEvent, where: Path) -> Any:  # noqa: ANN401 - any YAML value
        line = self.tree.lines[where]
        if isinstance(event, AliasEvent):
            message = f"`*{clip_text(event.anchor)}`: aliases are not read here; write the value out"
            self.tree.refuse(message + _as_text(f"*{event.anchor}", where), line, where)
            return None
        if getattr(event, "tag", None) is not None:
            bare = _as_text(str(getattr(event, "tag", "")), where) if getattr(event, "value", None) == "" else ""
            self.tree.refuse(f"`{dotted(where)}` carries a YAML tag; write the value without it{bare}", line, where)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, where)
        if len(self.stack) == DEEPEST:
            self._refuse_rest(f"nested deeper than {DEEPEST} levels", event)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        self.stack.append(_Open(value, where))
        return value

    def _scalar(self, event: ScalarEvent, where: Path) -> str | float | bool | None:
        text, line = str(event.value), self.tree.lines[where]
        if match := ODD.search(text):
            # Only an escape in double quotes gets this far: the text itself was checked before.
            self.tree.refuse(f"`{dotted(where)}` contains the control character U+{ord(match[0]):04X}", line, where)
            return ""
        if event.style or event.tag is not None:
            return text
        value = resolve_scalar(text)
        if value is None and where:
            self.tree.refuse(f"`{dotted(where)}` has no value; {_remedy(where)}{_as_text(text, where)}", line, where)
        if isinstance(value, float) and not math.isfinite(value):
            message = f"`{dotted(where)}` has to be a finite number, not `{clip_text(text)}`"
            self.tree.refuse(message + _as_text(text, where), line, where)
            return 0
        return value

    def _refuse_rest(self, message: str, event: Event) -> None:
        self.tree.refuse(message, _line(event))
        raise _Stop


def _remedy(where: Path) -> str:
    """Return what to do about a key without a value."""
    if isinstance(where[-1], str) and ":" in where[-1]:
        return "put a space after the `:`"
    none = "; write `none` to compare with nothing" if where == ("baseline",) else ""
    return f"give it one or remove it{none}"


def _as_text(text: str, where: Path) -> str:
    """Return the remedy for a label, class or group with this text: the line that quotes it."""
    if not 0 < len(text) <= _LONGEST or not set(where) & _LABELS:
        return ""
    key = f"{where[-1]}: " if isinstance(where[-1], str) else ""
    return f"; as text: `{key}{yaml_value(text)}`"


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1


def leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401 - any YAML value
    """Yield every mapping, list and scalar with its path, outermost first."""
    yield path, data
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    for key, value in items:
        yield from leaves(value, (*path, key))


_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}|0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))|[-+]?(nan|inf|infinity)", re.IGNORECASE)


def resolve_scalar(text: str) -> str | float | bool | None:
    """Return the value of an unquoted scalar under the core schema; ``nan`` and ``inf`` are floats, too."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _NOT_FINITE.fullmatch(text):
        return math.nan
    return float(text) if _FLOAT.fullmatch(text) else text


_ENTRY = re.compile(r"""\s*(?:- )?([A-Za-z_]+): +([^\s"'\[{#].*?)\s*""")
_LONGEST_MESSAGE = 100
_FOR_TEXT = ("mapping values", "expected the node", "alphabetic", "chomping", "URI", "expected '!'", "start any token")
"""Errors that unquoted text causes."""

# Messages of ruamel.yaml, and the remedy for each.
_SYNTAX = (
    ("mapping values are not allowed", "a `:` is not allowed here; check the indentation, or quote the text"),
    ("expected <block end>", "the indentation does not fit the lines above it"),
    ("expected '<document start>'", "this does not continue the lines above it; check the indentation"),
    ("expected the node content", "a value is missing here, or needs quotes around it"),
    ("sequence entries are not allowed", "a `-` is not allowed here; check the indentation"),
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


def explain_syntax_error(error: MarkedYAMLError, text: str) -> tuple[str, int]:
    """Return message and line for a syntax error, in terms of the file if they are known."""
    mark = error.problem_mark or error.context_mark
    lines = text.split("\n")
    line = min(int(mark.line) + 1 if mark else 1, len(lines))
    cause = str(error.problem or error.context or "")
    if "unexpected end of stream" in cause and error.context_mark:
        line = min(int(error.context_mark.line) + 1, len(lines))
    if "'\\t'" in cause or re.match(r" *\t", lines[line - 1]):
        return "YAML does not allow a tab here; use spaces", line
    words = next((words for key, words in _SYNTAX if key in cause), None)
    if words is None:
        return f"this is not valid YAML: {clip_text(cause)}", line
    first = int(error.context_mark.line) + 1 if error.context_mark else line
    remedy = quote(lines[line - 1]) if any(key in cause for key in _FOR_TEXT) else ""
    return words.format(opened=f" of line {first}" if first != line else "") + remedy, line


def quote(line: str) -> str:
    """Return a key's line with its value in quotes, as the remedy of an error; empty for other lines."""
    match = _ENTRY.fullmatch(line)
    if match is None or len(match[2]) > _LONGEST_MESSAGE:
        return ""
    return f"; as text: `{match[1]}: {yaml_value(match[2])}`"
