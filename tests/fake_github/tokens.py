"""Tokens: their account, their permissions, and GitHub's answer without them."""

import secrets
from collections.abc import Mapping
from typing import Any

from tests.fake_github.people import ACTIONS
from tests.fake_github.serving import Need, Refused
from tests.fake_github.state import Row, State

LEVELS = {"none": 0, "read": 1, "write": 2, "admin": 3}
ROLES = {"none": 0, "read": 1, "triage": 1, "write": 2, "maintain": 2, "admin": 3}
PREFIX = {"installation": "ghs_", "classic": "ghp_", "fine-grained": "github_pat_"}
PUBLISHING = {"contents": "read", "checks": "write", "statuses": "write", "pull-requests": "write"}
# "Primary rate limit": 1,000 an hour and repository for GITHUB_TOKEN, 5,000 for users and apps, 60 without a token.
# https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
HOURLY = {"installation": 1_000, "classic": 5_000, "fine-grained": 5_000}


def mint(
    state: State,
    *,
    permissions: Mapping[str, str] | None = None,
    fork: bool = False,
    app: str = ACTIONS,
    login: str | None = None,
    fine_grained: bool = False,
    repo: Row,
) -> Row:
    """Make a token: of an app (GITHUB_TOKEN by default), or a user's personal access token.

    A workflow of a fork's pull request gets a token of which every permission is at most `read`:
    https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request
    """
    kind = "installation" if login is None else ("fine-grained" if fine_grained else "classic")
    levels = {
        key.replace("-", "_"): level for key, level in (PUBLISHING if permissions is None else permissions).items()
    }
    if fork:
        levels = {key: min(level, "read", key=LEVELS.__getitem__) for key, level in levels.items()}
    return state.add(
        "tokens",
        token=PREFIX[kind] + secrets.token_hex(20),
        kind=kind,
        app=app if login is None else None,
        login=login,
        permissions={"metadata": "read"} | levels,
        repo=repo["id"],
        limit=HOURLY[kind],
        used=0,
        reset=None,
    )


def token_of(state: State, headers: Mapping[str, str]) -> Row | None:
    """The token of a request; one that is not known is refused, as GitHub does even for public data."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    row = state.one("tokens", token=value.strip()) if scheme.lower() in {"bearer", "token"} else None
    if row is None:
        raise Refused(401, "Bad credentials")
    return row


def role(repo: Row, login: str) -> str:
    return "admin" if login == repo["owner"] else repo["roles"].get(login, "none")


def check_visible(token: Row | None, repo: Row) -> None:
    """A private repository does not exist for users without read access.

    https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#404-not-found-for-an-existing-resource
    """
    if not repo["private"]:
        return
    if token is None or (
        token["repo"] != repo["id"] if token["login"] is None else role(repo, token["login"]) == "none"
    ):
        raise Refused(404, "Not Found")


def check_allowed(token: Row | None, repo: Row, needs: tuple[Need, ...], method: str) -> None:
    """Refuse what the token's permissions do not hold; one of ``needs`` is enough.

    Public data need no permission. https://docs.github.com/rest/authentication/permissions-required-for-github-apps
    """
    reading = method == "GET"
    if not needs or (reading and not repo["private"]):
        return
    if token is None:
        raise Refused(401, "Requires authentication")
    if not any(holds(token, repo, *need) for need in needs):
        raise refusal(token, needs)


def holds(token: Row, repo: Row, name: str, level: str) -> bool:
    if token["kind"] == "classic":
        return ROLES[role(repo, token["login"])] >= wanted_role(repo, name, level)
    own = token["repo"] == repo["id"]
    granted = token["permissions"].get(name.replace("-", "_"), "none")
    return own and LEVELS[granted] >= LEVELS[level]


def wanted_role(repo: Row, name: str, level: str) -> int:
    """A reader of a repository may comment; other writes need the role of a writer."""
    if level == "write" and name in {"issues", "pull-requests"}:
        return ROLES["read"] if repo["private"] else ROLES["none"]
    return LEVELS[level]


def refusal(token: Row, needs: tuple[Need, ...]) -> Refused:
    """Each kind of token is refused in different words; the header names the sufficient permissions.

    https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#insufficient-permissions-errors
    """
    accepted = "; ".join(f"{name.replace('-', '_')}={level}" for name, level in needs)
    headers = {"X-Accepted-GitHub-Permissions": accepted}
    if token["kind"] == "classic":
        return Refused(404, "Not Found")  # https://docs.github.com/rest/overview/troubleshooting
    who = "integration" if token["kind"] == "installation" else "personal access token"
    return Refused(403, f"Resource not accessible by {who}", headers=headers)


def token_facts(token: Row) -> dict[str, Any]:
    """A token's row without the secret."""
    return {key: value for key, value in token.items() if key != "token"}
