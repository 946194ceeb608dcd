"""Factory of the registry that a configuration names, and of the author of its entries.

The author has the id of the invocation, by which a rerun recognizes the first attempt's entry. In a workflow the run,
the job and the step identify the invocation, for all attempts. Outside of one, a file in mlci's folder does: it exists
from before the decision is written until the command has confirmed the write.
"""

import contextlib
import functools
import getpass
import json
import os
import platform
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from mlci.cli.error_handler import annotation
from mlci.cli.events.current import current_events, github_access, github_patience, wait_noted
from mlci.cli.github_actions import read_workflow
from mlci.cli.output_files import OURS, keep_out_of_git
from mlci.config.loader import CheckedConfig, LoadedConfig
from mlci.config.models import Baseline
from mlci.config.read import load
from mlci.config.types import DEFAULT_REGISTRY, GITHUB, MLFLOW, STORES
from mlci.errors import InputError, OutsideError
from mlci.execution.environment import child_environment, registry_credentials
from mlci.git.git import Git, tracked_files
from mlci.git.refs import read_head
from mlci.metrics import catalogue
from mlci.registry.entry_kinds import Actor
from mlci.registry.manifest import Environment
from mlci.registry.registry import Author, Intent, Registry
from mlci.registry.stores.interface import Store
from mlci.registry.stores.snapshot import SnapshotReader
from mlci.util.digests import canonical_json, sha256_of
from mlci.util.safe_files import read_bounded

_FOLDER = "pending"
_MOST_BYTES = 4096
_STEP = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_JOB", "GITHUB_ACTION")


def open_registry(loaded: LoadedConfig, folder: Path, *, writes: bool = False, fetched: str = "") -> Registry:
    """Return the registry, with the author if it is written to.

    Args:
        loaded: The configuration.
        folder: Its folder.
        writes: Whether it is written to.
        fetched: Digest of the copy that `mlci fetch` made, to read that copy; empty for the registry itself.

    Raises:
        InputError: if the registry can't be used from here.
        CorruptError: if the copy is not the one that was made.
    """
    if fetched and not writes:
        return Registry(SnapshotReader(folder / OURS / "fetched", fetched))
    environment = dict(os.environ)
    _lasts(loaded, environment)
    return Registry(
        build_store(loaded, folder, environment), writer(folder, loaded.config.registry) if writes else None
    )


def load_with_registry(config_path: Path) -> tuple[CheckedConfig, Registry]:
    """Return a configuration and its registry, for commands that only read."""
    loaded, environment = load(config_path, catalogue), dict(os.environ)
    _lasts(loaded, environment)
    return loaded, Registry(build_store(loaded, config_path.parent, environment))


def _lasts(loaded: LoadedConfig, environment: Mapping[str, str]) -> None:
    """Warn about a registry in a folder that a workflow's job loses at its end."""
    if environment.get("GITHUB_ACTIONS") == "true" and loaded.config.registry == DEFAULT_REGISTRY:
        words = f"`registry: {DEFAULT_REGISTRY}` is a folder that this runner loses when the job ends; use a remote"
        at = loaded.problem(f"{words} registry: `github`, `s3://…`, `gs://…`, `az://…`, `mlflow:…`", "registry")
        click.echo(annotation("warning", at.message, path=at.path, line=at.line), err=True)


def uses_registry(loaded: LoadedConfig) -> bool:
    """Check if a run uses a registry: not if the baseline is a file or a reference."""
    return not isinstance(loaded.config.baseline, Baseline)


def reads_registry(loaded: LoadedConfig) -> bool:
    """Check if a run reads a registry: for the baseline, or for the looks at the evaluation set."""
    return loaded.config.baseline == "production" or loaded.config.reuse is not None


def is_remote(loaded: LoadedConfig) -> bool:
    """Check if a configuration's registry is read over the network, with a token or credentials."""
    place = loaded.config.registry
    return place == GITHUB or place.startswith((MLFLOW, *(f"{scheme}://" for scheme in STORES)))


