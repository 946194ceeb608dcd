"""Commands of a Markdown page: blocks of `sh` or `bash` in order, and how to carry them out in one shell.

A line ends with exit code 0, unless a comment at its end names another: ``# exit code 1``. A block that the tests
cannot carry out is marked on the line before it: ``<!-- not run: REASON -->``. A block of `text` shows output: in an
example it has to occur in that of the commands, apart from white space.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.repository import ENVIRONMENT

_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<mark>[^\n]+) -->\n)?```(?P<kind>sh|bash|text)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL
)
_LINE = re.compile(r"(?P<line>[^\n]*<<'(?P<end>\w+)'\n.*?^(?P=end)$|[^\n]*)\n", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"\s+# exit code (\d+)\b.*$")
_HEAD = """\
ends() { [ "$1" -eq "$2" ] || { echo "exit code $1, and the page says $2: $3" >&2; exit 99; }; }
"""


@dataclass(frozen=True)
class Command:
    """A line of a block, with the exit code that the page says; a here-document belongs to its line."""

    line: str
    code: int = 0


@dataclass(frozen=True)
class Block:
    """A block of commands, and why the tests do not carry it out; ``None`` if they do."""

    commands: tuple[Command, ...]
    reason: str | None = None


def read_blocks(text: str) -> list[Block]:
    """Return the blocks of commands of a page in order."""
    found = (one for one in _BLOCK.finditer(text) if one["kind"] != "text")
    return [Block(tuple(_read_lines(one["body"])), one["mark"]) for one in found]


def _read_lines(body: str) -> list[Command]:
    """Return the commands of a block; a line that ends with a backslash goes on in the next."""
    lines = [found["line"] for found in _LINE.finditer(body.replace("\\\n", ""))]
    return [
        Command(_EXPECTED.sub("", line), int(found[1]) if (found := _EXPECTED.search(line)) else 0)
        for line in lines
        if line and not line.startswith("#")
    ]


def read_commands(text: str) -> list[Command]:
    """Return the commands of a page in order, without those of marked blocks."""
    return [command for block in read_blocks(text) if block.reason is None for command in block.commands]


def read_outputs(text: str) -> list[str]:
    """Return the blocks of output."""
    return [found["body"] for found in _BLOCK.finditer(text) if found["kind"] == "text"]


def run_commands(commands: list[Command], folder: Path, scratch: Path, *, programs: Path | None = None) -> str:
    """Run commands in one shell from ``folder``; return their output.

    Args:
        commands: The lines, with the exit codes that they have to end with.
        folder: Where the shell begins.
        scratch: Where ``mktemp`` makes its folders.
        programs: A folder whose programs come before those of this environment.

    Raises:
        AssertionError: if a command ends with another code than the page says.
    """
    quoted = ((one, one.line.replace("'", "'\\''")) for one in commands)
    script = _HEAD + "".join(f"{one.line}\nends $? {one.code} '{line}'\n" for one, line in quoted)
    folders = [*([programs] if programs else []), Path(sys.executable).parent, os.environ["PATH"]]
    path = os.pathsep.join(str(one) for one in folders)
    environment = {**ENVIRONMENT, "PATH": path, "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def missing_outputs(text: str, output: str) -> list[str]:
    """Return the blocks of output on a page that its commands did not print."""
    printed = " ".join(output.split())
    return [block for block in read_outputs(text) if " ".join(block.split()) not in printed]
