"""Versions and aliases of the registered model, for MLflow's users.

``models:/<model>@champion`` is the version in production, with its files under their own names. mlci never reads this
mirror: it is derived from the ledger, after each decision, and can be made again at any time.

The last writer of an alias wins, so a slow mirror could replace a newer champion by an old one. Therefore each mirror
reads the ledger and the aliases again after it wrote, and repeats until they agree. The last one to write is then also
the last one to read; if it was killed in between, the next mirror corrects the alias.
"""

import contextlib
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlci.errors import InputError, OutsideError
from mlci.registry import layout, ledger, stored_files
from mlci.registry.entries import LedgerState
from mlci.registry.errors import ConflictError, NotFoundError
from mlci.registry.manifest import Manifest
from mlci.registry.registry import RegistryView
from mlci.registry.stores.mlflow.store import PREFIX, MlflowStore

CHAMPION, CHALLENGER = "champion", "challenger"
VERSION, MANIFEST = "mlci.version", "mlci.manifest"
_FOLDER = "model"
_ROUNDS = 10


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """Current state of the mirror.

    Attributes:
        name: The registered model.
        champion: mlci's version in production, and its number in MLflow.
        challenger: The same for the newest version if it was rolled back; else two times ``None``.
    """

    name: str
    champion: tuple[int | None, int | None]
    challenger: tuple[int | None, int | None]


def registered_model_name(model: str) -> str:
    """Return the name of the registered model: the model's own, if MLflow accepts it."""
    plain = len(model) <= 200 and model.isprintable() and model == model.strip() and not set("/:\\'\"`%") & set(model)
    if plain and model.strip(".") and not model.startswith(PREFIX):
        return model
    return f"mlci-model.{layout.model_folder(model)}"


def check_alias(store: MlflowStore) -> None:
    """Refuse to move a `champion` alias that the user set on another version.

    Raises:
        InputError: if there is one; the message names the commands that take it over.
        OutsideError: if MLflow can't be reached.
    """
    name = registered_model_name(store.model)
    with contextlib.suppress(NotFoundError):
        number = _aliases(store, name).get(CHAMPION)
        if number is not None and not _ours(store, name, number):
            raise InputError(
                f"models:/{name}@{CHAMPION} is MLflow's version {number}, which mlci did not make, so the alias stays. "
                f"To make that model version 1 of mlci's registry: `mlci promote --import models:/{name}@{CHAMPION}`. "
                "To move the alias to mlci's version in production: add `--take-alias`"
            )


def mirror_champion(store: MlflowStore, *, take_alias: bool = False) -> Mirrored | None:
    """Update the mirror from the ledger; ``None`` before the first promotion.

    Args:
        store: The registry.
        take_alias: Whether to move a `champion` alias that mlci did not set.

    Raises:
        InputError: if the alias is on a version that mlci did not make.
        CorruptError: if the champion is damaged.
        OutsideError: if MLflow failed, or other promotions kept coming in between. The ledger is unchanged.
    """
    name = registered_model_name(store.model)
    if not take_alias:
        check_alias(store)
    for _ in range(_ROUNDS):
        view = RegistryView(store, ledger.read_ledger_head(store))
        state = view.state
        if state.champion is None:
            return None
        wanted = {CHAMPION: state.champion, CHALLENGER: _challenger(state)}
        shown = {alias: _shown(store, name, view, version) for alias, version in wanted.items()}
        _alias(store, name, shown)
        now = ledger.read_ledger_head(store).state
        if (now.champion, now.versions) == (state.champion, state.versions) and _holds(store, name, shown):
            return _mirrored(name, wanted, shown)
    changed = f"{store.shown}: aliases of {name} changed {_ROUNDS} times in a row"
    raise OutsideError(f"{changed}; the next promotion shows them as they are")


def _mirrored(name: str, wanted: dict[str, int | None], shown: dict[str, int | None]) -> Mirrored:
    pairs = {alias: (version, shown[alias]) for alias, version in wanted.items()}
    return Mirrored(name=name, champion=pairs[CHAMPION], challenger=pairs[CHALLENGER])


def _challenger(state: LedgerState) -> int | None:
    """Return the newest version if it was rolled back."""
    return state.versions if state.versions != state.champion else None


