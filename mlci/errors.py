"""Errors with their exit codes, messages and remedies; values, counts and names in messages.

Expected failures are values of these types and print one line each; every other error is a bug in mlci (exit code 70).
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

_PLAIN = re.compile(r"[^\W\d][\w./+-]*( [\w./+-]+)*|-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_BEFORE_DIRECTIVES = re.compile(r"\ufeff?(\.\.\.)?\s*(#.*)?", re.DOTALL)
_LONGEST = 40
_SPECIAL = frozenset({"null", "nan", "inf", "infinity", "yes", "no", "on", "off"})
"""Words that YAML 1.1 or 1.2, or :mod:`mlci.config.yaml_tree`, reads as another type than text."""


def yaml_value(value: str) -> str:
    """Return a text in the form for YAML, also between braces: quoted if YAML would read another value.

    Characters that cannot be seen, such as a no-break space, are escaped.
    """
    if _PLAIN.fullmatch(value) and value.lower() not in _SPECIAL:
        return value
    return "".join(map(_visible, json.dumps(value, ensure_ascii=False)))


def yaml_directive(text: str) -> tuple[str, int] | None:
    """Return the first directive of a YAML text, a line such as ``%YAML 1.1``, and its number; ``None`` without one.

    Only blank lines, comments and ends of documents can precede a directive.
    """
    for number, line in enumerate(_LINE_BREAK.split(text.removeprefix("\ufeff")), 1):
        if line.startswith("%"):
            return line, number
        if not _BEFORE_DIRECTIVES.fullmatch(line):
            return None
    return None


def refuse_directive(directive: str) -> str:
    """Return the message about a directive."""
    shown = "".join(map(_visible, directive[:_LONGEST]))
    return (
        f"`{shown}`: directives are not read here, because they change values (by `%YAML 1.1`, 010 is 8 and 1:30 is "
        "90); remove the line"
    )


def _visible(char: str) -> str:
    return char if char.isprintable() else f"\\u{ord(char):04x}" if ord(char) < 1 << 16 else f"\\U{ord(char):08x}"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input, described in one line.

    Attributes:
        message: What is wrong, and the lines that fix it.
        path: The file that has the problem, as the user wrote it; ``None`` if the problem is not in a file.
        line: Line or row number in that file, counted from 1.
        setting: Entry of the configuration that is wrong, such as ``("evaluation", "key")``; a message with one begins
            with a verb, and its subject is the file.
        remedy: Entry of the configuration that the remedy changes, if either it or the data may be wrong.
    """

    message: str
    path: str | None = None
    line: int | None = None
    setting: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return ``path:line: message`` with the parts that are known."""
        place = ":".join(str(part) for part in (self.path, self.line) if part is not None)
        return f"{place}: {self.message}" if place else self.message


class MlciError(Exception):
    """An expected failure; the process ends with ``exit_code``.

    ``remedy`` is a sentence on what to do about every failure of the class; empty if each message has its own remedy.
    """

    exit_code = 70
    remedy = ""


class InputError(MlciError):
    """Invalid configuration or data, with every problem found, not only the first."""

    exit_code = 2

    def __init__(self, *problems: Problem | str) -> None:
        """Collect the problems; a plain string is a problem without a file."""
        self.problems = tuple(Problem(item) if isinstance(item, str) else item for item in problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> "InputError":
        """Build the error from any iterable of problems."""
        return cls(*problems)


class StepError(MlciError):
    """The user's own train or predict command failed, timed out or left nothing behind."""

    exit_code = 3


class StepTimeoutError(StepError):
    """A command did not end in time."""


class UserCodeError(MlciError):
    """The user's command, model or custom metric would have to run in a job that must not run user code."""

    exit_code = 1


class OutsideError(MlciError):
    """GitHub, a registry, a data store or the network failed."""

    exit_code = 4


class ProductionCode(IntEnum):
    """Exit codes of commands that judge a model in production: `mlci monitor`, `mlci experiment`."""

    FINE = 0
    """Well, or promote."""
    ACT = 1
    """An alarm, or roll back."""
    KEEP_GOING = 5
    """No decision yet; more data will bring one."""
    COULD_NOT_TELL = 6
    """The data cannot answer: too few rows, or an assumption is violated, which the output names."""


def count_noun(number: int, noun: str) -> str:
    """Return ``1 row``, ``2 rows``, ``1,234 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def name_first(number: int, noun: str, shown: list[str]) -> str:
    """Name the shown ones of ``number`` things: ``key 'a'``, ``keys 'a', 'b'``, ``first keys 'a', 'b', 'c'``."""
    named = f"{noun}{'' if len(shown) == 1 else 's'} {', '.join(shown)}"
    return f"first {named}" if number > len(shown) else named


def list_names(names: Sequence[str], most: int = 8) -> str:
    """Return the first of some names in quotes, and the number of further ones."""
    shown = ", ".join(repr(shorten_cell(name)) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def shorten_cell(text: str, longest: int = 80) -> str:
    """Return a text that fits a line: a longer one ends in an ellipsis."""
    return text if len(text) <= longest else f"{text[:longest]}…"
