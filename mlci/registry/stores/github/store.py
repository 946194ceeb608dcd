"""Store in a GitHub repository.

See ``ledger_branch``, ``checkpoint_ref`` and ``release_files`` in this folder for what is stored where.
Reading needs ``contents: read``, writing ``contents: write``.
"""

from pathlib import Path
from urllib.parse import quote

from mlci.errors import OutsideError
from mlci.github.file_transfer import add_file_transfer
from mlci.github.git_database import GitDatabase
from mlci.github.rest import RepositoryClient
from mlci.github.retry import RetryPolicy
from mlci.github.transport import Access, transport
from mlci.registry import layout, store
from mlci.registry.store import Checkpoint, Entries
from mlci.registry.stores.github.ledger_branch import LedgerBranch
from mlci.registry.stores.github.release_files import ModelReleases, check_size
from mlci.util import safe_files


class RepositoryStore:
    """One model's part of a repository; see :class:`mlci.registry.store.Store`."""

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
        yield from store.one_by_one(self.read, last)

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
