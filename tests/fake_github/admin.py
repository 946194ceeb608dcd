"""Administration over HTTP under `/_fake`, for tests in other processes.

GET    /_fake/state                     everything, as rows
GET    /_fake/requests                  the log: method, path, query, status, fault; DELETE forgets it
GET    /_fake/count                     how many requests that is
GET    /_fake/violations                what clients sent against GitHub's description; DELETE forgets it
GET    /_fake/failures                  where the fake itself failed
GET    /_fake/comments?number=1         GET /_fake/check_runs?sha=…   GET /_fake/statuses?sha=…   GET /_fake/pulls
GET    /_fake/event?name=pull_request&number=1&action=opened
POST   /_fake/tokens                    {"permissions": {…}, "fork": false, "app": …, "user": …} → {"token": …}
POST   /_fake/pulls                     {"head": "topic", "base": "main", "fork": false} → {"number": …}
POST   /_fake/comments                  {"number": 1, "body": "…", "user": "octocat"}
POST   /_fake/faults                    {"method": "POST", "path": "/check-runs", "kind": "drop", …}; DELETE ends all
POST   /_fake/pace                      {"delay": 0.0, "jitter": 0.05, "seed": 7}
"""

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.fake_github.serving import Reply

if TYPE_CHECKING:
    from tests.fake_github.fake import Fake


def answer(fake: "Fake", method: str, path: str, query: str, data: bytes) -> Reply:
    """Answer one request to the other door."""
    name = path.removeprefix("/_fake").strip("/")
    try:
        return Reply(200, done(fake, method, name, dict(parse_qsl(query)), json.loads(data) if data else {}))
    except KeyError:
        return Reply(404, {"message": f"no {method} /_fake/{name}", "doors": (__doc__ or "").splitlines()[2:]})
    except (ValueError, TypeError, LookupError) as error:
        return Reply(400, {"message": str(error)})


def done(fake: "Fake", method: str, name: str, query: dict[str, str], body: dict[str, Any]) -> Any:
    if method == "GET":
        return read_state(fake, name, query)
    if method == "DELETE":
        forget = {"requests": fake.log.clear, "violations": fake.violations.clear, "faults": fake.faults.clear}
        return forget[name]()
    return {"tokens": token, "pulls": pull, "comments": comment, "faults": fault, "pace": pace}[name](fake, body)


def read_state(fake: "Fake", name: str, query: dict[str, str]) -> Any:
    looks: dict[str, Callable[[], Any]] = {
        "state": fake.state.dump,
        "requests": lambda: [dataclasses.asdict(entry) for entry in fake.log],
        "count": lambda: {"count": len(fake.log)},
        "violations": lambda: fake.violations,
        "failures": lambda: fake.failures,
        "comments": lambda: fake.comments(int(query["number"])),
        "check_runs": lambda: fake.check_runs(query.get("sha"), query.get("name")),
        "statuses": lambda: fake.statuses(query["sha"]),
        "pulls": fake.pulls,
        "event": lambda: event(fake, dict(query)),
    }
    return looks[name]()


def event(fake: "Fake", query: dict[str, str]) -> Any:
    number = query.pop("number", None)
    return fake.event(query.pop("name"), int(number) if number else None, **query)


def token(fake: "Fake", body: dict[str, Any]) -> Any:
    return {"token": fake.token(**body)}


def pull(fake: "Fake", body: dict[str, Any]) -> Any:
    return {"number": fake.pull(**body)}


def comment(fake: "Fake", body: dict[str, Any]) -> Any:
    return {"id": fake.comment(**body)}


def fault(fake: "Fake", body: dict[str, Any]) -> Any:
    body.pop("call", None)
    return {"order": repr(fake.fail(**body))}


def pace(fake: "Fake", body: dict[str, Any]) -> Any:
    return {"done": fake.faults.pace(**body)}
