"""Builds the adapters from the environment; the only place that knows them all."""

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

import click

from mlci import __version__
from mlci.baseline.cache import Cache
from mlci.baseline.git import Git
from mlci.baseline.head import elsewhere
from mlci.cli.output import OURS, keep_out_of_git
from mlci.cli.workflow import head_of_this_run
from mlci.config.load import Loaded
from mlci.config.read import read
from mlci.engine.duck import DuckEngine
from mlci.engine.features.write import write_features
from mlci.engine.fingerprint import fingerprint
from mlci.engine.rows import row_digests
from mlci.engine.shared import share_rows
from mlci.engine.sought import lack
from mlci.engine.survey import survey
from mlci.metrics import catalogue
from mlci.registry.interface import Store
from mlci.registry.ledger import Stamp
from mlci.report.document import BaselineRef, Candidate
from mlci.steps.environment import child_environment, hide_environment, registry_credentials
from mlci.steps.log import ActionsLog, Log, PlainLog, TerminalLog
from mlci.steps.metric_stage import MetricProcess
from mlci.steps.process import Processes
from mlci.steps.refusing_runner import RefusingRunner
from mlci.usecases.document import Facts
from mlci.usecases.origins import policy
from mlci.usecases.tools import Tools


def configuration(path: Path) -> Loaded:
    """Read and check the configuration; every problem at once."""
    return read(path, catalogue)


@contextlib.contextmanager
def tools(
    folder: Path,
    *,
    cached: bool = True,
    threads: int | None = None,
    registry: Store | None = None,
    stamp: Stamp | None = None,
    log: TextIO | None = None,
    place: str = "",
    user_code: bool = True,
) -> Iterator[Tools]:
    """Build the effects for one run and clean up what it left; ``log`` takes what goes to standard error otherwise.

    ``place`` is the configured registry, whose credentials steps and git go without. Without ``user_code`` no command,
    model or custom metric of the user is run.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-run-", ignore_cleanup_errors=True) as scratch:
        environment = dict(os.environ)
        hide_environment()
        if cached:
            with contextlib.suppress(OSError):  # a folder that can't be written to has no cache
                keep_out_of_git(folder / OURS)
        credentials = registry_credentials(place)
        shown = _log(log or sys.stderr, environment)
        processes = Processes(environment=environment, log=shown, credentials=credentials)
        own = environment.get("PYTHONPATH", "")
        evaluator = MetricProcess(
            processes, folder=folder, scratch=Path(scratch) / "metrics", python_path=own, user_code=user_code
        )
        yield Tools(
            engine=DuckEngine(threads=threads, row_metrics=evaluator),
            runner=processes if user_code else RefusingRunner(),
            features=write_features,
            fingerprint=fingerprint,
            metric_lack=lack(folder),
            git=Git(folder=folder, environment=child_environment(environment, {}, credentials=credentials)),
            cache=Cache(root=folder / OURS / "cache") if cached else None,
            scratch=Path(scratch),
            clock=time.monotonic,
            say=_progress if log is None else lambda line: click.echo(line, file=log),
            version=__version__,
            registry=registry,
            stamp=stamp,
            rows=row_digests,
            share=share_rows,
            own_folder=folder / OURS,
            survey=survey,
            user_code=user_code,
        )


def facts(loaded: Loaded) -> Facts:
    """Return what is known about a run before it starts."""
    digest = hashlib.sha256(Path(loaded.path).read_bytes()).hexdigest()
    environment = child_environment(os.environ, {}, credentials=registry_credentials(loaded.config.registry))
    git = Git(folder=Path(loaded.path).parent, environment=environment)
    return Facts(
        model=loaded.config.model,
        candidate=Candidate(commit=head_of_this_run(partial(elsewhere, git))),
        baseline=BaselineRef(source="none"),
        policy=policy(loaded.config),
        config_digest=f"sha256:{digest}",
        config_path=_shown(loaded.path),
        versions=_versions(),
    )


def _shown(path: str) -> str:
    """Return a path as the repository knows it, as far as the working folder tells."""
    full, here = Path(path).resolve(), Path.cwd().resolve()
    return full.relative_to(here).as_posix() if full.is_relative_to(here) else path


def terminal_style() -> tuple[bool, int]:
    """Return whether standard output takes colour, and its width."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return colour, shutil.get_terminal_size((100, 24)).columns


def _versions() -> dict[str, str]:
    from importlib.metadata import version  # noqa: PLC0415 (only a report needs it)

    packages = {name: version(name) for name in ("duckdb", "numpy")}
    return {"mlci": __version__, "python": ".".join(map(str, sys.version_info[:3])), **packages}


def _log(stream: TextIO, environment: dict[str, str]) -> Log:
    if environment.get("GITHUB_ACTIONS") == "true":
        return ActionsLog(stream)
    return TerminalLog(stream) if stream.isatty() else PlainLog(stream)


def _progress(line: str) -> None:
    click.echo(f"mlci: {line}", err=True)
