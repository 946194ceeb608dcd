"""The champion for MLflow's users: versions and aliases of a registered model of the model's own name.

``models:/<model>@champion`` is the version in production, with its files under their own names. The mirror decides
nothing and is never read by mlci: it is made from the ledger, after the ledger, and can be made again at any time.

An alias belongs to whoever writes last, so a slow mirror could put an old champion over a newer one. Therefore each
reads the ledger and the aliases again after it wrote, and goes on until they agree. The last one to write is then also
the last one to look; where it was killed in between, the next mirror puts it right.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlci.errors import OutsideError
from mlci.registry import disk, entries, ledger, naming
from mlci.registry.answers import AbsentError, TakenError
from mlci.registry.entries import Promotion, State
from mlci.registry.interface import CorruptError
from mlci.registry.manifest import File, Manifest
from mlci.registry.mlflow import PREFIX, MlflowStore

CHAMPION, CHALLENGER = "champion", "challenger"
VERSION, MANIFEST = "mlci.version", "mlci.manifest"
_FOLDER = "model"
_ROUNDS = 10
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """What MLflow shows now.

    Attributes:
        name: The registered model.
        champion: Our version in production, and MLflow's number of it.
        challenger: The same of the version that production was rolled back from, if it was.
    """

    name: str
    champion: tuple[int, int]
    challenger: tuple[int, int] | None


def name_of(model: str) -> str:
    """Return the name of the registered model: the model's own, where MLflow takes it."""
    plain = len(model) <= 200 and model.isprintable() and model == model.strip() and not set("/:\\'\"`%") & set(model)
    if plain and model.strip(".") and not model.startswith(PREFIX):
        return model
    return f"mlci-model.{naming.folder(model)}"


def mirror(store: MlflowStore) -> Mirrored | None:
    """Show MLflow's users what the ledger says; ``None`` before the first promotion.

    Raises:
        CorruptError: The champion is not whole.
        OutsideError: MLflow did not do its part, or others promoted all the time. The ledger is as it was.
    """
    name = name_of(store.model)
    for _ in range(_ROUNDS):
        state = ledger.tail(store).state
        if state.champion is None:
            return None
        wanted = {CHAMPION: state.champion, CHALLENGER: _challenger(state)}
        shown = {alias: _shown(store, name, state, version) for alias, version in wanted.items()}
        _alias(store, name, shown)
        end = ledger.tail(store).state
        if (end.champion, end.versions) == (state.champion, state.versions) and _holds(store, name, shown):
            pairs = {alias: (wanted[alias], number) for alias, number in shown.items()}
            return _mirrored(name, pairs)
    raise OutsideError(f"{store.shown}: aliases of {name} changed {_ROUNDS} times in a row; the next promotion tries again")


def _mirrored(name: str, pairs: dict[str, tuple[int | None, int | None]]) -> Mirrored:
    def whole(alias: str) -> tuple[int, int] | None:
        version, number = pairs[alias]
        return None if version is None or number is None else (version, number)

    champion = whole(CHAMPION)
    assert champion is not None  # noqa: S101 - there is one, or nothing was mirrored
    return Mirrored(name=name, champion=champion, challenger=whole(CHALLENGER))


def _challenger(state: State) -> int | None:
    """Return the newest version, if production was rolled back from it: the one that waits for its return."""
    return state.versions if state.versions != state.champion else None


def _shown(store: MlflowStore, name: str, state: State, version: int | None) -> int | None:
    """Return MLflow's number for one of our versions, after making it where it is missing."""
    if version is None:
        return None
    digest, manifest = _manifest(store, state, version)
    tags = {VERSION: str(version), MANIFEST: digest}
    found = _first(store, name, tags)
    if found is None:
        run = _files(store, manifest, tags)
        _create(store, name, f"{run.info.artifact_uri}/{_FOLDER}", run.info.run_id, tags, manifest)
        found = _first(store, name, tags)
    if found is None:
        raise OutsideError(f"{store.shown}: version {version} was shown as {name} and can't be found")
    return int(found.version)


def _manifest(store: MlflowStore, state: State, version: int) -> tuple[str, Manifest]:
    body = ledger.read(store, state.promoted[str(version)]).body
    if not isinstance(body, Promotion):
        raise CorruptError(f"{store.shown}: the entry that should have promoted version {version} did not")
    with _fetched(store, body.manifest, "manifest") as path:
        try:
            if disk.size_of(path) > _MOST_BYTES:
                raise CorruptError(f"{store.shown}: the manifest of version {version} is too large")
            return body.manifest, Manifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            why = error.errors()[0]["msg"]
            raise CorruptError(f"{store.shown}: the manifest of version {version} can't be read: {why}") from None


