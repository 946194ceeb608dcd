"""Shell for the commands of a page: `mlci` runs in this process, everything else in bash.

Folder and exported variables carry over from one line to the next. `gh` is a stand-in that asks the API of the tests.
"""

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.project import run_in_process
from tests.support.repository import ENVIRONMENT
from tests.support.shell_blocks import Command

_GH = f"""\
#!/bin/sh
exec '{sys.executable}' -I -S '{Path(__file__).with_name("github_cli.py")}' "$@"
"""
_COMMENT = re.compile(r"\s+#\s.*")
_BASH = """\
{line}
ended=$?
{{ pwd; env -0; }} >"$PAGE_STATE"
exit $ended
"""


class PageShell:
    """A shell in ``folder``, with ``variables`` exported; ``scratch`` is a folder for files of the shell itself.

    Attributes:
        replaced: Placeholders of the page, such as `owner/name`, and what stands for them.
        answers: Lines that `mlci` reads from the terminal.
        output: Everything that the commands printed.
    """

    def __init__(self, folder: Path, scratch: Path, **variables: str) -> None:
        self.folder, self.scratch = folder, scratch
        programs = scratch / "programs"
        programs.mkdir()
        (programs / "gh").write_text(_GH)
        (programs / "gh").chmod(0o755)
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
        self.variables = {**ENVIRONMENT, "PATH": path, "PAGE_STATE": str(scratch / "state"), **variables}
        self.replaced: dict[str, str] = {}
        self.answers = ""
        self.output = ""

    def run(self, command: Command) -> None:
        """Carry a command out.

        Raises:
            AssertionError: if it ends with another code than the page says.
        """
        line = command.line
        for placeholder, value in self.replaced.items():
            line = line.replace(placeholder, value)
        own = line.startswith("mlci ")
        assert own or not re.search(r"\bmlci [a-z]", _COMMENT.sub("", line.partition("\n")[0])), line
        code, printed = self.mlci(*self._words(line)[1:]) if own else self._bash(line)
        self.output += printed
        assert code == command.code, f"{line}: exit code {code}, and the page says {command.code}\n{printed}"

    def mlci(self, *words: str) -> tuple[int, str]:
        """Run mlci in this process; return its exit code and what it printed."""
        out, before = io.StringIO(), sys.stdin
        sys.stdin = _Terminal(self.answers)
        try:
            code = run_in_process(*words, cwd=self.folder, out=out, err=out, **self.variables)
        finally:
            sys.stdin = before
        return code, out.getvalue()

    def _words(self, line: str) -> list[str]:
        """Return the words of a line, with variables replaced by bash."""
        if "$" not in line:
            return shlex.split(_COMMENT.sub("", line))
        code, printed = self._bash(rf"printf '%s\n' {line}")
        assert code == 0, printed
        return printed.splitlines()

    def _bash(self, line: str) -> tuple[int, str]:
        ended = subprocess.run(
            ["bash", "-c", _BASH.format(line=line)],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        folder, _, variables = (self.scratch / "state").read_text("utf-8").partition("\n")
        self.folder = Path(folder)
        self.variables = dict(one.split("=", 1) for one in variables.split("\0") if one)
        return ended.returncode, ended.stdout


class _Terminal(io.StringIO):
    """Answers, as typed on a terminal."""

    def isatty(self) -> bool:
        return True
