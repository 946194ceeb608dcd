"""Whole versions to promote: new bytes each time, with the manifest that belongs to them."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from mlci.operations.registry import preflight
from mlci.registry import stored_files
from mlci.registry.entries import LedgerState
from mlci.registry.entry_kinds import Promotion
from mlci.registry.manifest import Bundle, Data, Environment, Manifest, Predictions, Recipe, VersionFile
from mlci.registry.registry import Author, Registry
from mlci.registry.stores.interface import Store
from mlci.util.digests import canonical_json

MIB = 1 << 20
ROWS = "sha256:rows"


@dataclass(frozen=True)
class Candidate:
    """The bundle of a run: its content, and the path of each file by digest."""

    content: Bundle
    paths: dict[str, Path]

    @property
    def files(self) -> list[Path]:
        return list(self.paths.values())

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.content.everything())


def candidate(folder: Path, model: int) -> Candidate:
    """Write a model of so many bytes, predictions, a report and a configuration."""
    paths: dict[str, Path] = {}

    def made(name: str, size: int) -> VersionFile:
        (folder / name).write_bytes(os.urandom(size))
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        paths[digest] = folder / name
        return VersionFile(name=name, digest=digest, bytes=size)

    content = Bundle(
        model="model",
        files=(made("model.bin", model),),
        predictions=Predictions(fingerprint=ROWS, file=made("predictions.parquet", MIB)),
        report=made("report.json", 60_000),
        recipe=Recipe(commit=None, config_path="mlci.yml", config=made("mlci.yml", 2_000), seed=1),
        environment=Environment(python="3", platform="x"),
        data=Data(fingerprint=ROWS, rows=1),
    )
    return Candidate(content, paths)


def promote(store: Store, stamp: Author, made: Candidate) -> None:
    """Do to the registry what ``mlci promote`` does: verify what is there, put the files, append the entry."""
    registry = Registry(store, stamp)
    end = registry.view()
    preflight.check_registry(end, now=stamp.now(), despite=None)
    manifest = Manifest.of(made.content, end.state.versions + 1)
    for file in made.content.everything():
        stored_files.put_verified(store, made.paths[file.digest], file, of="a candidate")
    digest = stored_files.describe(store, canonical_json(manifest.model_dump(mode="json", by_alias=True)))

    def decide(state: LedgerState) -> Promotion:
        return Promotion(version=manifest.version, manifest=digest, replaced=state.champion)

    registry.append(decide)


def load(store: Store, target: Path) -> None:
    """Read the version in production, and get all of its files, each verified by its digest."""
    champion = Registry(store).view().champion
    if champion is None:
        raise ValueError("nothing was promoted")
    for file in champion.manifest.everything():
        stored_files.fetch_file(store, file, target / file.name, of="the champion")
