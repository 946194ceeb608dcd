"""Error handler around all commands: the message, and the exit code."""

import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click

from mlci import __version__
from mlci.cli.main import UnreadError
from mlci.cli.workflow_commands import annotation
from mlci.config.url_credentials import REMEDY, hide_credentials, holds_credentials
from mlci.errors import InputError, MlciError, Problem
from mlci.execution.sanitize import sanitize

BUG = 70
INPUT = 2
INTERRUPTED, PIPE = 130, 141  # 128 + SIGINT and 128 + SIGPIPE, as shells report them


def handle_errors(call: Callable[[], Any], arguments: Sequence[str] = ()) -> int:
    """Run a command; return its exit code after saying what went wrong, one line for each problem.

    Command lines with credentials in an address are refused first, before anything could quote them.
    """
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, _terminated)
    try:
        _refuse_credentials(arguments)
        returned = call()
    except (click.exceptions.Exit, click.ClickException, click.Abort, KeyboardInterrupt) as stop:
        return _stopped(stop)
    except MlciError as error:
        words = ". ".join(filter(None, (str(error), error.remedy)))
        for problem in error.problems if isinstance(error, InputError) else [Problem(words)]:
            print_error(problem)
        return error.exit_code
    except (BrokenPipeError, UnreadError):  # the reader of our output has gone; Python would complain again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE
    except (Exception, SystemExit):  # noqa: BLE001 (the last line of defence: a bug becomes a report, and never exit 0)
        click.echo(_bug_report(), err=True)
        return BUG
    return returned if isinstance(returned, int) else 0


def _refuse_credentials(arguments: Sequence[str]) -> None:
    if any(holds_credentials(word) for word in arguments):
        raise InputError(f"an address on the command line holds credentials; {REMEDY}")


def _terminated(_number: int, _frame: object) -> None:
    """End like an interrupt, so that worktrees and the user's processes are cleaned up, which no second one stops."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _stopped(stop: BaseException) -> int:
    if isinstance(stop, click.exceptions.Exit):
        return stop.exit_code
    if isinstance(stop, click.ClickException):
        stop.show()
        if os.environ.get("GITHUB_ACTIONS") == "true":
            print_error(Problem(stop.format_message()))
        return INPUT
    click.echo("mlci: stopped", err=True)
    return INTERRUPTED


def print_error(problem: Problem) -> None:
    """Print one problem to standard error, as an annotation where GitHub reads the log.

    Messages quote the user's files, so nothing in them may command the runner or the terminal.
    """
    harmless = "\n".join(sanitize(line) for line in hide_credentials(problem.message).splitlines())
    path = None if problem.path is None else sanitize(hide_credentials(problem.path))
    problem = replace(problem, message=harmless, path=path)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(annotation("error", problem.message, path=problem.path, line=problem.line), err=True)
    else:
        click.echo(f"{click.style('error', fg='red', bold=True)}: {problem}", err=True, color=_colour())


def _colour() -> bool | None:
    """Return ``False`` where the user wants no colour (no-color.org); ``None`` leaves it to the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _bug_report() -> str:
    """Return a log that is ready to be an issue."""
    lines = [
        "mlci: this is a bug in mlci, not in your project. Please open an issue with everything below.",
        "",
        f"mlci {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"mlci {' '.join(sys.argv[1:])}",
        "",
        traceback.format_exc(),
    ]
    return hide_credentials("\n".join(lines))
