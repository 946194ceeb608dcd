"""Folder of a bucket: small objects, listings and large files, with limits on time, tries and bytes.

obstore's messages contain whole addresses, for Azure with a signature that grants access to the container, so they are
never shown. Only status and error code are taken from them, with a message of mlci.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlci.errors import OutsideError
from mlci.registry.errors import ConflictError, NotFoundError, UnconfirmedError
from mlci.registry.stores import object_store_uri
from mlci.registry.stores.object_store_uri import BucketUri
from mlci.registry.stores.request_limits import Limits, repeat
from mlci.util import atomic_files, safe_files

_PART = 8 << 20
_AT_ONCE = 4
_PAGE = 1000
_SMALL = 1 << 20  # bytes that are copied in one request, within the limits of any request
_TAKEN = {"AlreadyExistsError", "PreconditionError"}
T = TypeVar("T")
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>|\"code\": ?\"?([A-Za-z0-9]{1,60})")
_NO_BUCKET = re.compile(
    r"NoSuchBucket|ContainerNotFound|[Bb]ucket does not exist|container does not exist|ResourceNotFoundError"
)
_NO_CREDENTIALS = re.compile(
    r"latest/api/token|latest/meta-data|metadata\.google|169\.254\.169\.254|computeMetadata|Missing(AccessKey|Secret)"
    r"|Missing ?(AccessKeyId|SecretAccessKey|Account)|identity/oauth2|resource=https%3A"
    r"|Account must be specified|MissingAccount"
)
_REFUSED = {"SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken", "AuthenticationFailed"}
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for short-lived ones) and AWS_REGION, "
    "for instance by aws-actions/configure-aws-credentials",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS (a key file) or GOOGLE_OAUTH_ACCESS_TOKEN (google-github-actions/auth with "
    "token_format: access_token)",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and one of AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, or "
    "AZURE_CLIENT_ID with AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE",
}
RIGHTS = {
    "s3": {
        "read": "s3:GetObject on its objects and s3:ListBucket on the bucket",
        "write": "s3:PutObject (and s3:AbortMultipartUpload) on its objects",
    },
    "gs": {
        "read": "storage.objects.get and storage.objects.list (role Storage Object Viewer)",
        "write": "storage.objects.create and, for witness.json, storage.objects.delete (role Storage Object User)",
    },
    "az": {"read": "the role Storage Blob Data Reader", "write": "the role Storage Blob Data Contributor"},
}


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
        self._environment, self._limits, self.policy = environment, limits, limits.policy(pause)
        self._is_there = False
        self._client = self._built(limits)

    @property
    def shown(self) -> str:
        """The address, without credentials."""
        return f"{self._place.provider}://{self._place.bucket}/{self._base}"

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

        return self._retry(once)

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
            self._retry(lambda: self.write(name, data, "create", what="write a probe"))

    def is_taken(self, name: str, data: bytes) -> bool:
        """Check if the store refuses to overwrite an object that has to be new."""
        try:
            self._retry(lambda: self.write(name, data, "create", what="write a probe"))
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

        return self._retry(once)

    def names(self, folder: str, *, after: str | None = None) -> list[str]:
        """Return the names in a folder that follow ``after`` in the order of bytes."""
        path = f"{self._base}/{folder}".rstrip("/")
        offset = None if after is None else f"{path}/{after}"

        def once() -> list[str]:
            import obstore  # noqa: PLC0415 - 0.05 s

            with self._asked(f"list {folder}"):
                pages = obstore.list(self._client, path, offset=offset, chunk_size=_PAGE)
                return [item["path"].removeprefix(f"{path}/") for page in pages for item in page]

        return self._retry(once)

    def facts(self, folder: str) -> list[tuple[str, int, datetime]]:
        """Return name, size and time of every object in a folder."""
        path = f"{self._base}/{folder}"

        def once() -> list[tuple[str, int, datetime]]:
            import obstore  # noqa: PLC0415 - 0.05 s

            with self._asked(f"list {folder}"):
                pages = obstore.list(self._client, path, chunk_size=_PAGE)
                items = (item for page in pages for item in page)
                return [(item["path"].removeprefix(f"{path}/"), item["size"], item["last_modified"]) for item in items]

        return self._retry(once)

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

        return self._retry(once)

    def size(self, name: str) -> int | None:
        """Return an object's size."""

        def once() -> int | None:
            import obstore  # noqa: PLC0415 - 0.05 s

            with contextlib.suppress(NotFoundError), self._asked("look for a file"):
                return obstore.head(self._client, f"{self._base}/{name}")["size"]
            return None

        found = self._retry(once)
        if found is None and not self._is_there:
            self.names("nothing")  # only a listing reports a missing bucket; an answer without a body does not
        self._is_there = True
        return found

    def upload(self, source: Path, name: str, digest: str) -> None:
        """Upload a file unless one of its size exists; it appears when it is complete and its digest is verified."""
        size = safe_files.size_of(source)
        if self.size(name) != size:
            self._retry(lambda: self._upload(source, name, digest, size))

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
        small = self._retry(lambda: self._download(name, None, target))
        if small is not None:
            return small
        size = self.size(name)
        return size is not None and bool(self._retry(lambda: self._download(name, size, target)))

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

    def _retry(self, ask: Callable[[], T]) -> T:
        """Repeat an idempotent request if its answer broke off."""
        return repeat(ask, self.policy)

    def _built(self, limits: Limits) -> "Client":
        with self._asked("use its settings"):
            return object_store_uri.store_client(self._place, self._environment, limits)

    @contextlib.contextmanager
    def _asked(self, what: str, *, write: bool = False) -> Iterator[None]:
        """Convert obstore's errors, which have no common base class, into mlci's."""
        try:
            yield
        except OSError as error:
            if error.errno is not None:  # about a local file
                place = f" ({error.filename})" if error.filename else ""
                raise OutsideError(f"could not {what}: {error.strerror}{place}") from error
            if isinstance(error, FileNotFoundError) and not bucket_is_missing(error):
                raise NotFoundError(what) from None
            raise store_error(error, self._place, what=what, write=write) from None
        except Exception as error:
            if not type(error).__module__.startswith("obstore"):
                raise
            if type(error).__name__ in _TAKEN:
                raise ConflictError(what) from None
            failure = store_error(error, self._place, what=what, write=write)
            raise (failure if is_final(error) else UnconfirmedError(str(failure))) from None


