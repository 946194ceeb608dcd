"""Real git, called with care: no hooks, no prompts, no replaced objects, no repository but the one that was meant."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlci.errors import InputError, OutsideError

_TIMEOUT = 900.0  # a checkout may have to fetch large files
_ELSEWHERE = re.compile(  # `git rev-parse --local-env-vars`: each of these would point git at another repository
    r"GIT_(ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|DIR|GRAFT_FILE|IMPLICIT_WORK_TREE|INDEX_FILE|NAMESPACE"
    r"|OBJECT_DIRECTORY|PREFIX|REPLACE_REF_BASE|SHALLOW_FILE|WORK_TREE)"
)
_SETTINGS = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "advice.detachedHead=false")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a call of git answered."""

    status: int
    out: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Git:
    """Git in one folder.

    Attributes:
        folder: Any folder of the checkout.
        environment: Ours, as the command line read it.
    """

    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def ask(self, *arguments: str) -> Said:
        """Call git and return its answer, good or not.

        Raises:
            InputError: There is no git.
            OutsideError: It did not answer in time.
        """
        kept = {name: value for name, value in self.environment.items() if not _ELSEWHERE.fullmatch(name)}
        try:
            done = subprocess.run(  # noqa: S603 - arguments are ours, or checked not to be options
                ["git", *_OPTIONS, *arguments],  # noqa: S607 - git from PATH, as users have it
                cwd=self.folder,
                env={**kept, **_SETTINGS},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except FileNotFoundError as error:
            raise InputError(f"no git on PATH, or no folder {self.folder}; `baseline: ref` needs both") from error
        except subprocess.TimeoutExpired as error:
            raise OutsideError(f"`git {arguments[0]}` did not end within {_TIMEOUT:.0f} s") from error
        out, said = (data.decode("utf-8", "replace") for data in (done.stdout, done.stderr))
        return Said(status=done.returncode, out=out.strip("\n"), error=_line(said))

    def must(self, *arguments: str) -> str:
        """Call git and return what it prints.

        Raises:
            OutsideError: It failed; with its first line.
        """
        said = self.ask(*arguments)
        if said.status != 0:
            raise OutsideError(f"`git {arguments[0]}` failed in {self.folder}: {said.error or f'status {said.status}'}")
        return said.out

    def root(self) -> Path:
        """Return the top folder of the checkout.

        Raises:
            InputError: The folder is in no checkout, or git does not trust its owner.
        """
        said = self.ask("rev-parse", "--show-toplevel")
        if said.status == 0 and said.out:
            return Path(said.out)
        if "dubious ownership" in said.error:
            raise InputError(
                f"git does not trust {self.folder}, which belongs to another user (as in job containers); run first: "
                f"git config --global --add safe.directory '{self.folder.resolve()}'"
            )
        raise InputError(
            f"`baseline: {{ref: …}}` needs a git checkout, and {self.folder.resolve()} is not in one; run in a clone "
            "of the repository, or write `baseline: {file: …}` or `baseline: none`"
        )


def _line(text: str) -> str:
    """Return git's most telling line, in printable characters."""
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    return "".join(char if char.isprintable() else "\ufffd" for char in telling[0][:400]) if telling else ""
