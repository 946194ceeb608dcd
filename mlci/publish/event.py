"""From the event that started a workflow to the facts that publishing rests on.

Facts of the platform (GitHub's documentation, "Events that trigger workflows"): on ``pull_request`` the variable
``GITHUB_SHA`` is the merge commit and on ``pull_request_target`` the base, so the head comes from the payload;
``workflow_run``, ``issue_comment`` and others run on the default branch, whose commit says nothing about a candidate.
A run that a fork started by ``pull_request`` has a token that can only read; Dependabot's can only read by default, and
``permissions:`` gives it more.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from mlci.publish import payload
from mlci.publish.payload import Object

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DEPENDABOT = "dependabot[bot]"
DEPENDABOT = "Dependabot started the run"
"""Why a token may only be able to read, and can be given more."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """What started the run, as far as publishing is concerned.

    Attributes:
        name: ``GITHUB_EVENT_NAME``.
        head: The commit that the candidate was made from; ``None`` where there is none to report on.
        pull: Number of the pull request to comment on.
        branch: The pull request's branch, if it is one of this repository.
        reader: Why the token can only read (:data:`DEPENDABOT`: by default), in a few words; ``None`` if it may write.
        why: Why there is nothing to report on.
    """

    name: str
    head: str | None = None
    pull: int | None = None
    branch: str | None = None
    reader: str | None = None
    why: str | None = None

    def commits(self, sha: str | None) -> frozenset[str]:
        """Return the commits that a report may be about: the head, and what ``GITHUB_SHA`` names if it holds the head.

        On ``pull_request_target`` it is the base, whose verdict says nothing about the head.
        """
        holds = None if self.name == "pull_request_target" and self.head is not None else sha
        return frozenset(one for one in (self.head, holds) if one is not None)


def facts(name: str, event: Object, *, sha: str | None, actor: str | None = None) -> Event:
    """Read an event; whatever does not have the form that GitHub gives it counts as absent.

    Args:
        name: ``GITHUB_EVENT_NAME``.
        event: The payload.
        sha: ``GITHUB_SHA``.
        actor: ``GITHUB_ACTOR``.
    """
    read = _READERS.get(name)
    if read is None:
        return Event(name=name, why=f"mlci does not know which commit the event `{_word(name)}` is about")
    return read(name, event, sha if sha is not None and _SHA.fullmatch(sha) else None, actor)


def _pull_request(name: str, event: Object, _sha: str | None, actor: str | None) -> Event:
    pull = payload.part(event, "pull_request")
    head = payload.part(pull, "head")
    commit, number = payload.sha(head, "sha"), payload.number(pull, "number") or payload.number(event, "number")
    if commit is None or number is None:
        return Event(name=name, why="the event names no pull request with a head commit")
    fork = _is_fork(event, pull)
    return Event(
        name=name,
        head=commit,
        pull=number,
        branch=None if fork else payload.branch(head, "ref"),
        reader=_reader(event, actor, fork=fork) if name == "pull_request" else None,
    )


def _is_fork(event: Object, pull: Object | None) -> bool:
    """Whether the head lies in another repository; one that was deleted (``head.repo: null``) does, too."""
    head = payload.repository(payload.part(payload.part(pull, "head"), "repo"))
    base = payload.repository(payload.part(payload.part(pull, "base"), "repo")) or payload.repository(
        payload.part(event, "repository")
    )
    return head is None or base is None or head.lower() != base.lower()


def _reader(event: Object, actor: str | None, *, fork: bool) -> str | None:
    if fork:
        return "the pull request comes from a fork"
    sender = payload.text(payload.part(event, "sender"), "login")
    return DEPENDABOT if _DEPENDABOT in {actor, sender} else None


def _merge_group(name: str, event: Object, _sha: str | None, _actor: str | None) -> Event:
    commit = payload.sha(payload.part(event, "merge_group"), "head_sha")
    return Event(name=name, head=commit, why=None if commit else "the event names no merge group with a head commit")


def _push(name: str, event: Object, sha: str | None, _actor: str | None) -> Event:
    commit = payload.sha(event, "after") or sha
    if commit is None or set(commit) == {"0"} or payload.flag(event, "deleted"):
        return Event(name=name, why="the push deleted a branch or tag")
    return Event(name=name, head=commit)


def _on_commit(name: str, _event: Object, sha: str | None, _actor: str | None) -> Event:
    return Event(name=name, head=sha, why=None if sha else "GITHUB_SHA names no commit")


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "?", name[:60]) or "(none)"


_READERS: dict[str, Callable[[str, Object, str | None, str | None], Event]] = {
    "pull_request": _pull_request,
    "pull_request_target": _pull_request,
    "merge_group": _merge_group,
    "push": _push,
    "workflow_dispatch": _on_commit,
    "repository_dispatch": _on_commit,
    "schedule": _on_commit,
}
