"""Shared functions of the actions' scripts: run programs, write step outputs, report failures."""

import os
import re
import secrets
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
WINDOWS = os.name == "nt"
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_KEPT = re.compile(  # of uv's and pip's own variables, those that say where packages come from and where they are kept
    r"(UV|PIP)_(DEFAULT_INDEX|INDEX.*|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CACHE_DIR|NO_CACHE(_DIR)?|OFFLINE|CERT"
    r"|CLIENT_CERT|TRUSTED_HOST|INSECURE_HOST|PROXY|NATIVE_TLS|SYSTEM_CERTS|KEYRING_PROVIDER|CONFIG_FILE|RETRIES"
    r"|HTTP_.*|(DEFAULT_)?TIMEOUT|CONCURRENT_.*|LINK_MODE)"
)


class FailedError(Exception):
    """A failure that stops the action; the message names it."""


def run(*command: str | Path) -> str:
    """Run a program beside this file, away from settings in the user's folder, and return what it printed.

    Raises:
        FailedError: if its exit code is not 0; its output is in the message.
    """
    code, printed, complaints = attempt(*command)
    if code != 0:
        raise FailedError(f"{Path(command[0]).name} ended with {code}:\n{complaints.strip() or printed.strip()}")
    return printed


def attempt(*command: str | Path) -> tuple[int, str, str]:
    """Run a program; return its exit code, standard output and standard error."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, env=own | kept, cwd=ROOT / "actions", check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def write_outputs(values: Mapping[str, str]) -> None:
    """Write a step's outputs, each with a random delimiter."""
    text = ""
    for name, value in values.items():
        mark = secrets.token_hex(16)
        text += f"{name}<<{mark}\n{value}\n{mark}\n"
    append(Path(variable("GITHUB_OUTPUT")), text.encode())


def append(path: Path, data: bytes) -> None:
    """Append to one of the runner's files, unless other code replaced it by a link or a pipe.

    Raises:
        FailedError: if it is not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _PLAIN, 0o644)
    except OSError as error:
        raise FailedError(f"{path} can't be written to: {error.strerror}") from error
    with os.fdopen(descriptor, "ab") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FailedError(f"{path} is not a regular file")
        stream.write(data)


def variable(name: str) -> str:
    """Return a variable that GitHub's runners set.

    Raises:
        FailedError: if it is not set.
    """
    if not (value := os.environ.get(name)):
        raise FailedError(f"{name} is not set; GitHub's runners set it, and elsewhere it has to be set by hand")
    return value


def complaint(title: str, error: FailedError) -> str:
    """Return the workflow command that shows a failure on the run's page."""
    words = str(error).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::error title={title}::{words}"