@contextlib.contextmanager
def _fetched(store: MlflowStore, digest: str, what: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mlci-") as room:
        yield _fetch(store, digest, Path(room) / "file", what)


def _fetch(store: MlflowStore, digest: str, target: Path, what: str) -> Path:
    """Copy a file out of the registry and hold it against its digest."""
    if not store.get(digest, target):
        raise CorruptError(f"{store.shown}: {what} (file {digest}) is missing")
    if disk.digest(target) != digest:
        raise CorruptError(f"{store.shown}: {what} (file {digest}) is not what it was")
    return target


def _files(store: MlflowStore, manifest: Manifest, tags: dict[str, str]) -> Any:  # noqa: ANN401 - a run of MLflow's
    """Put the model's files into one run, under their own names."""
    for run in store.experiment.runs({**tags, "mlci.shown": "whole"}):
        return run  # of a mirror that was killed before it made the version
    with tempfile.TemporaryDirectory(prefix="mlci-") as room:
        folder = Path(room) / _FOLDER
        folder.mkdir()
        files = manifest.files or (manifest.predictions.file,)
        for file in files:
            path = _place(folder, file, store)
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(store, file.digest, path, f"{file.name} of version {manifest.version}")
        size = sum(file.bytes for file in files)
        run = store.experiment.upload(folder, tags, name=f"version {manifest.version}", size=size, folder=_FOLDER)
    store.tracking.again("show a version", lambda mlflow: mlflow.set_tag(run.info.run_id, "mlci.shown", "whole"))
    return run


def _place(folder: Path, file: File, store: MlflowStore) -> Path:
    path = folder / file.name
    if not path.resolve().is_relative_to(folder.resolve()) or path == folder:
        raise CorruptError(f"{store.shown}: {file.name!r} is no place for a file of a model")
    return path


def _create(store: MlflowStore, name: str, source: str, run_id: str, tags: dict[str, str], manifest: Manifest) -> None:
    words = f"mlci: version {manifest.version} of {manifest.model}, commit {manifest.recipe.commit or 'unknown'}"
    tracking = store.tracking
    with contextlib.suppress(TakenError):
        tracking.again("show a model", lambda mlflow: mlflow.create_registered_model(name))
    tracking.again(
        "show a version",
        lambda mlflow: mlflow.create_model_version(
            name, source, run_id, tags=tags, description=words[:1_000], await_creation_for=0
        ),
    )


def _first(store: MlflowStore, name: str, tags: dict[str, str]) -> Any:  # noqa: ANN401 - a version of MLflow's
    """Return the first version with these tags; of two mirrors at once both take that one."""
    wanted = " and ".join([f"name = '{name}'", *(f"tags.`{key}` = '{value}'" for key, value in tags.items())])
    found = store.tracking.again(
        "look for a version",
        lambda mlflow: mlflow.search_model_versions(wanted, max_results=1, order_by=["version_number ASC"]),
    )
    return next(iter(found), None)


def _alias(store: MlflowStore, name: str, shown: dict[str, int | None]) -> None:
    there = _aliases(store, name)
    for alias, number in shown.items():
        if number is not None and there.get(alias) != number:
            store.tracking.again(
                "set an alias",
                lambda mlflow, alias=alias, number=number: mlflow.set_registered_model_alias(name, alias, str(number)),
            )
        elif number is None and alias in there and _ours(store, name, there[alias]):
            store.tracking.again(
                "remove an alias", lambda mlflow, alias=alias: mlflow.delete_registered_model_alias(name, alias)
            )


def _ours(store: MlflowStore, name: str, number: int) -> bool:
    """Tell whether a version is of the mirror's making; a challenger that somebody else named stays."""
    with contextlib.suppress(AbsentError):
        found = store.tracking.again("look for a version", lambda mlflow: mlflow.get_model_version(name, str(number)))
        return VERSION in found.tags
    return False


def _aliases(store: MlflowStore, name: str) -> dict[str, int]:
    found = store.tracking.again("read aliases", lambda mlflow: mlflow.get_registered_model(name))
    return {alias: int(number) for alias, number in found.aliases.items()}


def _holds(store: MlflowStore, name: str, shown: dict[str, int | None]) -> bool:
    there = _aliases(store, name)
    return all(number is None or there.get(alias) == number for alias, number in shown.items())