def refuse_training_beside_credentials(loaded: LoadedConfig, environment: Mapping[str, str], *, instead: str) -> None:
    """Refuse to train and to write a remote registry in one job of a workflow: the training could use its token.

    Raises:
        InputError: if both would happen; the message has the way to record in a job that runs no user code.
    """
    if environment.get("GITHUB_ACTIONS") == "true" and is_remote(loaded):
        words = "in a workflow, no job both runs your commands and writes the registry"
        raise InputError(loaded.problem(f"{words}; {instead}", "registry"))


def build_store(loaded: LoadedConfig, folder: Path, environment: Mapping[str, str]) -> Store:
    """Return the registry of a configuration; its adapter is imported only now.

    Args:
        loaded: The configuration.
        folder: Its folder.
        environment: Variables of this process, with credentials.

    Raises:
        InputError: if it can't be used from here.
    """
    place = loaded.config.registry
    if place.startswith(tuple(f"{scheme}://" for scheme in STORES)):
        from mlci.registry.stores.object_store import ObjectStore  # noqa: PLC0415 - the adapter that was asked for

        return ObjectStore(place, loaded.config.model, environment, pause=wait_noted(place.partition(":")[0]))
    if place.startswith(MLFLOW):
        from mlci.registry.stores.mlflow.store import MlflowStore  # noqa: PLC0415 - the adapter that was asked for

        if place.startswith(f"{MLFLOW}sqlite:///"):
            _untracked(loaded, folder / place.removeprefix(f"{MLFLOW}sqlite:///"), folder, environment)
        pause = wait_noted("mlflow")  # MLflow reads its settings in the environment itself
        return MlflowStore(place, loaded.config.model, os.environ, folder=folder, pause=pause)
    if place == GITHUB:
        return _in_repository(loaded, environment)
    from mlci.registry.stores.folder import FolderStore  # noqa: PLC0415 - the adapter that was asked for

    _untracked(loaded, folder / place, folder, environment)
    return FolderStore(folder / place, loaded.config.model)


def refuse_alias_of_user(registry: Registry) -> None:
    """Refuse to move MLflow's `champion` alias if the user set it.

    Raises:
        InputError: if the user set it; the message names the commands that take it over.
    """
    from mlci.registry.stores.mlflow.aliases import check_alias as check  # noqa: PLC0415 - of one adapter
    from mlci.registry.stores.mlflow.store import MlflowStore  # noqa: PLC0415

    if isinstance(registry.store, MlflowStore):
        check(registry.store)


def update_mlflow_aliases(registry: Registry, *, take_alias: bool = False) -> str | None:
    """Update MLflow's model and aliases from the ledger, for a registry in MLflow; return a note if that failed."""
    from mlci.registry.stores.mlflow.aliases import mirror_champion  # noqa: PLC0415 - of one adapter
    from mlci.registry.stores.mlflow.store import MlflowStore  # noqa: PLC0415

    try:
        if isinstance(registry.store, MlflowStore):
            mirror_champion(registry.store, take_alias=take_alias)
    except InputError as error:
        return f"note: {error}"
    except OutsideError as error:
        return f"note: MLflow's own model does not show this yet: {error}; the next promotion or rollback tries again"
    return None


def writer(folder: Path, registry: str) -> Author:
    """Return the author of entries, by the environment of this process; git does not get the registry's credentials."""
    environment = dict(os.environ)
    own = child_environment(environment, {}, credentials=registry_credentials(registry))
    return read_author(Git(folder=folder, environment=own), environment)


def read_author(git: Git, environment: Mapping[str, str]) -> Author:
    """Return the author: actor, run and commit of a workflow, else this machine's user and the checkout's commit."""
    at = read_head(git)
    by = Actor(
        actor=environment.get("GITHUB_ACTOR") or _user(),
        run=_run(environment),
        commit=environment.get("GITHUB_SHA") or (at.commit if at else None),
    )
    return Author(by=by, now=clock, nonce=lambda: uuid.uuid4().hex, emit=current_events().emit)


