"""A registry in an object store: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

The same layout as in a folder. An entry is put with ``If-None-Match: *`` (S3, Azure) or generation 0 (Google): the
store itself refuses a number that is taken, in one step. The witness is replaced only if it still is the one that was
read. Large files go up in parts and appear when the last one is in; what a killed upload leaves is invisible (a life-
cycle rule for incomplete uploads removes it).
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlci.errors import OutsideError
from mlci.registry import disk, entries, naming, places, refusals, witnesses
from mlci.registry.interface import Witness
from mlci.registry.places import Limits

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore as Client

_PART = 8 << 20
_AT_ONCE = 4
_TAKEN = {"AlreadyExistsError", "PreconditionError"}


class ObjectStore:
    """One model's part of a bucket; see :class:`mlci.registry.interface.Store`."""

    def __init__(
        self,
        url: str,
        model: str,
        environment: Mapping[str, str],
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is asked yet.

        Args:
            url: ``s3://bucket/prefix``, ``gs://…`` or ``az://container/prefix``.
            model: Name of the model, any text.
            environment: Variables with the credentials; :mod:`mlci.registry.places` lists them.
            limits: How long is waited.
            pause: Waits between tries of an append.

        Raises:
            InputError: The address is none, or obstore is not installed.
            OutsideError: The settings can't be.
        """
        self._place = places.parse(url)
        self._base = "/".join(part for part in (self._place.prefix, naming.folder(model)) if part)
        self._environment, self._limits, self._pause = environment, limits, pause
        self._bucket_is_there = False
        self._client = self._built(limits)

    @property
    def shown(self) -> str:
        """The model's address."""
        return f"{self._place.provider}://{self._place.bucket}/{self._base}"

    def tail(self) -> int:
        """Return the newest entry's number: one listing from the witness on, or of all where that shows nothing."""
        seen = self.witness()
        newest = self._newest(naming.entry(seen.number - 1)) if seen is not None and seen.number > 1 else 0
        return newest or self._newest(None)

    def _newest(self, after: str | None) -> int:
        import obstore  # noqa: PLC0415 - 0.05 s

        folder = f"{self._base}/ledger"
        offset = None if after is None else f"{folder}/{after}"
        newest = 0
        with self._asked("list the ledger"):
            for page in obstore.list(self._client, folder, offset=offset, chunk_size=1000):
                numbers = (naming.entry_number(item["path"].removeprefix(f"{folder}/")) for item in page)
                newest = max([newest, *(number for number in numbers if number is not None)])
        return newest

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes."""
        found = self._small(f"ledger/{naming.entry(number)}", entries.MOST_BYTES, what=f"read entry {number}")
        return None if found is None else found[0]

    def append(self, number: int, entry: bytes) -> bool:
        """Write an entry under a free number; where the outcome is in doubt, what is there now tells."""
        path, trouble = f"ledger/{naming.entry(number)}", None
        for again in range(self._limits.appends):
            if again:
                self._pause(0.2 * 2**again)
            try:
                self._write(path, entry, "create", what=f"append entry {number}")
            except _TakenError:
                pass
            except _DoubtError as error:
                trouble = error
            else:
                return True
            with contextlib.suppress(_DoubtError):
                there = self.read(number)
                if there is not None:
                    return there == entry
        raise OutsideError(
            f"{trouble or f'registry {self.shown}: entry {number} came and went'}; whether entry {number} was written "
            "is not known. Run the command again: it reads the ledger first and does nothing twice"
        )

    def witness(self) -> Witness | None:
        """Return the witness."""
        found = self._small("witness.json", witnesses.MOST_BYTES, what="read witness.json")
        return None if found is None else witnesses.parse(found[0], shown=self.shown)

    def leave_witness(self, witness: Witness) -> None:
        """Leave a witness, unless one as late is there; of two who do so at once the slower one looks again."""
        for _ in range(self._limits.appends):
            found = self._small("witness.json", witnesses.MOST_BYTES, what="read witness.json")
            if found is not None and witnesses.parse(found[0], shown=self.shown).number >= witness.number:
                return
            mode: Any = "create" if found is None else _version(found[1])
            with contextlib.suppress(_TakenError):
                self._write("witness.json", witnesses.dump(witness), mode, what="write witness.json")
                return

    def put(self, source: Path, digest: str) -> None:
        """Keep a file; what goes up is held against the digest before the last part of it is in."""
        import obstore  # noqa: PLC0415 - 0.05 s

        path = f"{self._base}/files/{'/'.join(naming.file(digest))}"
        try:
            size = source.stat().st_size
        except OSError as error:
            raise OutsideError(f"{source}: could not be read: {error.strerror}") from error
        if self._size(path) == size:
            return
        with self._asked(f"keep {source.name}", write=True):
            data = disk.checked(source, digest)
            obstore.put(
                self._built(self._limits.transfer(size)),
                path,
                b"".join(data) if size <= _PART else data,
                use_multipart=size > _PART,
                chunk_size=_PART,
                max_concurrency=_AT_ONCE,
            )

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``, which is there whole or not at all."""
        path = f"{self._base}/files/{'/'.join(naming.file(digest))}"
        size = self._size(path)
        if size is None:
            return False
        with (
            self._asked(f"copy file {digest}"),
            disk.fresh(target.parent, self._pieces(path, size), durable=False) as got,
        ):
            if got.stat().st_size != size:
                raise OutsideError(
                    f"registry {self.shown}: file {digest} came with {got.stat().st_size:,} bytes of {size:,}"
                )
            got.replace(target)
        return True

    def holds(self, digest: str) -> bool:
        """Tell whether a file is there."""
        return self._size(f"{self._base}/files/{'/'.join(naming.file(digest))}") is not None

    def _small(self, name: str, most: int, *, what: str) -> tuple[bytes, Any] | None:
        """Return a small object whole, or a little more than ``most`` bytes of a larger one, and what is said of it."""
        import obstore  # noqa: PLC0415 - 0.05 s

        with contextlib.suppress(_AbsentError), self._asked(what):
            found = obstore.get(self._client, f"{self._base}/{name}")
            size, data = found.meta["size"], b""
            for piece in found.stream(min_chunk_size=most + 1):
                data += piece
                if len(data) > most:
                    return data[: most + 1], found.meta
            if len(data) != size:
                raise _DoubtError(f"registry {self.shown}: could not {what}: {len(data):,} bytes of {size:,} came")
            return data, found.meta
        return None

    def _write(self, name: str, data: bytes, mode: "PutMode", *, what: str) -> None:
        import obstore  # noqa: PLC0415 - 0.05 s

        try:
            with self._asked(what, write=True):
                obstore.put(self._client, f"{self._base}/{name}", data, mode=mode, use_multipart=False)
        except _AbsentError:
            raise _TakenError from None  # it was there to be replaced, and is gone

    def _size(self, path: str) -> int | None:
        import obstore  # noqa: PLC0415 - 0.05 s

        with contextlib.suppress(_AbsentError), self._asked("look for a file"):
            return obstore.head(self._client, path)["size"]
        if not self._bucket_is_there:  # an answer without a body does not tell what is missing
            self._newest("999999999")
            self._bucket_is_there = True
        return None

    def _pieces(self, path: str, size: int) -> Iterator[bytes]:
        import obstore  # noqa: PLC0415 - 0.05 s

        yield from obstore.get(self._built(self._limits.transfer(size)), path).stream(min_chunk_size=disk.CHUNK)

    def _built(self, limits: Limits) -> "Client":
        with self._asked("use its settings"):
            return places.client(self._place, self._environment, limits)

    @contextlib.contextmanager
    def _asked(self, what: str, *, write: bool = False) -> Iterator[None]:
        """Turn obstore's failures into ours; they have no base in common."""
        try:
            yield
        except OSError as error:
            if error.errno is not None:  # of this machine's own files
                place = f" ({error.filename})" if error.filename else ""
                raise OutsideError(f"could not {what}: {error.strerror}{place}") from error
            if isinstance(error, FileNotFoundError) and not refusals.bucket_is_missing(error):
                raise _AbsentError from None
            raise refusals.told(error, self._place, what=what, write=write) from None
        except Exception as error:
            if not type(error).__module__.startswith("obstore"):
                raise
            if type(error).__name__ in _TAKEN:
                raise _TakenError from None
            told = refusals.told(error, self._place, what=what, write=write)
            raise (told if refusals.final(error) else _DoubtError(str(told))) from None


class _AbsentError(Exception):
    """There is no such object."""


class _TakenError(Exception):
    """The object is not as the write asked for: there already, or another one."""


class _DoubtError(OutsideError):
    """Nobody knows whether it was done."""


def _version(meta: Mapping[str, Any]) -> dict[str, str]:
    """Return what names exactly this state of an object: an ETag, in Google's case a generation."""
    return {key: meta[key] for key in ("e_tag", "version") if meta.get(key) is not None}
