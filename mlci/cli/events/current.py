"""Stream of the command that runs, and adapters that emit to it.

Where no command runs, as in `mlci.compare` and in the pytest plugin, events are lines of text and nothing else.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

import click

from mlci import __version__
from mlci.events.events import RequestDelayed
from mlci.events.masks import mask_values
from mlci.events.step_logs import ActionsLog, PlainLog, StepLog, TerminalLog, emit_line, text_sink
from mlci.events.stream import EventStream, Sink

if TYPE_CHECKING:  # these import PyGithub's adapters, which most commands do not need
    from mlci.github.transport import Access
    from mlci.util.retry_policy import RetryPolicy


def current_events() -> EventStream:
    """Return the stream of the running command; outside of one, lines of text on standard error."""
    context = click.get_current_context(silent=True)
    events = getattr(context.obj, "events", None) if context is not None else None
    return events if isinstance(events, EventStream) else masked_stream(os.environ, command_lines(os.environ))


def stream_events(stream: TextIO) -> EventStream:
    """Return a stream of events as lines of text in ``stream``."""
    return masked_stream(
        os.environ, text_sink(_step_log(stream, os.environ), lambda line: emit_line(stream, f"{line}\n"))
    )


def masked_stream(environment: Mapping[str, str], *sinks: Sink) -> EventStream:
    """Return a stream whose events never contain the secrets of the environment."""
    return EventStream(*sinks, now=time.time, mask=mask_values(environment))


def command_lines(environment: Mapping[str, str]) -> Sink:
    """Return the sink that writes lines of text to standard error."""
    return text_sink(_step_log(sys.stderr, environment), lambda line: click.echo(f"mlci: {line}", err=True))


def _step_log(stream: TextIO, environment: Mapping[str, str]) -> StepLog:
    if environment.get("GITHUB_ACTIONS") == "true":
        return ActionsLog(stream)
    return TerminalLog(stream) if stream.isatty() else PlainLog(stream)


def wait_noted(service: str, pause: Callable[[float], None] = time.sleep) -> Callable[[float], None]:
    """Return ``pause`` with an event for each wait before a request is repeated."""
    emit = current_events().emit

    def wait(seconds: float) -> None:
        emit(RequestDelayed(service=service, seconds=seconds))
        pause(seconds)

    return wait


def github_access(url: str, token: str) -> "Access":
    """Return GitHub's address and the token, with an event for each request."""
    from mlci.github.transport import Access  # noqa: PLC0415 - only for commands that ask GitHub

    return Access(url=url, token=token, agent=f"mlci/{__version__}", emit=current_events().emit)


def github_patience() -> "RetryPolicy":
    """Return the policy for retries of requests to GitHub, with an event for each."""
    from mlci.github import retry  # noqa: PLC0415 - as above

    return replace(retry.POLICY, sleep=wait_noted("github", retry.POLICY.sleep))
