"""Store in a GitHub repository: the ledger is a branch (``github_ledger_branch``), files are release assets.

Reading needs ``contents: read``, writing ``contents: write``.

Assets are named by their SHA-256. The releases ``mlci/MODEL/files-1``, ``-2`` … are published, because drafts are not
visible to a read-only token. They are pre-releases that are never the latest, so that the project's own latest release
does not change. Their tags are on a commit without history, so that they start no workflow of the project.

GitHub allows 1,000 assets a release, each under 2 GiB ("About releases" in its documentation) and none of them empty;
for an empty file, a placeholder line is uploaded.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from mlci.errors import OutsideError
from mlci.github.file_transfer import add_file_transfer
from mlci.github.git_database import GitDatabase
from mlci.github.releases import Asset, Release, Releases
from mlci.github.rest import RepositoryClient
from mlci.github.retry import RefusedError
from mlci.github.transport import Access, transport
from mlci.registry import layout
from mlci.registry.stores import interface
from mlci.registry.stores.github_ledger_branch import LedgerBranch
from mlci.registry.stores.interface import Checkpoint, Entries, StoredFile
from mlci.util import atomic_files, safe_files
from mlci.util.digests import sha256_of
from mlci.util.retry_policy import RetryPolicy

MOST_ASSET_BYTES = (1 << 31) - 1
MOST_ASSETS = 1_000
_EMPTY = sha256_of(b"")
_INSTEAD = b"an empty file\n"
_ELSEWHERE = "keep the registry in an object store (`registry: s3://bucket/prefix`, gs:// or az://)"
_TRIES = 5
_LOOKS = 3
_LOOK_EACH = 64 << 20
"""A half-uploaded file is read three times, and once more for each 64 MiB, before it counts as abandoned."""


FILES = """\
mlci keeps the files of the model versions of `{model}` here: models, predictions, reports, named by their SHA-256.
They belong to the ledger on the branch `mlci/{model}`. Please do not delete or replace them: mlci would notice and
stop. This is not a release of the project.
"""


class RepositoryStore:
    """One model's part of a repository; see :class:`mlci.registry.stores.interface.Store`."""

    removes_files = False

    def __init__(self, access: Access, repository: str, model: str, *, patience: RetryPolicy | None = None) -> None:
        """Take the repository, without sending a request.

        Args:
            access: GitHub's address and the token.
            repository: ``owner/name``.
            model: Name of the model, any text.
            patience: Limits on waiting.

        Raises:
            InputError: if PyGithub is not installed, or the address is not https.
        """
        send = add_file_transfer(access, transport(access))
        self._repository = RepositoryClient(send, name=repository, patience=patience)
        self._name = layout.model_folder(model)
        self._records = LedgerBranch(self._repository, name=self._name, shown=self.shown)
        self._files = ModelReleases(self._repository, name=self._name, shown=self.shown)

    @property
    def shown(self) -> str:
        """The repository and the branch."""
        return f"github:{self._repository.name}, branch mlci/{self._name}"

    @property
    def requests(self) -> int:
        """Number of requests so far."""
        return self._repository.requests

    def tail(self) -> int:
        """Return the newest entry's number: one request."""
        self._repository.begin()
        return self._records.tail()

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes, as of the last read of the branch."""
        self._repository.begin()
        return self._records.read(number)

    def read_to(self, last: int) -> Entries:
        """Yield entries; more than a few are read from one archive."""
        self._repository.begin()
        self._records.expect(last)
        yield from interface.one_by_one(self.read, last)

    def append(self, number: int, entry: bytes) -> bool:
        """Write an entry under a free number: three requests."""
        self._repository.begin()
        return self._records.append(number, entry)

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint."""
        self._repository.begin()
        return self._records.read_checkpoint()

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint unless one of the same or a later entry exists."""
        self._repository.begin()
        self._records.write_checkpoint(checkpoint)

    def remove(self) -> None:
        """Remove the branch and the ref of the checkpoint."""
        self._repository.begin()
        git = GitDatabase(self._repository)
        for ref in (f"heads/mlci/{self._name}", f"mlci/witness/{self._name}"):
            if git.ref(ref) is not None:
                self._repository.delete(f"/git/refs/{quote(ref)}", doing=f"delete refs/{ref}")

    def put(self, source: Path, digest: str) -> None:
        """Store a file; its digest is verified before it is sent, and by GitHub's own digest afterwards."""
        layout.file_name(digest)
        try:
            size = source.stat().st_size
            check_size(source, size)
            for _ in safe_files.check_stream(source, digest):
                pass
            self._repository.begin(size)
            self._files.put(source, digest, size)
        except OSError as error:
            raise OutsideError(f"{source}: could not be stored: {error.strerror or error}") from error

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``, atomically."""
        layout.file_name(digest)
        self._repository.begin()
        try:
            return self._files.get(digest, target)
        except OSError as error:
            raise OutsideError(f"{target}: could not be written: {error.strerror or error}") from error

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check if a file of that size exists."""
        layout.file_name(digest)
        self._repository.begin()
        return self._files.holds(digest, size)

    def files(self) -> Iterator[StoredFile]:
        """Yield every complete file, from the lists of assets."""
        self._repository.begin()
        yield from self._files.files()

    def delete_file(self, digest: str) -> None:
        """Delete a file: its asset."""
        layout.file_name(digest)
        self._repository.begin()
        self._files.delete(digest)


