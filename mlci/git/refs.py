"""Commits: the checkout's own, and the one that a reference names."""

import difflib
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from mlci.errors import InputError
from mlci.git.git import Git

_OF_THE_REMOTE = re.compile(r"(?!HEAD\b|@|refs/|origin/|[0-9a-fA-F]{40}$)[^:]+")
_HASH = re.compile(r"[0-9a-f]{40,64}")
_OID = "# branch.oid "
_NO_CHECKOUT = "not a git repository"
_WHOLE_HISTORY = """
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          fetch-depth: 0"""


@dataclass(frozen=True, kw_only=True)
class ResolvedRef:
    """A reference and the commit that it means.

    Attributes:
        ref: Reference, as the user wrote it.
        commit: Full hash.
        same_commit: Whether it is the checked-out commit without changes of tracked files: candidate and baseline have
            the same code. That is not an error (a push to main compares with itself), but a note in the report.
        notes: Lines for the report.
    """

    ref: str
    commit: str
    same_commit: bool
    notes: tuple[str, ...] = ()


def resolve_ref(git: Git, ref: str) -> ResolvedRef:
    """Return the commit of a branch, a tag or a hash; a branch is searched in the clone first, then at ``origin``.

    Raises:
        InputError: if the commit is not in this clone; the message has the remedy.
    """
    if not ref or ref.startswith("-") or not ref.isprintable() or ref != ref.strip():
        raise InputError(f"`baseline.ref: {ref!a}` is not a git reference; write a branch, a tag or a commit")
    git.root()
    here = _commit(git, ref)
    there = _commit(git, f"refs/remotes/origin/{ref}") if _OF_THE_REMOTE.fullmatch(ref) else None
    commit = here or there
    if commit is None:
        raise InputError(_absent(git, ref))
    notes = []
    if here and there and here != there:
        notes.append(f"baseline: {ref} is {here[:7]} in this clone and {there[:7]} at origin; {here[:7]} was taken")
    current = read_head(git)
    same = current is not None and current.commit == commit and not current.dirty
    if same:
        notes.append(
            f"baseline and candidate are the same commit ({commit[:7]}): nothing changed, so no change can show"
        )
    return ResolvedRef(ref=ref, commit=commit, same_commit=same, notes=tuple(notes))


def _commit(git: Git, name: str) -> str | None:
    answer = git.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return answer.out if answer.status == 0 and _HASH.fullmatch(answer.out) else None


def _absent(git: Git, ref: str) -> str:
    """Return why a reference can't be found, and the remedy."""
    if git.ask("rev-parse", "--is-shallow-repository").out == "true":
        return (
            f"`baseline.ref: {ref}` is not in this clone, which is shallow (it holds the last commit only); "
            f"let the workflow fetch the whole history:{_WHOLE_HISTORY}"
        )
    names = git.ask(
        "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"
    ).out.splitlines()
    near = difflib.get_close_matches(ref, [name.removeprefix("origin/") for name in names[:5000]], 1)
    meant = f"did you mean `{near[0]}`?" if near else f"if it exists at origin, run `git fetch origin {ref}` first"
    return f"`baseline.ref: {ref}` names no branch, tag or commit of this clone; {meant}"


def is_branch(git: Git, ref: str) -> bool:
    """Check if a reference is the name of a branch, here or at ``origin``, so that later commits move it."""
    name = ref.removeprefix("refs/heads/").removeprefix("origin/")
    return any(_commit(git, f"{place}/{name}") for place in ("refs/heads", "refs/remotes/origin"))


def main_branch(git: Git) -> str | None:
    """Return the branch that changes are merged into.

    It is the default one at ``origin``, ``main``, ``master`` or the only one; ``None`` outside of git, without git,
    before the first commit, or if it is not known.
    """
    try:
        origin = git.ask("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
        named = origin.out.removeprefix("origin/") if origin.status == 0 else ""
        candidates = [named, "main", "master"] if _OF_THE_REMOTE.fullmatch(named) else ["main", "master"]
        if (known := next((name for name in candidates if is_branch(git, name)), None)) is not None:
            return known
        branches = git.ask("for-each-ref", "--format=%(refname:short)", "refs/heads").out.splitlines()
        return branches[0] if len(branches) == 1 else None
    except InputError:
        return None


def unborn_branch(git: Git) -> str | None:
    """Return the branch that the first commit will make; ``None`` outside of git, or if there is a commit."""
    try:
        if _commit(git, "HEAD") is not None:
            return None
        head = git.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        none = head.status == 0 and not git.ask("for-each-ref", "--count=1").out
    except InputError:
        return None
    return head.out if none else None


@dataclass(frozen=True, kw_only=True)
class CommitHead:
    """The checkout's commit.

    Attributes:
        commit: Full hash.
        dirty: Whether files that git tracks differ from it. Files that git does not track don't count.
    """

    commit: str
    dirty: bool


def read_head(git: Git) -> CommitHead | None:
    """Return the current commit; ``None`` outside of git, without git, or before the first commit."""
    try:
        status = git.ask("status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--untracked-files=no")
        if _NO_CHECKOUT in status.error:
            return None
        lines = status.out.splitlines()
        found = next((line.removeprefix(_OID) for line in lines if line.startswith(_OID)), "")
        if status.status == 0 and _HASH.fullmatch(found):
            return CommitHead(commit=found, dirty=any(not line.startswith("# ") for line in lines))
        commit = git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")  # the index may be damaged
    except InputError:
        return None
    return CommitHead(commit=commit.out, dirty=True) if commit.status == 0 else None


def is_elsewhere(git: Git, commits: AbstractSet[str]) -> str | None:
    """Return the checkout's commit if it is not one of these and was not made from one of them.

    ``None`` if it is one, or if that is unknown: outside of git, without git, in a checkout of another user.
    """
    try:
        here = git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}") if commits else None
    except InputError:
        return None
    if here is None or here.status != 0 or here.out in commits:
        return None
    return None if _made_from(git, here.out, commits) else here.out


def _made_from(git: Git, commit: str, commits: AbstractSet[str]) -> bool:
    """Whether one of ``commits`` is an ancestor; parents are known even in a shallow checkout."""
    parents = re.findall("^parent (.+)$", git.ask("cat-file", "commit", commit).out.partition("\n\n")[0], re.MULTILINE)
    ancestors = (git.ask("merge-base", "--is-ancestor", one, commit).status == 0 for one in sorted(commits))
    return not commits.isdisjoint(parents) or any(ancestors)
