"""Primary rate limits: so many requests an hour for each token."""

import time
from typing import Any

from tests.fake_github.serving import Refused
from tests.fake_github.state import Row, State

HOUR = 3600
ANONYMOUS = 60


def bucket(state: State, token: Row | None) -> Row:
    """The row that counts; requests without a token share one."""
    row = token or state.one("anonymous") or state.add("anonymous", limit=ANONYMOUS, used=0, reset=None)
    if row["reset"] is None or row["reset"] <= time.time():
        row.update(used=0, reset=int(time.time()) + HOUR, limit=row.get("later", row["limit"]))
    return row


def standing(state: State, token: Row | None) -> dict[str, Any]:
    row = bucket(state, token)
    left = max(0, row["limit"] - row["used"])
    return {"limit": row["limit"], "remaining": left, "used": row["used"], "reset": row["reset"], "resource": "core"}


def headers(state: State, token: Row | None) -> dict[str, str]:
    """https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit"""
    return {f"X-RateLimit-{key.title()}": str(value) for key, value in standing(state, token).items()}


def count(state: State, token: Row | None) -> None:
    """Take one request off; asking for the standing is free."""
    row = bucket(state, token)
    if row["used"] >= row["limit"]:
        who = "installation" if token and token["kind"] == "installation" else "user"
        raise Refused(403, f"API rate limit exceeded for {who} ID {row['id']}.")
    row["used"] += 1
