"""Composition root of the trusted side of sealed mode: no runner, no user code, and only what it reads.

It is kept apart from :mod:`mlci.cli.wiring`, whose adapters run the user's commands.
"""

import contextlib
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mlci.cli.events.current import current_events, github_access, github_patience
from mlci.cli.github_actions import Workflow
from mlci.cli.publishing.steps import Subject, read_subject
from mlci.cli.registry_factory import clock, open_registry, reads_registry
from mlci.cli.report_facts import report_facts
from mlci.config.loader import Loaded
from mlci.config.models import WithoutRows
from mlci.config.read import load
from mlci.engine.duckdb_engine import DuckDBEngine
from mlci.engine.fingerprint import fingerprint
from mlci.engine.row_count import count_table_rows
from mlci.errors import InputError
from mlci.events.events import ModelSelected
from mlci.github.client import Client
from mlci.github.transport import Access, transport
from mlci.github.workflow_runs import WorkflowRuns
from mlci.metrics import catalogue
from mlci.operations.sealed.gate import SealedGate
from mlci.operations.sealed.judge import SealedContext
from mlci.operations.sealed.labels import open_labels
from mlci.publish.event import payload_number, payload_part
from mlci.registry.entry_kinds import Actor
from mlci.registry.registry import Author, Registry
from mlci.sealed.label_seal import KEY_VARIABLE
from mlci.sealed.refusals import find_refusals


@contextlib.contextmanager
def sealed_gate(
    workflow: Workflow, config: Path, *, train_workflow: str, publishes: bool = True
) -> Iterator[SealedGate]:
    """Build the gate from the environment and the default branch's configuration; remove its temporary files.

    Raises:
        InputError: if repository or token are missing, or the configuration does not even name the model.
    """
    if workflow.wrong is not None:
        raise workflow.wrong
    repository, access, about = workflow.repository, _access(workflow), read_subject(config)
    if repository is None:
        raise InputError("GITHUB_REPOSITORY is not set; on a machine write `export GITHUB_REPOSITORY=owner/name`")
    if about.model is None:
        raise about.error or InputError("the configuration does not name the model, so the check has no name")
    current_events().emit(ModelSelected(model=about.model))
    with tempfile.TemporaryDirectory(prefix="mlci-gate-", ignore_cleanup_errors=True) as scratch:
        context, about = _context(config, about, Path(scratch), workflow)
        yield SealedGate(
            runs=WorkflowRuns(access, repository=repository, patience=github_patience()),
            github=Client(transport(access), repository=repository, patience=github_patience()),
            model=str(about.model),
            policy=about.policy,
            context=context,
            error=about.error,
            train_workflow=train_workflow,
            links=workflow.links,
            url=workflow.run_url,
            emit=current_events().emit,
            publishes=publishes,
        )


def training_run(workflow: Workflow) -> int:
    """Return the number of the training run in the event's payload.

    Raises:
        InputError: if the event is another one, or names no run.
    """
    if workflow.event != "workflow_run":
        raise InputError(
            f"the event is `{workflow.event or 'none'}`; this command is for `workflow_run`. On a machine, name the "
            "training run: `--run 1842 --dry-run`"
        )
    number = payload_number(payload_part(workflow.payload(), "workflow_run"), "id")
    if number is None:
        raise InputError("the event names no workflow run")
    return number


def _context(path: Path, about: Subject, scratch: Path, workflow: Workflow) -> tuple[SealedContext | None, Subject]:
    """Return the context of the judgement; without one the error of the configuration."""
    if about.error is not None:
        return None, about
    try:
        loaded = load(path, catalogue)
        config = loaded.config
        if isinstance(config, WithoutRows):
            raise InputError.of(find_refusals(loaded))
        uses_registry = reads_registry(loaded) or config.probe is not None
        registry = open_registry(loaded, path.parent) if uses_registry else None
        opened = open_labels(config, path.parent, scratch, os.environ.get(KEY_VARIABLE))
    except InputError as error:
        return None, Subject(model=about.model, policy=about.policy, error=error)
    return SealedContext(
        loaded=Loaded(config, loaded.lines, loaded.path),
        facts=report_facts(loaded, commit=None),
        engine=DuckDBEngine(),
        fingerprint=fingerprint,
        count_rows=count_table_rows,
        registry=Registry(registry.store, _author(workflow)) if registry is not None else None,
        scratch=scratch,
        clock=time.monotonic,
        emit=current_events().emit,
        config_path=_repository_path(path),
        today=datetime.now(UTC).date().isoformat(),
        opened=opened,
        in_actions=os.environ.get("GITHUB_ACTIONS") == "true",
    ), about


def _author(workflow: Workflow) -> Author:
    """Return the author of looks: the job, by its variables, because nothing is started here, not even git."""
    by = Actor(actor=os.environ.get("GITHUB_ACTOR"), run=workflow.run_url, commit=os.environ.get("GITHUB_SHA"))
    return Author(by=by, now=clock, nonce=lambda: uuid.uuid4().hex, emit=current_events().emit)


def _repository_path(path: Path) -> str:
    """Return the path of the configuration relative to the checkout's top; as it is outside of one."""
    full = path.resolve()
    top = next((folder for folder in full.parents if (folder / ".git").exists()), None)
    return full.relative_to(top).as_posix() if top is not None else path.as_posix()


def _access(workflow: Workflow) -> Access:
    if workflow.token is None:
        raise InputError("the token is missing: pass `MLCI_TOKEN: ${{ github.token }}` in the step's `env:`")
    return github_access(workflow.api, workflow.token)
