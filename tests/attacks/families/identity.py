"""Identity and races: whose commit a verdict is about, and which of several writers is believed."""

import copy
import json
from functools import partial

from mlci.errors import InputError
from mlci.publish.event import event_facts, parse_payload
from mlci.publish.result import Claim, Unfinished, read_result
from mlci.report.document import Candidate
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.fake_github.events import PAYLOADS
from tests.support.publish.scene import good

BASE = "a" * 40
HEAD = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"


def _payload(scene: Scene, *, data: bytes) -> None:
    scene.call(parse_payload, data, path="event.json")


def _opened(changes: dict[str, object]) -> dict:
    """GitHub's own example with values at dotted paths; ``...`` removes one."""
    payload = copy.deepcopy(json.loads((PAYLOADS / "pull_request__opened.payload.json").read_bytes()))
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = payload
        for parent in parents:
            at = at[parent]
        at.pop(last) if value is ... else at.update({last: value})
    return payload


def _facts(scene: Scene, *, expected: dict[str, object], event: str = "pull_request", **changes: object) -> None:
    found = scene.call(event_facts, event, _opened(changes), sha=BASE)
    assert {name: getattr(found, name) for name in expected} == expected


def _speaks_for_head(scene: Scene) -> None:
    """On pull_request_target the checkout is the base: a report on it is not one on the head."""
    found = scene.call(event_facts, "pull_request_target", _opened({}), sha=BASE)
    assert BASE not in found.commits(BASE)


def _claimed(scene: Scene, *, report: dict[str, object], **claim: object) -> None:
    """A report that passes is left for the publishing step; the facts of the run contradict it."""
    facts = {"ended": "success", "code": "0", "model": "credit-risk", "commits": frozenset({HEAD})} | claim
    planted = good(candidate=Candidate(commit=HEAD)).model_copy(update=report)

    def believe() -> None:
        found = read_result(planted, Claim(**facts))
        if isinstance(found, Unfinished):
            raise InputError(found.why)
        scene.published.append("success")

    scene.call(believe)


FORK = {"head": HEAD, "branch": None, "reader": "the pull request comes from a fork"}
REPO = "pull_request__head__repo"
ATTACKS = (
    Attack("event that is not JSON", "payload form", partial(_payload, data=b"{"), "not JSON"),
    Attack("event with NaN", "payload constants", partial(_payload, data=b'{"number": NaN}'), "NaN"),
    Attack("event that is a list", "payload form", partial(_payload, data=b"[]"), "not a JSON object"),
    Attack("event nested without end", "payload size", partial(_payload, data=b"[" * 300_000), "nested"),
    Attack("event of many lists", "payload size", partial(_payload, data=b'{"a":[' + b"[]," * 500_000 + b"0]}"), "made of"),
    Attack("event of many values", "payload size", partial(_payload, data=b"[" + b"0," * 2_100_000 + b"0]"), "made of"),
    Attack("event of 26 MiB", "payload bytes", partial(_payload, data=b'"' + b" " * (26 << 20) + b'"'), "bytes"),
    Attack("head that is a path", "whole commits", partial(_facts, expected={"head": None}, pull_request__head__sha="../../main")),
    Attack("head with a line break", "whole commits", partial(_facts, expected={"head": None}, pull_request__head__sha=f"{HEAD}\n")),
    Attack("head that is a branch", "whole commits", partial(_facts, expected={"head": None}, pull_request__head__sha="main")),
    Attack("number that is true", "whole numbers", partial(_facts, expected={"head": None}, pull_request__number=True, number=True)),
    Attack("number below zero", "whole numbers", partial(_facts, expected={"head": None}, pull_request__number=-1, number=-1)),
    Attack("number as text with a path", "whole numbers", partial(_facts, expected={"head": None}, pull_request__number="1/../2", number="1/../2")),
    Attack("branch with two dots", "branch names", partial(_facts, expected={"branch": None}, pull_request__head__ref="a..b")),
    Attack("branch with a line break", "branch names", partial(_facts, expected={"branch": None}, pull_request__head__ref="a\n::error::x")),
    Attack("deleted fork", "forks", partial(_facts, expected=FORK, **{REPO: None})),
    Attack("fork without a name", "forks", partial(_facts, expected=FORK, **{f"{REPO}__full_name": 7})),
    Attack("fork with a path as its name", "forks", partial(_facts, expected=FORK, **{f"{REPO}__full_name": "../Hello-World"})),
    Attack("fork of the same name", "forks", partial(_facts, expected=FORK, **{f"{REPO}__full_name": "contributor/Hello-World"})),
    Attack("base that speaks for the head", "checkout of the base", _speaks_for_head),
    Attack("report on another commit", "report's own run", partial(_claimed, report={"candidate": Candidate(commit=BASE)}), "not this run"),
    Attack("report without a commit", "report's own run", partial(_claimed, report={"candidate": Candidate(commit=None)}), "names no commit"),
    Attack("report on another model", "report's own run", partial(_claimed, report={"model": "other"}), "about the model other"),
    Attack("report left by a failed step", "report's own run", partial(_claimed, report={}, code=""), "did not finish"),
    Attack("report that passes after exit code 1", "report's own run", partial(_claimed, report={}, code="1"), "exit code 1"),
    Attack("report of a cancelled job", "report's own run", partial(_claimed, report={}, code=None, ended="cancelled"), "another job"),
)  # fmt: skip
