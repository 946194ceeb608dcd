"""Ledger on a git branch: one commit for each entry, fast-forward only, read one by one or as an archive.

A workflow's token has 1,000 requests an hour for the whole repository, so a ledger of some hundred entries is not read
entry by entry. GitHub serves all files of a commit as one archive ("Download a repository archive (tar)"). Its content
is as untrusted as any other answer: the ledger's own chain and the entry's form decide.

The branch ``mlci/MODEL`` has no history in common with the project's. The tree of its newest commit looks like a
model's folder in a registry on disk::

    README.md
    ledger/000000001.json …
    witness.json              the newest entry's number and digest

Each model has its own branch, so that a refused push means one thing: another writer appended to this ledger.
Pushing is the compare-and-swap: without ``force``, GitHub moves a ref only to a commit that has the old one among its
ancestors ("Update a reference" in GitHub's documentation).
"""

import contextlib
import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import error as ZlibError  # noqa: N812 - it is one

from mlci.errors import OutsideError
from mlci.github.git_database import Commit, GitDatabase
from mlci.github.rest import RepositoryClient
from mlci.github.retry import RefusedError
from mlci.registry import entries, layout
from mlci.registry.errors import CorruptError, UnknownOutcomeError
from mlci.registry.stores.github_checkpoint_ref import CheckpointRef, entry_added_by
from mlci.registry.stores.interface import Checkpoint, dump_checkpoint
from mlci.util.digests import sha256_of

LEDGER = """\
# Ledger of {model}

mlci keeps this branch: one commit for each verdict, promotion and roll-back, in `ledger/`. It has no history in common
with the project and only moves forward. Please do not edit, merge or delete it: mlci would notice and stop.

`mlci ledger verify` checks all of it; `mlci ledger log` prints it. The files of each version are assets of the
releases `mlci/{model}/files-…`, named by their SHA-256.
"""

FEW = 8
_MOST_PACKED = 64 << 20
_MOST = 256 << 20


class EntryArchive:
    """Cache of entries, as of one commit."""

    def __init__(self, git: GitDatabase) -> None:
        """Start with an empty cache."""
        self._git = git
        self._commit, self._asked = "", 0
        self._read: dict[int, bytes] = {}
        self._archives = True

    def entry(self, commit: str, number: int) -> bytes | None:
        """Return an entry's bytes; ``None`` if that commit has no entry with that number."""
        self._at(commit)
        if number not in self._read:
            self._asked += 1
            if self._asked == FEW + 1 and self._archives:
                self._unpack()
        if number not in self._read:
            data = self._git.file(f"ledger/{layout.entry_name(number)}", commit)
            if data is None:
                return None
            self._read[number] = data
        return self._read[number]

    def expect(self, commit: str, last: int) -> None:
        """Read all entries at once, if more than a few of the first ``last`` will be read."""
        self._at(commit)
        lacks = sum(number not in self._read for number in range(1, last + 1))
        if lacks > FEW >= self._asked and self._archives:
            self._asked = FEW + 1  # not again for this commit
            self._unpack()

    def _at(self, commit: str) -> None:
        if commit != self._commit:
            self._commit, self._asked, self._read = commit, 0, {}

    def pushed(self, base: str | None, commit: str, number: int, entry: bytes) -> None:
        """Cache an entry that was added; earlier entries stay valid for the new commit."""
        if base != self._commit:
            self._asked, self._read = 0, {}
        self._commit, self._read[number] = commit, entry

    def _unpack(self) -> None:
        """Read all entries at once; if that fails, they are read one by one."""
        self._archives = False
        with tempfile.TemporaryDirectory(prefix="mlci-ledger-") as folder:
            target = Path(folder) / "ledger.tar.gz"
            with contextlib.suppress(OutsideError, tarfile.TarError, EOFError, OSError, ZlibError):
                self._archives = self._git.archive(self._commit, target, most=_MOST_PACKED)
                self._read |= dict(unpack_archive(target))


