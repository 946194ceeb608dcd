"""Error handler of all commands: message, annotation of GitHub's runner, and exit code."""

import io
import os
import platform
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TextIO

import click

from mlci import __version__
from mlci.cli.lazy_group import UnreadError
from mlci.cli.standard_output import guarded_output
from mlci.config.url_credentials import REMEDY, hide_credentials, holds_credentials
from mlci.errors import InputError, MlciError, Problem
from mlci.execution.sanitize import sanitize

BUG = 70
INPUT = 2
INTERRUPTED, PIPE = 130, 141  # 128 + SIGINT and 128 + SIGPIPE, as shells report them


Level = Literal["error", "warning", "notice"]


def handle_errors(
    call: Callable[[], Any], arguments: Sequence[str] = (), show: Callable[[Problem], None] | None = None
) -> int:
    """Run a command, print its problems, one a line, and return the exit code.

    Command lines with credentials in an address are refused first, before a message could quote them. ``show`` takes
    the place of :func:`print_error`, also for wrong command lines, which are then one problem and not click's lines.
    """
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, _terminated)
    with guarded_output():
        return _handled(call, arguments, show)


def _handled(call: Callable[[], Any], arguments: Sequence[str], show: Callable[[Problem], None] | None) -> int:
    try:
        _refuse_credentials(arguments)
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            returned = call()
    except (click.exceptions.Exit, click.ClickException, click.Abort, KeyboardInterrupt) as stop:
        return _stopped(stop, show)
    except MlciError as error:
        words = ". ".join(filter(None, (str(error), error.remedy)))
        for problem in error.problems if isinstance(error, InputError) else [Problem(words)]:
            (show or print_error)(_clean_problem(problem))
        return error.exit_code
    except (BrokenPipeError, UnreadError):  # the reader of the output is gone; Python would report that again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE
    except (Exception, SystemExit):  # noqa: BLE001 (a bug becomes a report with exit code 70, never exit code 0)
        click.echo(_bug_report(), err=True)
        return BUG
    return returned if isinstance(returned, int) else 0


def _refuse_credentials(arguments: Sequence[str]) -> None:
    if any(holds_credentials(word) for word in arguments):
        raise InputError(f"an address on the command line holds credentials; {REMEDY}")


def _terminated(_number: int, _frame: object) -> None:
    """Exit as on an interrupt, so that worktrees and user processes are cleaned up; a second signal is ignored."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning of a library, which may quote the user's files, sanitized."""
    text = warnings.formatwarning(message, category, filename, lineno, line)
    click.echo(_harmless(text), err=True, file=file)


def _stopped(stop: BaseException, show: Callable[[Problem], None] | None) -> int:
    if isinstance(stop, click.exceptions.Exit):
        return stop.exit_code
    if isinstance(stop, click.ClickException) and show is not None:
        show(_clean_problem(Problem(_usage_problem(stop))))
        return INPUT
    if isinstance(stop, click.ClickException):
        shown = io.StringIO()
        stop.show(shown)
        click.echo(_harmless(shown.getvalue()), err=True)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            print_error(Problem(stop.format_message()))
        return INPUT
    click.echo("mlci: stopped", err=True)
    return INTERRUPTED


def _usage_problem(stop: click.ClickException) -> str:
    """Return what is wrong with a command line, and the command that shows the right form."""
    context = stop.ctx if isinstance(stop, click.UsageError) else None
    path = context.command_path if context is not None else "mlci"
    message = stop.format_message().rstrip(".")
    return f"{message}{'' if message.endswith('?') else ';'} `{path} --help` shows the options"


def print_error(problem: Problem) -> None:
    """Print one problem to standard error, as an annotation in a GitHub workflow.

    Messages quote the user's files, so they are sanitized for the runner and the terminal.
    """
    problem = _clean_problem(problem)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(annotation("error", problem.message, path=problem.path, line=problem.line), err=True)
    else:
        click.echo(f"{click.style('error', fg='red', bold=True)}: {problem}", err=True, color=_colour())


def _clean_problem(problem: Problem) -> Problem:
    path = None if problem.path is None else sanitize(hide_credentials(problem.path))
    return replace(problem, message=_harmless(problem.message), path=path)


def _harmless(text: str) -> str:
    """Return a text of several lines without credentials, and without commands for the runner or the terminal."""
    return "\n".join(map(sanitize, hide_credentials(text).splitlines()))


def _colour() -> bool | None:
    """Return ``False`` if the user wants no colour (no-color.org); ``None`` leaves it to the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _bug_report() -> str:
    """Return a log that can be pasted into an issue; exceptions and arguments quote text from outside."""
    lines = [
        "mlci: this is a bug in mlci, not in your project. Please open an issue with everything below.",
        "",
        f"mlci {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"mlci {' '.join(sys.argv[1:])}",
        "",
        traceback.format_exc(),
    ]
    return _harmless("\n".join(lines))


def annotation(level: Level, message: str, *, path: str | None = None, line: int | None = None) -> str:
    """Return a workflow command that shows ``message`` at a line of a file, with everything escaped."""
    places = [("file", path), ("line", line)]
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in places if value is not None)
    return f"::{level} {properties}::{_data(message)}" if properties else f"::{level}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
