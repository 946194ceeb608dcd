"""Git database API: objects and refs of a branch."""

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from mlci.errors import OutsideError
from mlci.github.file_transfer import FileDownload
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.github.retry import RefusedError
from mlci.github.transport import Answer

Sha = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
_FILE = {"mode": "100644", "type": "blob"}


class Pointer(Form):
    """Object with a hash."""

    sha: Sha


class Ref(Form):
    """A ref and its object."""

    ref: str
    object: Pointer


class ChangedFile(Form):
    """A file that a commit changed: ``added``, ``modified``, ``removed``, ``renamed`` and others."""

    filename: str
    status: str
    sha: str | None = None
    previous_filename: str | None = None


class _Inner(Form):
    tree: Pointer


class Commit(Form):
    """A commit, with its changes against its first parent."""

    sha: Sha
    commit: _Inner
    parents: tuple[Pointer, ...]
    files: tuple[ChangedFile, ...] = ()


class CommitComparison(Form):
    """Relation of a commit to another: ``ahead``, ``behind``, ``identical`` or ``diverged``."""

    status: str
    files: tuple[ChangedFile, ...] = ()


class TreeItem(Form):
    """An entry of a tree."""

    path: str
    type: str
    sha: Sha


class _Tree(Form):
    tree: tuple[TreeItem, ...]
    truncated: bool = False


class _Content(Form):
    type: str
    size: int
    encoding: str | None = None
    content: str | None = None


class GitDatabase:
    """A repository's objects and refs; ``None`` always means that GitHub answered 404."""

    def __init__(self, repository: RepositoryClient) -> None:
        """Take the repository, without sending a request."""
        self._repository = repository

    def ref(self, name: str) -> str | None:
        """Return the object of a ref; its name has no ``refs/``."""
        found = self._repository.get(f"/git/ref/{quote(name)}", form_reader(Ref), doing=f"read refs/{name}")
        return None if found is None or found.ref != f"refs/{name}" else found.object.sha

    def refs(self, prefix: str) -> tuple[str, ...]:
        """Return the names of refs that begin with a prefix, without ``refs/``."""
        path, doing = f"/git/matching-refs/{quote(prefix)}", f"list refs/{prefix}*"
        found = self._repository.get(path, form_reader(tuple[Ref, ...]), doing=doing)
        if found is None:
            self._repository.check_reachable()
        return tuple(one.ref.removeprefix("refs/") for one in found or ())

    def commit(self, name: str) -> Commit | None:
        """Return a commit by its hash or by ``heads/BRANCH``."""
        try:
            return self._repository.get(f"/commits/{quote(name)}", form_reader(Commit), doing=f"read {name}")
        except RefusedError as error:
            if error.status == 409:  # "Git Repository is empty."
                return None
            raise

    def compare(self, base: str, head: str) -> CommitComparison | None:
        """Return the relation of ``head`` to ``base``; ``None`` if they have no commit in common."""
        path = f"/compare/{base}...{head}"
        return self._repository.get(
            path, form_reader(CommitComparison), doing="compare commits", parameters={"per_page": 1}
        )

    def listing(self, tree: str) -> tuple[TreeItem, ...]:
        """Return the entries of a tree.

        Raises:
            OutsideError: if it does not exist, or is too large for one answer.
        """
        found = self._repository.get(f"/git/trees/{tree}", form_reader(_Tree), doing="list a folder")
        if found is None or found.truncated:
            raise OutsideError(f"GitHub: the folder {tree} of {self._repository.name} can't be listed completely")
        return found.tree

    def file(self, path: str, at: str) -> bytes | None:
        """Return a file's bytes at a commit."""
        return self._repository.get(f"/contents/{quote(path)}", _content, doing=f"read {path}", parameters={"ref": at})

    def archive(self, commit: str, target: Path, *, most: int) -> bool:
        """Copy all files of a commit to ``target``, packed by tar and gzip."""
        body = FileDownload(target=target, most=most)
        found = self._repository.get(f"/tarball/{commit}", lambda _: True, doing="read a whole branch", body=body)
        return found is not None

    def tree(self, files: Mapping[str, bytes], *, base: str | None) -> str:
        """Write a tree: the files, added to another tree; return its hash."""
        body = {"tree": [self._item(path, data) for path, data in files.items()]}
        over = {"base_tree": base} if base else {}
        created = self._repository.change(
            "POST", "/git/trees", form_reader(Pointer), doing="write a tree", body=body | over
        )
        return created.sha

    def _item(self, path: str, data: bytes) -> dict[str, str]:
        try:
            return {"path": path, **_FILE, "content": data.decode("utf-8")}
        except UnicodeDecodeError:
            body = {"content": base64.b64encode(data).decode("ascii"), "encoding": "base64"}
            created = self._repository.change(
                "POST", "/git/blobs", form_reader(Pointer), doing="write a file", body=body
            )
            return {"path": path, **_FILE, "sha": created.sha}

    def new_commit(self, tree: str, *, parents: tuple[str, ...], message: str) -> str:
        """Write a commit whose author is the owner of the token; return its hash. No ref moves."""
        body = {"message": message, "tree": tree, "parents": list(parents)}
        created = self._repository.change(
            "POST", "/git/commits", form_reader(Pointer), doing="write a commit", body=body
        )
        return created.sha

    def move(self, name: str, sha: str) -> RefusedError | None:
        """Move a ref forward; return GitHub's refusal if it would lose a commit, or if the ref does not exist."""
        return self._moved("PATCH", f"/git/refs/{quote(name)}", {"sha": sha, "force": False}, f"move refs/{name}")

    def make(self, name: str, sha: str) -> RefusedError | None:
        """Make a ref; return GitHub's refusal if the ref exists."""
        return self._moved("POST", "/git/refs", {"ref": f"refs/{name}", "sha": sha}, f"make refs/{name}")

    def _moved(self, verb: str, path: str, body: object, doing: str) -> RefusedError | None:
        try:
            self._repository.change(verb, path, form_reader(Ref), doing=doing, body=body)
        except RefusedError as error:
            if error.status not in {409, 422}:
                raise
            return error
        return None


def _content(answer: Answer) -> bytes:
    """Read a file out of JSON.

    Raises:
        ValueError: if it is not a file, is too large, or can't be decoded.
    """
    kind = json.loads(answer.body)
    found = form_reader(_Content)(answer) if isinstance(kind, dict) else None
    if found is None or found.type != "file" or found.encoding != "base64":
        raise ValueError("it is not a file, or is larger than a megabyte")
    try:
        return base64.b64decode("".join((found.content or "").split()), validate=True)
    except binascii.Error:
        raise ValueError("its answer has no base64 content") from None