def unpack_archive(archive: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of every entry in an archive; stop if it exceeds the size of a ledger.

    Raises:
        TarError: if it is not an archive.
    """
    total = 0
    with tarfile.open(archive, mode="r|gz") as packed:
        for member in packed:
            total += member.size + tarfile.BLOCKSIZE
            if total > _MOST:
                return
            parts = member.name.split("/")
            number = layout.entry_number(parts[2]) if len(parts) == 3 and parts[1] == "ledger" else None
            stream = packed.extractfile(member) if member.isreg() and number is not None else None
            if stream is not None and number is not None and member.size <= entries.MOST_BYTES:
                yield number, stream.read()


_TRIES = 20
_MOST_DOUBLINGS = 4
_LOOKS = 3


@dataclass(frozen=True)
class Tip:
    """State of the branch at the last read.

    Attributes:
        commit, tree: The branch's newest commit and its tree.
        number: Number of the newest entry.
        blob: Git's name for that entry's bytes, if mlci wrote the commit.
    """

    commit: str
    tree: str
    number: int
    blob: str | None = None


class LedgerBranch:
    """One model's branch."""

    def __init__(self, repository: RepositoryClient, *, name: str, shown: str) -> None:
        """Take the repository, without sending a request.

        Args:
            repository: The repository.
            name: The model's name as part of a ref.
            shown: Name of the registry in messages.
        """
        self._repository, self._git = repository, GitDatabase(repository)
        self._name, self._shown, self._branch = name, shown, f"heads/mlci/{name}"
        self._trail = CheckpointRef(self._git, name=name, shown=shown)
        self._tip: Tip | None = None
        self._looked = False
        self._pages = EntryArchive(self._git)
        self._lost = 0

    def tail(self) -> int:
        """Return the newest entry's number."""
        tip = self._look()
        return 0 if tip is None else tip.number

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes, as of the last read of the branch."""
        tip = self._tip
        if tip is None or number > tip.number:
            tip = self._look()
        return self._entry(tip, number) if tip is not None and 1 <= number <= tip.number else None

    def expect(self, last: int) -> None:
        """Prepare to read entries 1 to ``last`` of the branch as of its last read."""
        if self._tip is not None:
            self._pages.expect(self._tip.commit, min(last, self._tip.number))

    def append(self, number: int, entry: bytes) -> bool:
        """Push an entry onto the branch, unless its number is taken."""
        base = self._tip if self._looked else self._look()
        for _ in range(_TRIES):
            if base is not None and number <= base.number:
                return self._is_mine(base, number, entry)
            refusal = self._push(base, number, entry)
            if refusal is None:
                return True
            before, base = base, self._look()
            if base is None and before is not None:
                raise CorruptError(
                    f"{self._shown}: the branch was deleted. {self._trail.rescue(before.commit)}", remedy=""
                )
            if base == before:
                raise refusal  # not a conflict: a repository rule may forbid the push, for instance
        raise OutsideError(f"{self._shown}: other writers moved the branch {_TRIES} times in a row; try again later")

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint."""
        return self._trail.read_checkpoint()

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint at the commit of that entry, or at a later commit that contains it."""
        tip = None if self._trail.knows(checkpoint) else self._tip
        has = tip is not None and tip.number >= checkpoint.number
        data = self._entry(tip, checkpoint.number) if tip is not None and has else None
        same = data is not None and sha256_of(data) == checkpoint.digest
        self._trail.leave(checkpoint, tip.commit if tip is not None and same else None)

    def _look(self) -> Tip | None:
        """Read the tip of the branch: one request, unless another tool than mlci has written to it."""
        self._tip, self._looked = None, False
        commit = self._newest_commit()
        if commit is None:
            self._repository.check_reachable()
            self._looked = True
            return None
        entry, tree = entry_added_by(commit), commit.commit.tree.sha
        self._tip = (
            Tip(commit.sha, tree, entry.number, entry.blob) if entry else Tip(commit.sha, tree, self._newest(tree))
        )
        self._looked = True
        return self._tip

    def _newest_commit(self) -> Commit | None:
        """Return the branch's commit; one from before the checkpoint is read again, because GitHub may lag behind."""
        patience = self._repository.patience
        for again in range(_LOOKS):
            commit = self._git.commit(self._branch)
            if self._trail.check(commit) or again + 1 == _LOOKS:
                break
            patience.sleep(patience.backoff(again))
        return commit  # if the branch was cut back, the ledger names the entry

    def _newest(self, tree: str) -> int:
        """Return the highest number in the ledger's folder."""
        folder = next((item for item in self._git.listing(tree) if item.path == "ledger"), None)
        if folder is None:
            return 0
        if folder.type != "tree":
            raise CorruptError(f"{self._shown}: `ledger` on the branch mlci/{self._name} is not a folder")
        found = (layout.entry_number(item.path) for item in self._git.listing(folder.sha))
        return max((number for number in found if number is not None), default=0)

    def _entry(self, tip: Tip, number: int) -> bytes | None:
        return self._pages.entry(tip.commit, number)

    def _is_mine(self, base: Tip, number: int, entry: bytes) -> bool:
        """Whether an existing entry has these bytes; if not, wait for the other writers."""
        other = number == base.number and base.blob is not None and base.blob != _blob(entry, like=base.blob)
        there = b"" if other else self._entry(base, number)
        if there is None:
            raise CorruptError(f"{self._shown}: entry {number} is missing from the ledger, but later ones are there")
        if there == entry and not other:
            return True
        patience = self._repository.patience
        patience.sleep(patience.spread() * patience.first * 2.0 ** min(self._lost, _MOST_DOUBLINGS))
        self._lost += 1
        return False

    def _push(self, base: Tip | None, number: int, entry: bytes) -> RefusedError | None:
        checkpoint = Checkpoint(number=number, digest=sha256_of(entry))
        files = {f"ledger/{layout.entry_name(number)}": entry, "witness.json": dump_checkpoint(checkpoint)}
        if base is None:
            files["README.md"] = LEDGER.format(model=self._name).encode("utf-8")
        tree = self._git.tree(files, base=base.tree if base else None)
        message = f"mlci: entry {number} of {self._name}\n\nSHA-256: {checkpoint.digest}"
        sha = self._git.new_commit(tree, parents=(base.commit,) if base else (), message=message)
        refusal = self._pointed(sha, number, entry, new=base is None)
        if refusal is None:
            self._looked, self._tip, self._lost = True, Tip(sha, tree, number), 0
            self._pages.pushed(base.commit if base else None, sha, number, entry)
            self._trail.pushed(sha, checkpoint)
        return refusal

    def _pointed(self, sha: str, number: int, entry: bytes, *, new: bool) -> RefusedError | None:
        """Point the branch at a commit; read the entry back if the outcome is unknown.

        Raises:
            UnknownOutcomeError: if reading it back fails too.
        """
        try:
            return self._git.make(self._branch, sha) if new else self._git.move(self._branch, sha)
        except RefusedError:
            raise
        except OutsideError as error:
            try:
                tip = self._look()
            except OutsideError:
                unknown = f"{error}; whether entry {number} was written is not known"
                raise UnknownOutcomeError(f"{self._shown}: {unknown}") from error
            if tip is None or number > tip.number or self._entry(tip, number) != entry:
                raise
            return None


def _blob(data: bytes, *, like: str) -> str:
    """Return git's name for bytes, by the hash that a repository uses."""
    hashed = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    hashed.update(b"blob %d\0" % len(data) + data)
    return hashed.hexdigest()
