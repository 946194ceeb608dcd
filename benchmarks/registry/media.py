"""The measured stores: a folder on this disk, and an S3 server on this machine; each can also make the plain copy."""

import contextlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import obstore

from mlci.registry.stores import object_store_uri, request_limits
from mlci.registry.stores.folder import FolderStore
from mlci.registry.stores.interface import Store
from mlci.registry.stores.object_store import ObjectStore

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Folder:
    """A folder; the bare copy is flushed to the medium file by file, as a registry's files are, or not at all."""

    root: Path
    flushed: bool = True

    def store(self) -> Store:
        return FolderStore(self.root / "registry", "model")

    def copy_in(self, files: list[Path]) -> list[str]:
        place = self.root / uuid.uuid4().hex
        place.mkdir()
        for path in files:
            shutil.copyfile(path, place / path.name)
            if self.flushed:
                _flush(place / path.name)
        if self.flushed:
            _flush(place)
        return [str(place / path.name) for path in files]

    def copy_out(self, names: list[str], target: Path) -> None:
        for name in names:
            shutil.copyfile(name, target / Path(name).name)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


@dataclass(frozen=True)
class S3:
    """A bucket; the bare copy is made by the same client, without listing, digest or condition."""

    url: str
    environment: dict[str, str]

    def store(self) -> Store:
        return ObjectStore(self.url, "model", self.environment)

    def _client(self):
        return object_store_uri.store_client(
            object_store_uri.parse_bucket_uri(self.url), self.environment, request_limits.Limits()
        )

    def copy_in(self, files: list[Path]) -> list[str]:
        names = [f"bare/{uuid.uuid4().hex}/{path.name}" for path in files]
        for name, path in zip(names, files, strict=True):
            obstore.put(self._client(), name, path)
        return names

    def copy_out(self, names: list[str], target: Path) -> None:
        for name in names:
            with (target / Path(name).name).open("wb") as out:
                for piece in obstore.get(self._client(), name).stream(min_chunk_size=1 << 20):
                    out.write(piece)


@contextlib.contextmanager
def s3() -> Iterator[S3]:
    """A bucket on moto's server, which the tests use as well."""
    from tests.support.registry import buckets  # noqa: PLC0415 - boto3 takes its time

    command = [sys.executable, "-m", "tests.support.registry.s3_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            bucket = buckets.S3(int(process.stdout.readline()), "bench").made()
            yield S3(bucket.url, bucket.environment)
        finally:
            process.terminate()