def bucket_is_missing(error: BaseException) -> bool:
    """Check if the whole bucket or container is missing, not only the object."""
    return bool(_NO_BUCKET.search(str(error)))


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status of an answer, if there was one."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None


def is_final(error: BaseException) -> bool:
    """Check if a repeat is useless: the store did answer, and not with "later"."""
    if bucket_is_missing(error) or _NO_CREDENTIALS.search(str(error)):
        return True
    code = http_status(error)
    return code is not None and 400 <= code < 500 and code not in {404, 408, 409, 412, 425, 429}


def store_error(error: BaseException, place: BucketUri, *, what: str, write: bool) -> OutsideError:
    """Return the error to raise for an error of obstore."""
    return OutsideError(f"registry {place.shown}: could not {what}: {_reason(error, place, write=write)}")


def _reason(error: BaseException, place: BucketUri, *, write: bool) -> str:
    text, answer, code = str(error), http_status(error), _code(str(error))
    if bucket_is_missing(error):
        thing = "container" if place.provider == "az" else "bucket"
        return f"the {thing} {place.bucket} does not exist; create it, or correct `registry:`"
    if (about := _about_credentials(error, code)) is not None:
        return f"{about} {CREDENTIALS[place.provider]}"
    if type(error).__name__ == "PermissionDeniedError" or answer in {401, 403}:
        return f"access denied{code}; the credentials need {RIGHTS[place.provider]['write' if write else 'read']}"
    if answer is not None:
        return f"the store answered {answer}{code}"
    return _words(text) or f"the store's client failed; check endpoint, region, and {CREDENTIALS[place.provider]}"


def _about_credentials(error: BaseException, code: str) -> str | None:
    text = str(error)
    if "decode service account" in text:
        return "the credentials file is not a service account's (one of a federation is not supported); set"
    if _NO_CREDENTIALS.search(text):
        return "credentials were not found; set"
    if type(error).__name__ == "UnauthenticatedError" or code.strip(" ()") in _REFUSED:
        return f"the credentials were refused{code}; check"
    return None


def _code(text: str) -> str:
    found = _CODE.search(text)
    return f" ({found[1] or found[2]})" if found else ""


def _words(text: str) -> str | None:
    if re.search(r"timed out|TimedOut", text):
        return "the store did not answer in time"
    if "error sending request" in text:
        return "no connection to the store; check the address (endpoint, region) and the network"
    if "decoding response body" in text or "Body" in text:
        return "the answer broke off or does not read"
    return None


if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore as Client
