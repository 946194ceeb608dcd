"""Resolve a git reference to a commit."""

import difflib
import re
from dataclasses import dataclass

from mlci.errors import InputError
from mlci.git.git import Git
from mlci.git.head import read_head

_OF_THE_REMOTE = re.compile(r"(?!HEAD\b|@|refs/|origin/|[0-9a-fA-F]{40}$)[^:]+")
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
    return answer.out if answer.status == 0 and re.fullmatch(r"[0-9a-f]{40,64}", answer.out) else None


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