def _shown(store: MlflowStore, name: str, view: RegistryView, version: int | None) -> int | None:
    """Return MLflow's number of one of mlci's versions; make the version in MLflow if it is missing."""
    if version is None:
        return None
    kept = view.version(version)
    tags = {VERSION: str(version), MANIFEST: kept.digest}
    found = _first(store, name, tags)
    if found is None:
        run = _files(store, kept.manifest, tags)
        _create(store, name, f"{run.info.artifact_uri}/{_FOLDER}", run.info.run_id, tags, kept.manifest)
        found = _first(store, name, tags)
    if found is None:
        raise OutsideError(f"{store.shown}: version {version} was shown as {name} and can't be found")
    return int(found.version)


def _files(store: MlflowStore, manifest: Manifest, tags: dict[str, str]) -> Any:  # noqa: ANN401 - a run of MLflow's
    """Upload the model's files to one run, under their own names."""
    for run in store.experiment.runs({**tags, "mlci.shown": "whole"}):
        return run  # left by a mirror that was killed before it made the version
    files = manifest.files or (manifest.predictions.file,)
    with tempfile.TemporaryDirectory(prefix="mlci-") as room:
        for file in files:
            stored_files.fetch_file(store, file, Path(room) / _FOLDER / file.name, of=f"version {manifest.version}")
        size = sum(file.bytes for file in files)
        title, source = f"version {manifest.version}", Path(room) / _FOLDER
        run = store.experiment.upload(source, tags, name=title, size=size, folder=_FOLDER)
    store.tracking.retry("show a version", lambda mlflow: mlflow.set_tag(run.info.run_id, "mlci.shown", "whole"))
    return run


def _create(store: MlflowStore, name: str, source: str, run_id: str, tags: dict[str, str], manifest: Manifest) -> None:
    words = f"mlci: version {manifest.version} of {manifest.model}, commit {manifest.recipe.commit or 'unknown'}"
    tracking = store.tracking
    with contextlib.suppress(ConflictError):
        tracking.retry("show a model", lambda mlflow: mlflow.create_registered_model(name))
    tracking.retry(
        "show a version",
        lambda mlflow: mlflow.create_model_version(
            name, source, run_id, tags=tags, description=words[:1_000], await_creation_for=0
        ),
    )


def _first(store: MlflowStore, name: str, tags: dict[str, str]) -> Any:  # noqa: ANN401 - a version of MLflow's
    """Return the first version with these tags; of two mirrors at once both take that one."""
    wanted = " and ".join([f"name = '{name}'", *(f"tags.`{key}` = '{value}'" for key, value in tags.items())])
    found = store.tracking.retry(
        "look for a version",
        lambda mlflow: mlflow.search_model_versions(wanted, max_results=1, order_by=["version_number ASC"]),
    )
    return next(iter(found), None)


def _alias(store: MlflowStore, name: str, shown: dict[str, int | None]) -> None:
    there = _aliases(store, name)
    for alias, number in shown.items():
        if number is not None and there.get(alias) != number:
            store.tracking.retry("set an alias", partial(_set, name=name, alias=alias, number=number))
        elif number is None and alias in there and _ours(store, name, there[alias]):
            store.tracking.retry("remove an alias", partial(_unset, name=name, alias=alias))


def _set(mlflow: Any, name: str, alias: str, number: int) -> None:  # noqa: ANN401 - MLflow's client
    mlflow.set_registered_model_alias(name, alias, str(number))


def _unset(mlflow: Any, name: str, alias: str) -> None:  # noqa: ANN401 - MLflow's client
    mlflow.delete_registered_model_alias(name, alias)


def _ours(store: MlflowStore, name: str, number: int) -> bool:
    """Check if the mirror made a version; a challenger that another user set stays."""
    with contextlib.suppress(NotFoundError):
        found = store.tracking.retry("look for a version", lambda mlflow: mlflow.get_model_version(name, str(number)))
        return VERSION in found.tags
    return False


def _aliases(store: MlflowStore, name: str) -> dict[str, int]:
    found = store.tracking.retry("read aliases", lambda mlflow: mlflow.get_registered_model(name))
    return {alias: int(number) for alias, number in found.aliases.items()}


def _holds(store: MlflowStore, name: str, shown: dict[str, int | None]) -> bool:
    there = _aliases(store, name)
    return all(number is None or there.get(alias) == number for alias, number in shown.items())
