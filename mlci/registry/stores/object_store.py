"""Store in an object store.

The same layout as in a folder. An entry is put with ``If-None-Match: *`` (S3, Azure) or generation 0 (Google): the
store itself refuses an existing number, in one step. The checkpoint is replaced only if it is still the one that was
read. Large files are uploaded in parts and appear when the last part is complete; the parts of a killed upload are
invisible (a lifecycle rule for incomplete uploads removes them).
"""

import contextlib
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlci.errors import OutsideError
from mlci.registry import entries, layout
from mlci.registry.errors import ConflictError, UnconfirmedError, UnknownOutcomeError
from mlci.registry.stores import interface, object_store_uri
from mlci.registry.stores.interface import (
    MOST_CHECKPOINT_BYTES,
    Checkpoint,
    Entries,
    StoredFile,
    dump_checkpoint,
    parse_checkpoint,
)
from mlci.registry.stores.object_store_bucket import Bucket
from mlci.registry.stores.request_limits import Limits

_WITNESS = "witness.json"


class ObjectStore:
    """One model's part of a bucket; see :class:`mlci.registry.stores.interface.Store`."""

    removes_files = True

    def __init__(
        self,
        url: str,
        model: str,
        environment: Mapping[str, str],
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Build the client, without sending a request.

        Args:
            url: ``s3://bucket/prefix``, ``gs://…`` or ``az://container/prefix``.
            model: Name of the model, any text.
            environment: Variables with the credentials; :mod:`mlci.registry.stores.object_store_uri` lists them.
            limits: Limits on time and tries.
            pause: Waits between tries.

        Raises:
            InputError: if the address is not supported, or obstore is not installed.
            OutsideError: if the settings can't be used.
        """
        place = object_store_uri.parse_bucket_uri(url)
        base = "/".join(part for part in (place.prefix, layout.model_folder(model)) if part)
        self._bucket = Bucket(place, base, environment, limits, pause)

    @property
    def shown(self) -> str:
        """The model's address."""
        return self._bucket.shown

    def tail(self) -> int:
        """Return the newest entry's number: by one listing from the checkpoint on, or of all if that is empty."""
        seen = self.read_checkpoint()
        before = layout.entry_name(seen.number - 1) if seen is not None and seen.number > 1 else None
        return (self._newest(before) if before else 0) or self._newest(None)

    def _newest(self, after: str | None) -> int:
        numbers = map(layout.entry_number, self._bucket.names("ledger", after=after))
        return max((number for number in numbers if number is not None), default=0)

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes."""
        found = self._bucket.read(_entry(number), entries.MOST_BYTES, what=f"read entry {number}")
        return None if found is None else found[0]

    def read_to(self, last: int) -> Entries:
        """Yield entries, several of them read in parallel."""
        return interface.several(self.read, last)

    def read_range(self, first: int, last: int) -> Entries:
        """Yield entries from the middle, several of them read in parallel."""
        return interface.several(self.read, last, first=first)

    def sizes(self, digests: Collection[str]) -> dict[str, int]:
        """Return the sizes of files: by a listing if that takes fewer requests, else one by one."""
        wanted = {"/".join(layout.file_name(digest)): digest for digest in digests}
        listed, behind = self._bucket.sizes("files", pages=max(1, len(wanted) // 4))
        found = {wanted[name]: size for name, size in listed.items() if name in wanted}
        for name, digest in wanted.items():
            size = self._bucket.size(f"files/{name}") if behind is not None and name > behind else None
            found |= {} if size is None else {digest: size}
        return found

    def files(self) -> Iterator[StoredFile]:
        """Yield every file, from listings of 1,000 each."""
        for name, size, at in self._bucket.facts("files"):
            digest = name.rpartition("/")[2]
            if layout.is_digest(digest) and "/".join(layout.file_name(digest)) == name:
                yield StoredFile(digest=digest, bytes=size, written_at=at)

    def delete_file(self, digest: str) -> None:
        """Delete a file."""
        self._bucket.delete(_file(digest))

    def append(self, number: int, entry: bytes) -> bool:
        """Write an entry under a free number; read it back if the outcome is unknown."""
        if number == 1 and self._ignores_conditions():
            raise OutsideError(
                f"registry {self.shown}: the store ignores conditional writes (`If-None-Match: *`), so that of two "
                "promotions at once one would be lost. Use a store that honours them (AWS S3, Google Cloud Storage, "
                "Azure, MinIO, Ceph from Squid, versitygw without `--nometa`), or `registry: github`"
            )
        trouble, doubted = f"registry {self.shown}: entry {number} came and went", False
        for _ in self._bucket.policy.tries():
            try:
                self._bucket.write(_entry(number), entry, "create", what=f"append entry {number}")
            except ConflictError:
                pass
            except UnconfirmedError as error:
                trouble, doubted = str(error), True
            except OutsideError as error:
                if not doubted:
                    raise
                trouble = str(error)
            else:
                return True
            with contextlib.suppress(OutsideError):
                there = self.read(number)
                if there is not None:
                    return there == entry
        raise UnknownOutcomeError(f"{trouble}; whether entry {number} was written is not known")

    def _ignores_conditions(self) -> bool:
        """Write one probe twice, and return whether the store lets the second write replace the first.

        If the network fails, the result is unknown; then the append that follows fails too, or is read back.
        """
        name = f"tmp/probe-{secrets.token_hex(8)}"
        try:
            self._bucket.write_probe(name, b"first")
            return not self._bucket.is_taken(name, b"second")
        except OutsideError:
            return False
        finally:
            with contextlib.suppress(OutsideError):  # a writer may lack the right to delete
                self._bucket.delete(name)

    def remove(self) -> None:
        """Remove everything of this model."""
        for name in self._bucket.names(""):
            self._bucket.delete(name)

    def written_at(self) -> datetime | None:
        """Return the time at which the first entry was written, by the store's clock."""
        return self._bucket.written_at(_entry(1))

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint."""
        found = self._checkpoint()
        return None if found is None else found[0]

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint unless one of the same or a later entry exists; of two writers the slower one repeats."""
        for _ in self._bucket.policy.tries():
            found = self._checkpoint()
            if found is not None and found[0].number >= checkpoint.number:
                return
            mode: Any = "create" if found is None else found[1]
            with contextlib.suppress(ConflictError):
                self._bucket.write(_WITNESS, dump_checkpoint(checkpoint), mode, what=f"write {_WITNESS}")
                return

    def _checkpoint(self) -> tuple[Checkpoint, dict[str, str]] | None:
        """Return the checkpoint, and the ETag (Google: generation) of this state of it."""
        found = self._bucket.read(_WITNESS, MOST_CHECKPOINT_BYTES, what=f"read {_WITNESS}")
        if found is None:
            return None
        state = {key: found[1][key] for key in ("e_tag", "version") if found[1].get(key) is not None}
        return parse_checkpoint(found[0], shown=self.shown), state

    def put(self, source: Path, digest: str) -> None:
        """Store a file; its digest is verified before the last part is uploaded."""
        self._bucket.upload(source, _file(digest), digest)

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``, atomically."""
        return self._bucket.download(_file(digest), target)

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check if a file of that size exists."""
        found = self._bucket.size(_file(digest))
        return found is not None and size in (None, found)


def _entry(number: int) -> str:
    return f"ledger/{layout.entry_name(number)}"


def _file(digest: str) -> str:
    return "/".join(("files", *layout.file_name(digest)))
