"""Checkpoint of a ledger branch: a second ref, ``refs/mlci/witness/MODEL``, at the commit of a newest entry.

Clones and GitHub's pages do not show it, so it is not deleted along with the branch. It keeps that commit with all
entries before it, also if the branch is cut back, force-pushed or deleted.

A reader of the branch requires that the checkpoint's commit is among its commits and that only entries were added since
then. A writer requires the same before it moves the checkpoint, so no change below the checkpoint stays unnoticed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mlci.github.git_database import ChangedFile, Commit, GitDatabase
from mlci.registry import layout
from mlci.registry.errors import CorruptError
from mlci.registry.stores.interface import Checkpoint, dump_checkpoint, parse_checkpoint

_FOLDER = "ledger/"


@dataclass(frozen=True)
class AddedEntry:
    """An entry that a commit added: its number, and git's name for its bytes."""

    number: int
    blob: str | None


def entry_added_by(commit: Commit) -> AddedEntry | None:
    """Return the entry that a commit by mlci added; ``None`` for any other commit."""
    entries = [one for one in commit.files if one.filename.startswith(_FOLDER)]
    if len(entries) != 1 or entries[0].status != "added" or len(commit.parents) > 1:
        return None
    number = layout.entry_number(entries[0].filename.removeprefix(_FOLDER))
    return None if number is None else AddedEntry(number, entries[0].sha)


class CheckpointRef:
    """The checkpoint of one model."""

    def __init__(self, git: GitDatabase, *, name: str, shown: str) -> None:
        """Take the repository, without sending a request."""
        self._git, self._name, self._shown = git, name, shown
        self._ref = f"mlci/witness/{name}"
        self._at: str | None = None
        self._known: dict[str, Checkpoint] = {}
        self._made: dict[Checkpoint, str] = {}

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint: ``witness.json`` in the commit that the ref points at."""
        sha = self._git.ref(self._ref)
        if sha is None:
            return None
        if sha not in self._known:
            data = self._git.file("witness.json", sha) or b""
            self._known[sha] = parse_checkpoint(data, shown=f"{self._shown}, refs/{self._ref}")
        self._at = sha
        return self._known[sha]

    def pushed(self, commit: str, checkpoint: Checkpoint) -> None:
        """Remember a commit that is on the branch now."""
        self._known[commit], self._made[checkpoint] = checkpoint, commit

    def knows(self, checkpoint: Checkpoint) -> bool:
        """Whether the commit of that entry is known."""
        return checkpoint in self._made

    def leave(self, checkpoint: Checkpoint, tip: str | None) -> None:
        """Move the checkpoint to the entry's commit, else to a later one, ``tip``, else to a new commit."""
        commit = self._made.get(checkpoint, tip)
        if commit is not None and self._moved(commit):
            self._at = commit if commit in self._known else self._at
            return
        seen = self.read_checkpoint()
        if seen is not None and seen.number >= checkpoint.number:
            return
        tree = self._git.tree({"witness.json": dump_checkpoint(checkpoint)}, base=None)
        parents = (self._at,) if seen is not None and self._at is not None else ()
        self._moved(self._git.new_commit(tree, parents=parents, message=f"mlci: witness of entry {checkpoint.number}"))

    def _moved(self, sha: str) -> bool:
        """Move the ref forward, or make it; ``False`` if that would lose its current commit."""
        ways = (self._git.move, self._git.make)
        return any(way(self._ref, sha) is None for way in (ways if self._at else reversed(ways)))

    def check(self, tip: Commit | None) -> bool:
        """Compare the branch's newest commit with the checkpoint that was read last.

        Returns:
            Whether it has reached the checkpoint. If not, it was cut back, or GitHub's answer is outdated.

        Raises:
            CorruptError: if the branch was rewritten, or entries in it were changed.
        """
        if self._at is None or (tip is not None and tip.sha == self._at):
            return True
        if tip is None:
            return False
        if entry_added_by(tip) is not None and tuple(parent.sha for parent in tip.parents) == (self._at,):
            return True
        compared = self._git.compare(self._at, tip.sha)
        if compared is None or compared.status == "diverged":
            self._check_apart()
        elif compared.status != "behind":
            self._check_only_added(compared.files, tip)
        return compared is None or compared.status != "behind"

    def _check_apart(self) -> None:
        """Raise unless the checkpoint's commit was made for the checkpoint and never was on the branch."""
        at = str(self._at)
        number = self._known[at].number
        if self._git.file(f"{_FOLDER}{layout.entry_name(number)}", at) is not None:
            raise CorruptError(
                f"{self._shown}: the branch was rewritten: it does not contain commit {at} any more, in which "
                f"entry {number} was appended. {self.rescue(at)}",
                remedy="",
            )

    def _check_only_added(self, files: Iterable[ChangedFile], tip: Commit) -> None:
        for one in files:
            name = one.previous_filename or one.filename
            if one.status != "added" and any(path.startswith(_FOLDER) for path in (name, one.filename)):
                raise CorruptError(
                    f"{self._shown}: {name} was {one.status} between commits {self._at} and {tip.sha}; entries are "
                    f"never changed. {self.rescue(str(self._at))}",
                    remedy="",
                )

    def rescue(self, sha: str) -> str:
        """Return the command that restores the branch."""
        return f"To restore it: git fetch origin {sha} && git push --force origin {sha}:refs/heads/mlci/{self._name}"
