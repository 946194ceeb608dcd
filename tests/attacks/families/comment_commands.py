"""Commands in comments: an event that is not a person's new comment, and a person who may not give the command."""

import copy
import json
from functools import partial

from mlci.commands import rules
from mlci.commands.comment import IgnoredEvent, read_comment_event
from mlci.commands.grammar import PromoteCommand, RerunCommand, WaiveCommand
from mlci.commands.rules import ChangeFacts
from mlci.errors import InputError
from mlci.report.document import BaselineRef
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.fake_github.events import PAYLOADS
from tests.support.reports import a_report, broken, failed

HEAD, OTHER = "b" * 40, "c" * 40
CHANGE = ChangeFacts(head=HEAD, authors=frozenset({"Mallory"}))
WAIVER = WaiveCommand(gate="recall.max_drop", until="2026-12-31", reason="noise", head=HEAD)


def _event(scene: Scene, *, name: str = "issue_comment", **changes: object) -> None:
    """GitHub's own example of a comment, on a pull request, with values at dotted paths."""
    payload = copy.deepcopy(json.loads((PAYLOADS / "issue_comment__created.payload.json").read_bytes()))
    payload["issue"]["pull_request"] = {}
    payload["sender"] = payload["comment"]["user"]
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = payload
        for parent in parents:
            at = at[parent]
        at[last] = value

    def read() -> None:
        found = read_comment_event(name, payload)
        if isinstance(found, IgnoredEvent):
            raise InputError(found.why)

    scene.call(read)


def _refused(scene: Scene, *, why: str | None) -> None:
    def judge() -> None:
        if why is not None:
            raise InputError(why)

    scene.call(judge)


def _role(scene: Scene, *, role: str | None, promote: bool = True) -> None:
    needed = rules.allowed_roles(PromoteCommand() if promote else RerunCommand())
    _refused(scene, why=rules.role_refusal("eve", role, needed))


def _waiver(scene: Scene, *, person: str = "dana", command: dict[str, object] | None = None, **change: object) -> None:
    asked = WaiveCommand(**{**vars(WAIVER), **(command or {})})
    facts = ChangeFacts(**{**vars(CHANGE), **change})
    _refused(scene, why=rules.waiver_refusal(asked, person, facts, today="2026-06-01", latest="2027-06-01"))


def _gate(scene: Scene, *, source: str = "production", error: bool = False) -> None:
    row = broken("recall", max_drop=0.01, reason="x") if error else failed("recall", was=0.6, now=0.5, max_drop=0.01)
    report = a_report(gates=[row]).model_copy(update={"baseline": BaselineRef(source=source)})
    _refused(scene, why=rules.gate_refusal(row.id, report))


ATTACKS = (
    Attack("command in an edited comment", "comments of persons", partial(_event, action="edited"), "edited or deleted"),
    Attack("command on an issue", "comments of persons", partial(_event, issue__pull_request=None), "not on a pull request"),
    Attack("command of a bot", "comments of persons", partial(_event, comment__user={"login": "x", "type": "Bot"}), "not made by a person"),
    Attack("command of a login that looks like a bot's", "comments of persons", partial(_event, comment__user={"login": "mlci[bot]", "type": "User"}), "not made by a person"),
    Attack("command that another person caused", "comments of persons", partial(_event, sender={"login": "eve"}), "not caused by"),
    Attack("command of another event", "comments of persons", partial(_event, name="pull_request_review_comment"), "not `issue_comment`"),
    Attack("command without a role", "roles of commands", partial(_role, role=None), "needs one of"),
    Attack("promotion by a writer", "roles of commands", partial(_role, role="write"), "needs one of"),
    Attack("run by a reader", "roles of commands", partial(_role, role="read", promote=False), "needs one of"),
    Attack("role in capitals", "roles of commands", partial(_role, role="ADMIN"), "needs one of"),
    Attack("waiver by the author", "rules of waivers", partial(_waiver, person="Mallory"), "is an author"),
    Attack("waiver by the author in other letters", "rules of waivers", partial(_waiver, person="mALLORY"), "is an author"),
    Attack("waiver by an unknown committer", "rules of waivers", partial(_waiver, unknown=(OTHER,)), "does not know the author"),
    Attack("waiver by an unknown co-author", "rules of waivers", partial(_waiver, unresolved=(OTHER,)), "has a co-author"),
    Attack("waiver of more commits than are listed", "rules of waivers", partial(_waiver, whole=False), "more commits"),
    Attack("waiver of an older head", "rules of waivers", partial(_waiver, command={"head": OTHER}), "the head commit is"),
    Attack("waiver that is over", "rules of waivers", partial(_waiver, command={"until": "2026-05-31"}), "is over"),
    Attack("waiver for ever", "rules of waivers", partial(_waiver, command={"until": "2099-01-01"}), "at most a year"),
    Attack("waiver of a gate in error", "gates that can be waived", partial(_gate, error=True), "does not block|without a number"),
    Attack("waiver against a file as a baseline", "gates that can be waived", partial(_gate, source="file"), "without a number|not made with a registry"),
)  # fmt: skip
