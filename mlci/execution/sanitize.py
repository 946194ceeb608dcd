"""Sanitize output of commands before it is printed.

Output of the user's commands is untrusted. GitHub's runner executes workflow commands in stdout and stderr
(actions/runner, ``src/Runner.Common/ActionCommand.cs``): ``::name …::`` after any leading white space, and ``##[name
…]`` anywhere in a line; both are compared by culture, which skips characters without width. A terminal executes escape
sequences. Everything here is pure; :class:`LineSplitter` holds at most ``LONGEST`` bytes of one unfinished line.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from mlci.util.bounds import OUTPUT_LINE_BYTES, OUTPUT_SHOWN_CHARACTERS

LONGEST = OUTPUT_LINE_BYTES.value
SHOWN = OUTPUT_SHOWN_CHARACTERS.value

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC up to their end
    r"|\x9b[0-?]*[ -/]*[@-~]"  # CSI in one character
    r"|\x1b[ -/]*[0-~]",  # two-character sequences
)
_ACTING = re.compile(  # control characters except the tab, surrogates, line ends, and bidirectional controls
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_SUSPECT = re.compile(r"[^!-~]*:[^\x00-\x7f]*:|.*#[^\x00-\x7f]*#[^\x00-\x7f]*\[", re.DOTALL)
_NO_WIDTH = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def sanitize(text: str) -> str:
    """Return one line without commands for the runner or a terminal, cut visibly at ``SHOWN`` characters.

    Escape sequences are removed; other control characters, and those that change the reading direction, become U+FFFD;
    a workflow command gets a space inside its marker (``: :set-output``, ``## [group]``), so that it stays readable.
    """
    if not (text.isascii() and text.isprintable()):
        text = _ACTING.sub("\ufffd", _ESCAPES.sub("", text))
    text = _disarm(text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… [{len(text) - SHOWN:,} more characters]"


def sanitize_lines(text: str) -> str:
    """Return a text of several lines, each without commands for the runner or a terminal."""
    return "\n".join(map(sanitize, text.split("\n")))


def _disarm(text: str) -> str:
    """Break the two markers of workflow commands, even if characters without width hide them."""
    if not _SUSPECT.match(text):  # a quick test that is wider than the next one
        return text
    bare = text if text.isascii() else "".join(char for char in text if not _has_no_width(char))
    if "##[" not in bare and not bare.lstrip().startswith("::"):
        return text
    bare = bare.replace("##[", "## [")
    body = bare.lstrip()
    return bare[: len(bare) - len(body)] + ": " + body[1:] if body.startswith("::") else bare


_OLD_COMMAND = re.compile(r"#([^\x00-\x7f]*)#([^\x00-\x7f]*)\[")


def disarm_old_commands(text: str) -> str:
    """Break ``##[name]``, which acts anywhere in a line, in a text of any number of lines."""
    if "#" not in text:
        return text
    return _OLD_COMMAND.sub(lambda match: "## [" if all(map(_has_no_width, match[1] + match[2])) else match[0], text)


def _has_no_width(char: str) -> bool:
    """Whether a comparison by culture may skip the character."""
    return char in _NO_WIDTH or unicodedata.category(char) in {"Cf", "Mn", "Me"}


@dataclass(frozen=True)
class RawOutput:
    """A line as bytes, and how many of its bytes were dropped."""

    data: bytes
    dropped: int = 0

    def text(self) -> str:
        """Return the sanitized line; bytes that are not UTF-8 become U+FFFD."""
        text = sanitize(self.data.decode("utf-8", "replace"))
        return f"{text} [{self.dropped:,} more bytes]" if self.dropped else text


class LineSplitter:
    r"""Splitter of a stream of bytes into lines, in bounded memory.

    ``\n`` ends a line. A lone ``\r`` restarts the line, as on a terminal, so that only the last state of a progress bar
    remains.
    """

    def __init__(self) -> None:
        """Start with an empty line."""
        self._held = b""
        self._dropped = 0

    def feed(self, chunk: bytes) -> Iterator[RawOutput]:
        """Yield the lines that the chunk completes."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._add(part)
            yield self.take()
        self._add(rest)

    @property
    def pending(self) -> bool:
        """Whether an unfinished line is held."""
        return bool(self._held)

    def peek(self) -> RawOutput:
        """Return the unfinished line."""
        return RawOutput(self._held.rstrip(b"\r"), self._dropped)

    def take(self) -> RawOutput:
        """Return the unfinished line and start a new one."""
        line = self.peek()
        self._held, self._dropped = b"", 0
        return line

    def _add(self, part: bytes) -> None:
        returned = self._held.endswith(b"\r")
        body = part.rstrip(b"\r")
        if not body:
            self._held += b"\r" if part and self._held and not returned else b""
            return
        start = body.rfind(b"\r") + 1
        if returned or start:
            self._held, self._dropped = b"", 0
        room = max(0, LONGEST - len(self._held))
        fresh = part[start : len(body) + 1]
        self._held += fresh[:room]
        self._dropped += max(0, len(fresh) - room)