@dataclass
class ReleaseAssets:
    """A release and its known assets; ``full`` if GitHub takes no more."""

    number: int
    release: Release
    assets: dict[str, Asset] = field(default_factory=dict)
    full: bool = False


class ModelReleases:
    """Releases of one model."""

    def __init__(self, repository: RepositoryClient, *, name: str, shown: str) -> None:
        """Take the repository, without sending a request."""
        self._repository, self._git, self._releases = repository, GitDatabase(repository), Releases(repository)
        self._name, self._shown, self._prefix = name, shown, f"mlci/{name}/files-"
        self._shelves: dict[int, ReleaseAssets] = {}
        self._listed = False

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check by GitHub's metadata if a complete file of that size exists, without reading it."""
        found = self._find(digest)
        more = len(_INSTEAD) if digest == _EMPTY else 0
        return found is not None and is_complete(found[1], None if size is None else size + more)

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``; half-uploaded ones do not count."""
        for known in (True, False):  # an asset that was uploaded again has another id
            found = self._find(digest, known=known)
            if found is None or found[1].state != "uploaded":
                continue
            self._repository.begin(found[1].size)
            if self._releases.download(found[1], target):
                if digest == _EMPTY:
                    target.write_bytes(target.read_bytes().removeprefix(_INSTEAD))
                return True
        return False

    def put(self, source: Path, digest: str, size: int) -> None:
        """Upload a file unless it exists."""
        if size == 0:
            with atomic_files.write_fresh(Path(tempfile.gettempdir()), [_INSTEAD], durable=False) as instead:
                self._put(instead, digest, len(_INSTEAD))
        else:
            self._put(source, digest, size)

    def _put(self, source: Path, digest: str, size: int) -> None:
        looks = _LOOKS + size // _LOOK_EACH
        for again in range(looks + _TRIES):
            found = self._known(digest) if self._listed and not again else self._find(digest, known=not again)
            if found is not None and is_complete(found[1], size):
                return
            if found is not None and found[1].state != "uploaded" and again < looks:
                self._repository.patience.sleep(self._repository.patience.backoff(min(again, _LOOKS)))
                continue
            if found is not None:
                self._releases.delete(found[1])
                del found[0].assets[digest]
            if self._uploaded(source, digest, size):
                return
        raise OutsideError(f"{self._shown}: {source.name} (sha256 {digest}) did not arrive intact in {_TRIES} tries")

    def _uploaded(self, source: Path, digest: str, size: int) -> bool:
        shelf = self._shelf()
        if shelf.release.immutable:
            raise OutsideError(
                f"{self._shown}: nothing can be added to the release {shelf.release.tag_name}: the setting "
                f"*release immutability* of the repository is on. Turn it off and delete that release, or {_ELSEWHERE}"
            )
        try:
            asset = self._releases.upload(shelf.release, source, size=size, name=digest)
        except RefusedError as error:
            if "file_count" in error.message:  # "file_count limited to 1000 assets per release"
                shelf.full = True
            elif "already_exists" not in error.message:
                raise
            return False
        shelf.assets[asset.name] = asset
        return is_complete(asset, size) and asset.name == digest

    def files(self) -> Iterator[StoredFile]:
        """Yield every complete file; an empty one has its own size, not that of its placeholder."""
        for number in self._numbers():
            release = self._releases.by_tag(f"{self._prefix}{number}")
            for asset in () if release is None else self._releases.assets(release):
                if layout.is_digest(asset.name) and is_complete(asset):
                    size = 0 if asset.name == _EMPTY else asset.size
                    at = datetime.fromisoformat(asset.created_at)
                    yield StoredFile(digest=asset.name, bytes=size, written_at=at)

    def delete(self, digest: str) -> None:
        """Delete a file; a missing one is not an error."""
        found = self._find(digest, known=False)
        if found is not None:
            self._releases.delete(found[1])
            del found[0].assets[digest]

    def _find(self, digest: str, *, known: bool = True) -> tuple[ReleaseAssets, Asset] | None:
        """Find a file: in the known assets, then on GitHub, the newest release first.

        GitHub's answer about a release contains assets, but possibly not all of them; a missing one is searched page by
        page.
        """
        if known and (found := self._known(digest)) is not None:
            return found
        for number in self._numbers():
            release = self._releases.by_tag(f"{self._prefix}{number}")
            if release is None:
                self._shelves.pop(number, None)
                continue
            shelf = self._shelves[number] = ReleaseAssets(number, release, _by_name(release.assets))
            if digest not in shelf.assets:
                shelf.assets |= _by_name(self._releases.assets(release))
            if digest in shelf.assets:
                return shelf, shelf.assets[digest]
        self._listed = True
        return None

    def _known(self, digest: str) -> tuple[ReleaseAssets, Asset] | None:
        found = (shelf for shelf in self._shelves.values() if digest in shelf.assets)
        return next(((shelf, shelf.assets[digest]) for shelf in found), None)

    def _numbers(self) -> list[int]:
        """Return the releases' numbers by their tags, newest first."""
        form = re.compile(re.escape(f"tags/{self._prefix}") + r"([1-9][0-9]{0,8})")
        found = (form.fullmatch(name) for name in self._git.refs(f"tags/{self._prefix}"))
        return sorted((int(one[1]) for one in found if one), reverse=True)

    def _shelf(self) -> ReleaseAssets:
        """Return the newest release, or the next one if that is full."""
        newest = max(self._shelves.values(), key=lambda shelf: shelf.number, default=None)
        if newest is not None and not newest.full and len(newest.assets) < MOST_ASSETS:
            return newest
        number = newest.number + 1 if newest else 1
        shelf = self._shelves[number] = ReleaseAssets(number, self._made(number))
        return shelf

    def _made(self, number: int) -> Release:
        """Make a release with its own tag, or take the one that another writer has just made."""
        tag, text = f"{self._prefix}{number}", FILES.format(model=self._name)
        tree = self._git.tree({"README.md": text.encode("utf-8")}, base=None)
        commit = self._git.new_commit(tree, parents=(), message=f"mlci: files of {self._name}")
        refusal = self._git.make(f"tags/{tag}", commit)
        title = f"mlci: files of {self._name} ({number})"
        release = self._releases.create(tag, name=title, body=text) or self._releases.by_tag(tag)
        if release is None:
            raise refusal or OutsideError(f"GitHub: the release {tag} does not exist and can't be made")
        return release


def check_size(source: Path, size: int) -> None:
    """Refuse a file that is too large for GitHub.

    Raises:
        OutsideError: if it is too large.
    """
    if size > MOST_ASSET_BYTES:
        raise OutsideError(
            f"{source}: GitHub takes files of less than 2 GiB, and this one has {size:,} bytes; {_ELSEWHERE}"
        )


def is_complete(asset: Asset, size: int | None = None) -> bool:
    """Whether GitHub's metadata matches a complete file: by SHA-256, else by size."""
    if asset.state != "uploaded" or (size is not None and asset.size != size):
        return False
    sha256 = sha256_of(_INSTEAD) if asset.name == _EMPTY else asset.name
    return asset.digest is None or asset.digest == f"sha256:{sha256}"


def _by_name(assets: tuple[Asset, ...]) -> dict[str, Asset]:
    return {asset.name: asset for asset in assets}
