"""Folder of a bucket: small objects, listings and large files, with limits on time, tries and bytes."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlci.errors import OutsideError
from mlci.registry.stores.errors import ConflictError, NotFoundError, UnconfirmedError
from mlci.registry.stores.object_store import errors, uri
from mlci.registry.stores.object_store.uri import BucketUri, Limits
from mlci.registry.stores.retry import attempts, repeat
from mlci.util import atomic_files, safe_files

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore as Client

_PART = 8 << 20
_AT_ONCE = 4
_PAGE = 1000
_SMALL = 1 << 20  # bytes that are copied in one request, within the limits of any request
_TAKEN = {"AlreadyExistsError", "PreconditionError"}
T = TypeVar("T")


class Bucket:
    """Objects below ``base``; names are relative to it."""

    def __init__(
        self,
        place: BucketUri,
        base: str,
        environment: Mapping[str, str],
        limits: Limits,
        pause: Callable[[float], None],
    ) -> None:
        """Build the client, without sending a request."""
        self._place, self._base = place, base
        self._environment, self._limits, self._pause = environment, limits, pause
        self._is_there = False
        self._client = self._built(limits)

    @property
    def shown(self) -> str:
        """The address, without credentials."""
        return f"{self._place.provider}://{self._place.bucket}/{self._base}"

    def tries(self) -> Iterator[int]:
        """Yield tries, waiting longer before each one, until the time is over."""
        return attempts(self._limits, self._pause)

    def read(self, name: str, most: int, *, what: str) -> tuple[bytes, Mapping[str, Any]] | None:
        """Return an object's bytes, at most ``most`` and one more, with its ETag or version; ``None`` if missing."""

        def once() -> tuple[bytes, Mapping[str, Any]] | None:
            import obstore  # noqa: PLC0415 - 0.05 s

            with contextlib.suppress(NotFoundError), self._asked(what):
                found = obstore.get(self._client, f"{self._base}/{name}")
                data = b""
                for piece in found.stream(min_chunk_size=most + 1):
                    data += piece
                    if len(data) > most:
                        return data[: most + 1], found.meta
                self._whole(len(data), found.meta["size"], what)
                return data, found.meta
            return None

        return self._again(once)

    def write(self, name: str, data: bytes, mode: "PutMode", *, what: str) -> None:
        """Write a small object, once.

        Raises:
            ConflictError: if the object is not in the state that ``mode`` requires.
            UnconfirmedError: if it is unknown whether the write succeeded.
            OutsideError: if the write was refused.
        """
        import obstore  # noqa: PLC0415 - 0.05 s

        try:
            with self._asked(what, write=True):
                obstore.put(self._client, f"{self._base}/{name}", data, mode=mode, use_multipart=False)
        except NotFoundError:
            raise ConflictError(what) from None  # the object to replace is gone

    def write_probe(self, name: str, data: bytes) -> None:
        """Write a small object with a name that is used once."""
        with contextlib.suppress(ConflictError):  # written by an earlier try with a lost answer
            self._again(lambda: self.write(name, data, "create", what="write a probe"))

    def is_taken(self, name: str, data: bytes) -> bool:
        """Check if the store refuses to overwrite an object that has to be new."""
        try:
            self._again(lambda: self.write(name, data, "create", what="write a probe"))
        except ConflictError:
            return True
        return False

    def delete(self, name: str) -> None:
        """Delete an object; a missing one is not an error."""
        import obstore  # noqa: PLC0415 - 0.05 s

        with contextlib.suppress(NotFoundError), self._asked(f"delete {name}", write=True):
            obstore.delete(self._client, f"{self._base}/{name}")

    def written_at(self, name: str) -> datetime | None:
        """Return the time at which an object was written, by the store's clock."""

        def once() -> datetime | None:
            import obstore  # noqa: PLC0415 - 0.05 s

            with contextlib.suppress(NotFoundError), self._asked("look for a file"):
                return obstore.head(self._client, f"{self._base}/{name}")["last_modified"]
            return None

        return self._again(once)

    def names(self, folder: str, *, after: str | None = None) -> list[str]:
        """Return the names in a folder that follow ``after`` in the order of bytes."""
        path = f"{self._base}/{folder}".rstrip("/")
        offset = None if after is None else f"{path}/{after}"

        def once() -> list[str]:
            import obstore  # noqa: PLC0415 - 0.05 s

            with self._asked(f"list {folder}"):
                pages = obstore.list(self._client, path, offset=offset, chunk_size=_PAGE)
                return [item["path"].removeprefix(f"{path}/") for page in pages for item in page]

        return self._again(once)

    def sizes(self, folder: str, *, pages: int) -> tuple[dict[str, int], str | None]:
        """Return sizes by name from at most so many pages of a listing, and the last name if there are more."""
        path = f"{self._base}/{folder}"

        def once() -> tuple[dict[str, int], str | None]:
            import obstore  # noqa: PLC0415 - 0.05 s

            found: dict[str, int] = {}
            with self._asked(f"list {folder}"):
                for count, page in enumerate(obstore.list(self._client, path, chunk_size=_PAGE)):
                    if count == pages:
                        return found, max(found, default=None)
                    found |= {item["path"].removeprefix(f"{path}/"): item["size"] for item in page}
            return found, None

        return self._again(once)

    def size(self, name: str) -> int | None:
        """Return an object's size."""

        def once() -> int | None:
            import obstore  # noqa: PLC0415 - 0.05 s

            with contextlib.suppress(NotFoundError), self._asked("look for a file"):
                return obstore.head(self._client, f"{self._base}/{name}")["size"]
            return None

        found = self._again(once)
        if found is None and not self._is_there:
            self.names("nothing")  # only a listing reports a missing bucket; an answer without a body does not
        self._is_there = True
        return found

    def upload(self, source: Path, name: str, digest: str) -> None:
        """Upload a file unless one of its size exists; it appears when it is complete and its digest is verified."""
        size = safe_files.size_of(source)
        if self.size(name) != size:
            self._again(lambda: self._upload(source, name, digest, size))

    def _upload(self, source: Path, name: str, digest: str, size: int) -> None:
        import obstore  # noqa: PLC0415 - 0.05 s

        client, large = self._built(self._limits.transfer(size)), size > _PART
        data, what = safe_files.check_stream(source, digest), f"keep {source.name}"
        try:
            with self._asked(what, write=True):
                obstore.put(
                    client,
                    f"{self._base}/{name}",
                    data if large else b"".join(data),
                    use_multipart=large,
                    chunk_size=_PART,
                    max_concurrency=_AT_ONCE,
                )
        except NotFoundError:  # a missing bucket has its own error, so the upload of the parts is missing
            raise UnconfirmedError(
                f"registry {self._place.shown}: could not {what}: the store discarded the upload"
            ) from None

    def download(self, name: str, target: Path) -> bool:
        """Copy an object to a file, atomically; ``False`` if the object does not exist."""
        small = self._again(lambda: self._download(name, None, target))
        if small is not None:
            return small
        size = self.size(name)
        return size is not None and bool(self._again(lambda: self._download(name, size, target)))

    def _download(self, name: str, size: int | None, target: Path) -> bool | None:
        """Copy an object; if its size is unknown, only a small one, and return ``None`` for a larger one."""
        import obstore  # noqa: PLC0415 - 0.05 s

        what = f"copy {name}"
        with contextlib.suppress(NotFoundError), self._asked(what):
            client = self._client if size is None else self._built(self._limits.transfer(size))
            found = obstore.get(client, f"{self._base}/{name}")
            there = found.meta["size"]
            if size is None and there > _SMALL:
                return None
            pieces = map(bytes, found.stream(min_chunk_size=safe_files.CHUNK))
            with atomic_files.write_fresh(target.parent, pieces, durable=False) as written:
                self._whole(safe_files.size_of(written), there if size is None else size, what)
                written.replace(target)
            return True
        return False

    def _whole(self, came: int, size: int, what: str) -> None:
        if came != size:
            raise UnconfirmedError(f"registry {self._place.shown}: could not {what}: {came:,} bytes of {size:,} came")

    def _again(self, ask: Callable[[], T]) -> T:
        """Repeat an idempotent request if its answer broke off."""
        return repeat(ask, self.tries(), shown=self.shown)

    def _built(self, limits: Limits) -> "Client":
        with self._asked("use its settings"):
            return uri.store_client(self._place, self._environment, limits)

    @contextlib.contextmanager
    def _asked(self, what: str, *, write: bool = False) -> Iterator[None]:
        """Convert obstore's errors, which have no common base class, into mlci's."""
        try:
            yield
        except OSError as error:
            if error.errno is not None:  # about a local file
                place = f" ({error.filename})" if error.filename else ""
                raise OutsideError(f"could not {what}: {error.strerror}{place}") from error
            if isinstance(error, FileNotFoundError) and not errors.bucket_is_missing(error):
                raise NotFoundError(what) from None
            raise errors.store_error(error, self._place, what=what, write=write) from None
        except Exception as error:
            if not type(error).__module__.startswith("obstore"):
                raise
            if type(error).__name__ in _TAKEN:
                raise ConflictError(what) from None
            failure = errors.store_error(error, self._place, what=what, write=write)
            raise (failure if errors.is_final(error) else UnconfirmedError(str(failure))) from None
