"""Facts about the event that started a workflow, from its bounded payload.

Facts of the platform (GitHub's documentation, "Events that trigger workflows"): on ``pull_request`` the variable
``GITHUB_SHA`` is the merge commit and on ``pull_request_target`` the base, so the head comes from the payload;
``workflow_run``, ``issue_comment`` and others run on the default branch, whose commit says nothing about a candidate.
A run that a fork started by ``pull_request`` has a token that can only read; Dependabot's can only read by default, and
``permissions:`` gives it more.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from mlci.errors import InputError, Problem
from mlci.util.bounds import EVENT_BYTES, EVENT_DEPTH, EVENT_PARTS, EVENT_VALUES
from mlci.util.json_text import Bounds, excess

Object = Mapping[str, object]

MOST_BYTES = EVENT_BYTES.value
"""GitHub caps payloads at 25 MB (documentation page "Webhook events and payloads")."""

MOST = Bounds(depth=EVENT_DEPTH.value, parts=EVENT_PARTS.value, values=EVENT_VALUES.value)
_SHA_TEXT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NAME = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_LARGEST = 2**53
_LONGEST_REF = 1_024


def parse_payload(data: bytes, *, path: str) -> Object:
    """Return the payload's object.

    Raises:
        InputError: if it is too large, too deep, not JSON, not an object, or contains NaN.
    """
    if len(data) > MOST_BYTES:
        raise InputError(Problem(f"the event has {len(data):,} bytes; GitHub sends at most {MOST_BYTES:,}", path))
    if size := excess(data.decode("latin-1"), MOST):  # quotes, brackets and commas are the same bytes in UTF-8
        raise InputError(Problem(f"the event is {size}, which no event of GitHub is", path))
    try:
        payload = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(f"the event is not JSON: {str(error)[:200]}", path)) from None
    if not isinstance(payload, dict):
        raise InputError(Problem("the event is not a JSON object", path))
    return payload


def payload_part(parent: Object | None, key: str) -> Object | None:
    """Return an object inside an object; ``None`` if it is anything else."""
    value = None if parent is None else parent.get(key)
    return cast("Object", value) if isinstance(value, dict) else None


def payload_text(parent: Object | None, key: str, *, longest: int = 200) -> str | None:
    """Return a text of bounded length."""
    value = None if parent is None else parent.get(key)
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


def payload_flag(parent: Object | None, key: str) -> bool:
    """Return whether a field is exactly ``true``."""
    return parent is not None and parent.get(key) is True


def payload_number(parent: Object | None, key: str) -> int | None:
    """Return a positive whole number that every JSON parser reads alike."""
    value = None if parent is None else parent.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST else None


def payload_sha(parent: Object | None, key: str) -> str | None:
    """Return a commit: 40 hexadecimal digits, or 64 where git uses SHA-256."""
    value = payload_text(parent, key)
    return value if value is not None and _SHA_TEXT.fullmatch(value) else None


def payload_branch(parent: Object | None, key: str) -> str | None:
    """Return a branch name that is safe in an address (by the relevant rules of git-check-ref-format)."""
    value = payload_text(parent, key, longest=_LONGEST_REF)
    wrong = value is None or value.startswith("/") or value.endswith(("/", ".lock")) or ".." in value or "//" in value
    return None if wrong or value is None or any(ord(char) <= 32 or char in "\x7f~^:?*[\\" for char in value) else value


def payload_repository(parent: Object | None) -> str | None:
    """Return ``owner/name``."""
    value = payload_text(parent, "full_name")
    return value if value is not None and _NAME.fullmatch(value) else None


def _no_constant(name: str) -> object:
    raise ValueError(f"it holds {name}")


_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DEPENDABOT = "dependabot[bot]"
DEPENDABOT = "Dependabot started the run"
"""Reason of a read-only token that can be given more permissions."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Event that started the run, with the facts for publishing.

    Attributes:
        name: ``GITHUB_EVENT_NAME``.
        head: Commit that the candidate was made from; ``None`` if there is none to report on.
        pull: Number of the pull request to comment on.
        branch: The pull request's branch, if it is one of this repository.
        reader: Why the token can only read (:data:`DEPENDABOT`: by default), in a few words; ``None`` if it may write.
        why: Why the event has no commit to report on.
    """

    name: str
    head: str | None = None
    pull: int | None = None
    branch: str | None = None
    reader: str | None = None
    why: str | None = None

    def commits(self, sha: str | None) -> frozenset[str]:
        """Return the commits that a report may be about: the head, and ``GITHUB_SHA`` if that contains the head.

        On ``pull_request_target`` it is the base, whose verdict says nothing about the head.
        """
        holds = None if self.name == "pull_request_target" and self.head is not None else sha
        return frozenset(one for one in (self.head, holds) if one is not None)


def event_facts(name: str, event: Object, *, sha: str | None, actor: str | None = None) -> Event:
    """Read an event; a field with another form than GitHub's counts as absent.

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
    pull = payload_part(event, "pull_request")
    head = payload_part(pull, "head")
    commit, number = payload_sha(head, "sha"), payload_number(pull, "number") or payload_number(event, "number")
    if commit is None or number is None:
        return Event(name=name, why="the event names no pull request with a head commit")
    fork = _is_fork(event, pull)
    return Event(
        name=name,
        head=commit,
        pull=number,
        branch=None if fork else payload_branch(head, "ref"),
        reader=_reader(event, actor, fork=fork) if name == "pull_request" else None,
    )


def _is_fork(event: Object, pull: Object | None) -> bool:
    """Whether the head is in another repository; a deleted one (``head.repo: null``) counts too."""
    head = payload_repository(payload_part(payload_part(pull, "head"), "repo"))
    base = payload_repository(payload_part(payload_part(pull, "base"), "repo")) or payload_repository(
        payload_part(event, "repository")
    )
    return head is None or base is None or head.lower() != base.lower()


def _reader(event: Object, actor: str | None, *, fork: bool) -> str | None:
    if fork:
        return "the pull request comes from a fork"
    sender = payload_text(payload_part(event, "sender"), "login")
    return DEPENDABOT if _DEPENDABOT in {actor, sender} else None


def _merge_group(name: str, event: Object, _sha: str | None, _actor: str | None) -> Event:
    commit = payload_sha(payload_part(event, "merge_group"), "head_sha")
    return Event(name=name, head=commit, why=None if commit else "the event names no merge group with a head commit")


def _push(name: str, event: Object, sha: str | None, _actor: str | None) -> Event:
    commit = payload_sha(event, "after") or sha
    if commit is None or set(commit) == {"0"} or payload_flag(event, "deleted"):
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
