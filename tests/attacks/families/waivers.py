"""Waivers and commands in comments: a finding that cannot be accepted, and text that is not a command."""

from functools import partial

from mlci.commands.grammar import MalformedCommand, parse_command
from mlci.errors import InputError
from mlci.gates.limits import Limit
from mlci.gates.outcomes import AcceptedNumber, GateWaiver, JudgedGate, Outcome, Reason
from mlci.gates.waivers import apply_waivers
from mlci.metrics.statistics import WHOLE
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.support.comparisons import rule

HEAD, OTHER, TODAY = "b" * 40, "c" * 40, "2026-06-01"


def _gate(**change: object) -> JudgedGate:
    usual = {
        "rule": rule("accuracy", max_drop=0.01),
        "limit": Limit("max_drop", 0.01),
        "scope": WHOLE,
        "judge": "interval",
        "outcome": Outcome.FAILED,
        "why": Reason.BEYOND_LIMIT,
        "reason": "x",
        "candidate": 0.7,
        "value": -0.2,
        "baseline": 0.9,
        "blocks": True,
    }
    return JudgedGate(**{**usual, **change})


def _waived(
    scene: Scene, *, gate: dict[str, object] | None = None, head: str | None = HEAD, named: str = "", **change: object
) -> None:
    """A waiver is in the ledger; the gate blocks all the same."""
    judged = _gate(**(gate or {}))
    usual = {"gate": named or judged.id, "head": HEAD, "person": "dana", "reason": "noise", "until": "2026-12-31"}
    usual["accepted"] = AcceptedNumber(of="value", worst=-0.25)
    waiver = GateWaiver(**{**usual, **change})

    def judge() -> None:
        (found,) = apply_waivers([judged], [waiver], head=head, today=TODAY)
        if found.blocks and found.outcome is not Outcome.WAIVED:
            raise InputError("the gate blocks")

    scene.call(judge)


def _command(scene: Scene, *, text: str, ignored: bool = False) -> None:
    def parse() -> None:
        found = parse_command(text)
        if found is None or isinstance(found, MalformedCommand):
            assert (found is None) == ignored
            raise InputError("not a command" if found is None else found.why)

    scene.call(parse)


LINE = f'/mlci waive "accuracy.max_drop" --until 2026-12-31 --reason "noise" {HEAD}'
ATTACKS = (
    Attack("waiver of another commit", "commit of a waiver", partial(_waived, head=OTHER), "blocks"),
    Attack("waiver without a commit", "commit of a waiver", partial(_waived, head=None), "blocks"),
    Attack("waiver of another gate", "commit of a waiver", partial(_waived, named="recall.max_drop"), "blocks"),
    Attack("waiver that ended", "commit of a waiver", partial(_waived, until="2026-05-31"), "blocks"),
    Attack("waiver of a better training of the commit", "commit of a waiver", partial(_waived, gate={"value": -0.26}), "blocks"),
    Attack("waiver without a number", "commit of a waiver", partial(_waived, accepted=None), "blocks"),
    Attack("waiver of an error", "findings that can be waived", partial(_waived, gate={"outcome": Outcome.ERROR, "why": Reason.NO_INTERVAL}), "blocks"),
    Attack("waiver of a metric that disappeared", "findings that can be waived", partial(_waived, gate={"outcome": Outcome.ERROR, "why": Reason.DISAPPEARED}), "blocks"),
    Attack("waiver of NaN", "findings that can be waived", partial(_waived, gate={"candidate": float("nan"), "value": None}), "blocks"),
    Attack("waiver of a value that is missing", "findings that can be waived", partial(_waived, gate={"candidate": None, "value": None}), "blocks"),
    Attack("command in a quotation", "grammar of commands", partial(_command, text=f"> {LINE}", ignored=True), "not a command"),
    Attack("command in a longer text", "grammar of commands", partial(_command, text=f"please {LINE}", ignored=True), "not a command"),
    Attack("command with a second line", "grammar of commands", partial(_command, text=f"{LINE}\n/mlci promote"), "only line"),
    Attack("command of a shell", "grammar of commands", partial(_command, text="/mlci run; curl evil"), "argument|not exist"),
    Attack("command with hidden characters", "grammar of commands", partial(_command, text=LINE.replace("noise", "no\u202eise")), "not visible"),
    Attack("waiver of a short commit", "grammar of commands", partial(_command, text=LINE.replace(HEAD, HEAD[:7])), "whole SHA"),
    Attack("waiver until no day", "grammar of commands", partial(_command, text=LINE.replace("2026-12-31", "2026-02-30")), "day of the calendar"),
    Attack("waiver without a reason", "grammar of commands", partial(_command, text=LINE.replace('"noise"', '"  "')), "--reason"),
    Attack("option twice", "grammar of commands", partial(_command, text=LINE.replace("--reason", "--until 2027-01-01 --reason")), "each once"),
    Attack("command of 5,000 characters", "grammar of commands", partial(_command, text="/mlci run " + "x" * 5_000), "at most"),
)  # fmt: skip
