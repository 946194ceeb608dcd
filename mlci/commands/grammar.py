"""Strict grammar of `/mlci …` comments: text in, a command or a refusal out. Pure.

A command is a comment that consists of one line beginning with ``/mlci``, without anything before it. Therefore a
command inside a quotation, a code block or a longer text is not one. Its arguments are those of
:mod:`mlci.util.quoted_arguments`; no shell splits the text.
"""

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlci.util.bounds import COMMAND_ARGUMENTS, COMMAND_CHARACTERS, GATE_CHARACTERS, REASON_CHARACTERS
from mlci.util.quoted_arguments import find_hidden_character, split_arguments

USAGE = {
    "waive": '/mlci waive GATE --until YYYY-MM-DD --reason "…" SHA',
    "explain": "/mlci explain GATE",
    "run": "/mlci run",
    "promote": "/mlci promote",
    "help": "/mlci help",
}
"""Form of each command."""

_MARK = "/mlci"
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


@dataclass(frozen=True, kw_only=True)
class WaiveCommand:
    """`/mlci waive`: accept the finding of a gate on a commit."""

    gate: str
    until: str
    reason: str
    head: str


@dataclass(frozen=True, kw_only=True)
class ExplainCommand:
    """`/mlci explain`: show the rule and the numbers of a gate."""

    gate: str


@dataclass(frozen=True)
class RerunCommand:
    """`/mlci run`: repeat the evaluation of the head commit."""


@dataclass(frozen=True)
class PromoteCommand:
    """`/mlci promote`: repeat the promotion of the merged commit."""


@dataclass(frozen=True)
class HelpCommand:
    """`/mlci help`: list the commands."""


@dataclass(frozen=True)
class MalformedCommand:
    """A comment that begins like a command and is not one; ``why`` is for the person who wrote it."""

    why: str


CommentCommand = WaiveCommand | ExplainCommand | RerunCommand | PromoteCommand | HelpCommand


class GrammarError(ValueError):
    """The text does not follow the grammar; the message is the reason."""


def parse_command(text: str) -> CommentCommand | MalformedCommand | None:
    """Return the command of a comment, why it is malformed, or ``None`` for a comment that is not about mlci."""
    first = text[: len(_MARK) + 1]
    if first != _MARK and not (first.startswith(_MARK) and first[-1] in " \t\r\n"):
        return None
    try:
        return _parse(text)
    except GrammarError as error:
        return MalformedCommand(str(error))


def parse_day(text: str) -> str:
    """Return a day of the calendar, ``YYYY-MM-DD``.

    Raises:
        GrammarError: if it is not one.
    """
    found = _DAY.fullmatch(text)
    year, month, day = (int(part) for part in found.groups()) if found else (0, 0, 0)
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        raise GrammarError("--until needs a day of the calendar in the form YYYY-MM-DD, such as 2026-12-31")
    return text


def parse_sha(text: str) -> str:
    """Return a whole commit SHA.

    Raises:
        GrammarError: if it is not one.
    """
    if not _SHA.fullmatch(text):
        raise GrammarError("the commit has to be its whole SHA, 40 digits and letters from a to f, as in the report")
    return text


def check_reason(text: str) -> str:
    """Return a reason.

    Raises:
        GrammarError: if it is empty, too long, or has control characters.
    """
    if find_hidden_character(text) is not None:
        raise GrammarError("--reason must be one line without control characters")
    if not text.strip(" .…") or len(text) > REASON_CHARACTERS.value:
        raise GrammarError(f"--reason needs 1 to {REASON_CHARACTERS}")
    return text.strip()


def _parse(text: str) -> CommentCommand:
    if len(text) > COMMAND_CHARACTERS.value:
        raise GrammarError(f"a command has at most {COMMAND_CHARACTERS}")
    line, *rest = text.rstrip(" \t\r\n").replace("\r\n", "\n").split("\n")
    if rest:
        raise GrammarError("a command has to be the only line of its comment; write each in a comment of its own")
    try:
        words = list(split_arguments(line))[1:]
    except ValueError as error:
        raise GrammarError(str(error)) from None
    if len(words) > COMMAND_ARGUMENTS.value:
        raise GrammarError(f"a command has at most {COMMAND_ARGUMENTS}")
    name, *arguments = words or ["help"]
    if name not in _PARSERS:
        raise GrammarError("this command does not exist")
    return _PARSERS[name](arguments)


def _waive(arguments: Sequence[str]) -> CommentCommand:
    options, words = _options(arguments, ("--until", "--reason"))
    if len(words) != 2 or len(options) != 2:
        raise GrammarError("a waiver needs a gate, --until, --reason and the commit")
    gate, head = words
    return WaiveCommand(
        gate=_gate(gate),
        until=parse_day(options["--until"]),
        reason=check_reason(options["--reason"]),
        head=parse_sha(head),
    )


def _options(arguments: Sequence[str], names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Separate options, each with a value, from the other arguments."""
    options: dict[str, str] = {}
    words: list[str] = []
    left = iter(arguments)
    for argument in left:
        if not argument.startswith("--"):
            words.append(argument)
            continue
        value = next(left, None)
        if argument not in names or argument in options or value is None:
            raise GrammarError(f"the options are {' and '.join(names)}, each once and followed by its value")
        options[argument] = value
    return options, words


def _gate(text: str) -> str:
    if not text or len(text) > GATE_CHARACTERS.value:
        raise GrammarError(f"a gate's id has 1 to {GATE_CHARACTERS}")
    return text


def _explain(arguments: Sequence[str]) -> CommentCommand:
    if len(arguments) != 1:
        raise GrammarError("explain needs one gate")
    return ExplainCommand(gate=_gate(arguments[0]))


def _without_arguments(command: CommentCommand) -> Callable[[Sequence[str]], CommentCommand]:
    def parse(arguments: Sequence[str]) -> CommentCommand:
        if arguments:
            raise GrammarError("this command has no arguments")
        return command

    return parse


_PARSERS: dict[str, Callable[[Sequence[str]], CommentCommand]] = {
    "waive": _waive,
    "explain": _explain,
    "run": _without_arguments(RerunCommand()),
    "promote": _without_arguments(PromoteCommand()),
    "help": _without_arguments(HelpCommand()),
}
