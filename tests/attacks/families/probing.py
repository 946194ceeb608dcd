"""Budget of looks at sealed labels: more looks than it allows, looks that go uncounted, and a ledger without them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from mlci.errors import InputError, OutsideError
from mlci.operations.sealed import gate, probes
from mlci.publish.result import Unfinished
from mlci.registry.entries import PROBES
from mlci.registry.entry_kinds import ProbeRecord
from mlci.registry.registry import Registry
from mlci.sealed.identity import VerifiedHead
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.support import sealed_facts as facts
from tests.support.registry.histories import Memory, look, stamp

DAY, BEFORE = "2026-05-01", "2026-04-30"
USED = "used up"


def _counted(scene: Scene, *, looks: Iterable[ProbeRecord], store: Memory | None = None) -> None:
    """All looks but the last are allowed; the last is the attacker's."""
    registry, (*earlier, last) = Registry(store or Memory(), stamp()), looks
    for one in earlier:
        assert probes.record_look(registry, one, 1) is None

    def count() -> None:
        if probes.record_look(registry, last, 1) is not None:
            raise InputError("the budget is used up")

    scene.call(count)


class _Racing(Memory):
    """A store to which another gate appends in the moment before this one does."""

    rival: ProbeRecord | None = None

    def append(self, number: int, entry: bytes) -> bool:
        if self.rival is not None:
            rival, self.rival = self.rival, None
            Registry(self, stamp()).append(lambda _: rival)
        return super().append(number, entry)


def _at_once(scene: Scene) -> None:
    store = _Racing()
    store.rival = look(run=8)
    _counted(scene, looks=[look(run=9)], store=store)


def _many_pulls() -> list[ProbeRecord]:
    """A new pull request for the same head, again and again."""
    return [look(pull=number, run=number) for number in range(1, PROBES + 2)]


def _head(run: int = 7, pull: int | None = 4) -> VerifiedHead:
    return VerifiedHead(run=replace(facts.RUN, id=run), head=facts.HEAD, pull=pull)


def _uncounted(scene: Scene, *, registry: Callable[[], Registry | None], place: str = "s3://b/p") -> None:
    """The ledger can't hold the look."""

    def count() -> None:
        found = probes.count_look(registry(), _head(), per_day=5, today=DAY, place=place, in_actions=True)
        if found is not None:
            raise InputError(found.title, *found.details)

    scene.call(count)


class _ReadOnly(Memory):
    def append(self, _number: int, _entry: bytes) -> bool:
        raise OutsideError("403: the token may not write")


def _without_records() -> Registry:
    """The ledger's entries were deleted, and its checkpoint was not."""
    store = Memory()
    for run in (1, 2):
        probes.record_look(Registry(store, stamp()), look(run=run), 5)
    store.kept.clear()
    return Registry(store, stamp())


def _judged(scene: Scene, *, fails: Exception) -> None:
    """The first evaluation fails after it was counted, so its author starts another."""
    config = SimpleNamespace(probe=SimpleNamespace(per_day=1), registry="s3://b/p")
    context: Any = SimpleNamespace(
        registry=Registry(Memory(), stamp()), config=config, today=DAY, in_actions=True, scratch=scene.temp, loaded=None
    )
    gated: Any = SimpleNamespace(error=None, context=context, publishes=True)
    parts = {"find_refusals": [], "replace": context, "_judging": None, "_download": None, "_sealed_head": None}

    def judge() -> None:
        with (
            patch.multiple(gate, **{name: lambda *_, found=found, **__: found for name, found in parts.items()}),
            patch.object(gate, "judge_archive", side_effect=fails),
        ):
            gate._judged(gated, facts.HOME, _head(run=1))
            second = gate._judged(gated, facts.HOME, _head(run=2))
        if isinstance(second, Unfinished) and USED in second.title:
            raise InputError(second.title)

    scene.call(judge)


ATTACKS = (
    Attack("second look in a day", "budget of looks", partial(_counted, looks=[look(run=1), look(run=2)]), USED),
    Attack("budget again after a force-push", "budget of looks", partial(_counted, looks=[look(run=1), look(run=2, head="b" * 40)]), USED),
    Attack("budget again by another attempt", "budget of looks", partial(_counted, looks=[look(run=1), look(run=1, attempt=2)]), USED),
    Attack("look on the day before", "budget of looks", partial(_counted, looks=[look(run=1, day=DAY), look(run=2, day=BEFORE)]), USED),
    Attack("look at midnight on either day", "budget of looks", partial(_counted, looks=[look(run=1, day=BEFORE), look(run=2, day=DAY), look(run=3, day=BEFORE)]), USED),
    Attack("new pull requests for the same head", "budget of looks", lambda scene: _counted(scene, looks=_many_pulls()), USED),
    Attack("two looks at once", "looks one after the other", _at_once, USED),
    Attack("look without a registry", "looks that last", partial(_uncounted, registry=lambda: None), "can't be counted"),
    Attack("look in a registry that the job loses", "looks that last", partial(_uncounted, registry=lambda: Registry(Memory(), stamp()), place=".mlci/registry"), "can't be counted"),
    Attack("look in a registry that can only be read", "looks that last", partial(_uncounted, registry=lambda: Registry(_ReadOnly(), stamp())), "can't be counted"),
    Attack("ledger without its looks", "looks that last", partial(_uncounted, registry=_without_records), "can't be counted"),
    Attack("look whose evaluation fails", "looks before evaluations", partial(_judged, fails=InputError("broken predictions")), USED),
    Attack("look whose registry fails", "looks before evaluations", partial(_judged, fails=OutsideError("time-out")), USED),
)  # fmt: skip
