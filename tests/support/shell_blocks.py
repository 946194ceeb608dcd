"""Commands of a Markdown page, carried out as a reader would: blocks of `sh` in order, in one shell.

A line ends with exit code 0, unless a comment at its end names another: ``# exit code 1``. A block of `text` shows
output: it has to occur in that of the commands, apart from white space.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.repository import ENVIRONMENT

_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"\s+# exit code (\d+)\b.*$")
_HEAD = """\
ends() { [ "$1" -eq "$2" ] || { echo "exit code $1, and the page says $2: $3" >&2; exit 99; }; }
"""


@dataclass(frozen=True)
class Command:
    """A line of a block of `sh`, with the exit code that the page says."""

    line: str
    code: int = 0


def read_commands(text: str) -> list[Command]:
    """Return the commands of a page in order; a line that ends with a backslash goes on in the next."""
    blocks = [body.replace("\\\n", "") for kind, body in _BLOCK.findall(text) if kind == "sh"]
    lines = [line for body in blocks for line in body.splitlines() if line and not line.startswith("#")]
    return [
        Command(_EXPECTED.sub("", line), int(found[1]) if (found := _EXPECTED.search(line)) else 0) for line in lines
    ]


def read_outputs(text: str) -> list[str]:
    """Return the blocks of output."""
    return [body for kind, body in _BLOCK.findall(text) if kind == "text"]


def run_commands(commands: list[Command], folder: Path, scratch: Path) -> str:
    """Run commands in one shell from ``folder``; return their output. ``mktemp`` makes its folders in ``scratch``.

    Raises:
        AssertionError: if a command ends with another code than the page says.
    """
    quoted = ((one, one.line.replace("'", "'\\''")) for one in commands)
    script = _HEAD + "".join(f"{one.line}\nends $? {one.code} '{line}'\n" for one, line in quoted)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
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