def clock() -> str:
    """Return the time of this machine's clock."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@functools.cache
def runtime_environment() -> Environment:
    """Return the environment of mlci itself; that of the user's commands is only known from their lock files."""
    from importlib.metadata import distributions  # noqa: PLC0415 - only a bundle needs it

    metadata = [item.metadata for item in distributions()]  # each read parses the whole file
    packages = {item["Name"]: item["Version"] for item in metadata if "Name" in item}
    return Environment(python=platform.python_version(), platform=platform.platform(), packages=packages)


def _in_repository(loaded: LoadedConfig, environment: Mapping[str, str]) -> Store:
    from mlci.registry.stores.github_store import RepositoryStore  # noqa: PLC0415 - the adapter that was asked for

    workflow = read_workflow(environment)
    if workflow.wrong is not None:
        raise workflow.wrong
    if workflow.repository is None or workflow.token is None:
        lacks = (
            "which repository: GITHUB_REPOSITORY"
            if workflow.repository is None
            else "a token: MLCI_TOKEN or GITHUB_TOKEN"
        )
        words = (
            f"`registry: github` needs to know {lacks} is not set. In a workflow, add to the step `env: GITHUB_TOKEN: "
            "${{ github.token }}`; on a machine, `export GITHUB_REPOSITORY=owner/name GITHUB_TOKEN=$(gh auth token)`"
        )
        raise InputError(loaded.problem(words, "registry"))
    access = github_access(workflow.api, workflow.token)
    return RepositoryStore(access, workflow.repository, loaded.config.model, patience=github_patience())


def _untracked(loaded: LoadedConfig, place: Path, folder: Path, environment: Mapping[str, str]) -> None:
    """Refuse a registry on this machine that came with a commit."""
    planted = False
    with contextlib.suppress(InputError):  # no repository: nothing is tracked
        own = child_environment(environment, {}, credentials=registry_credentials(loaded.config.registry))
        planted = tracked_files(Git(folder=folder, environment=own), place)
    if planted:
        why = f"git tracks files in `{loaded.config.registry}`, so a pull request could write its own baseline"
        words = f"{why}; remove them from git (`git rm -r --cached`), or name a place outside of the repository"
        raise InputError(loaded.problem(words, "registry"))


def _run(environment: Mapping[str, str]) -> str | None:
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environment.get(name) for name in names)
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else None


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


@contextlib.contextmanager
def with_intent(
    registry: Registry, folder: Path, environment: Mapping[str, str], command: str, asked: Mapping[str, object]
) -> Iterator[Registry]:
    """Add the id of this invocation to a registry's author; forget the id when the command has succeeded.

    Args:
        registry: The registry, with the author of the entries.
        folder: Folder of the configuration.
        environment: Variables of the process.
        command: Name of the command.
        asked: Parameters of the command; other parameters, or another registry, are another invocation.
    """
    author, asked = registry.required_author(), {**asked, "registry": registry.shown}
    if environment.get("GITHUB_ACTIONS") == "true" and environment.get("GITHUB_RUN_ID"):
        yield Registry(registry.store, replace(author, intent=_of_step(environment, command, asked)))
        return
    path = folder / OURS / _FOLDER / f"{command}-{sha256_of(canonical_json(asked))[:16]}.json"
    earlier = _pending(path)
    intent = Intent(id=earlier or uuid.uuid4().hex, repeated=earlier is not None)
    with contextlib.suppress(OSError):  # in a read-only folder, no id is kept
        keep_out_of_git(folder / OURS)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(canonical_json({"intent": intent.id}))
    yield Registry(registry.store, replace(author, intent=intent))
    path.unlink(missing_ok=True)


def _of_step(environment: Mapping[str, str], command: str, asked: Mapping[str, object]) -> Intent:
    step = [environment.get(name, "") for name in _STEP]
    digest = sha256_of(canonical_json([*step, command, asked]))
    return Intent(id=digest[:32], repeated=environment.get("GITHUB_RUN_ATTEMPT", "1") != "1")


def _pending(path: Path) -> str | None:
    """Return the id of an earlier attempt with an unknown outcome."""
    try:
        return str(json.loads(read_bounded(path, _MOST_BYTES, links=False))["intent"])[:64]
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return None
