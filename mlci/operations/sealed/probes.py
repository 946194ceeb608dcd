"""Budget of looks at sealed labels: each evaluation of a pull request is counted in the ledger, before it starts.

Every published verdict reveals some of the labels that it was judged on, so a pull request gets a number of looks a
day. A look is one attempt of a training run. The ledger records it before anything is evaluated, so a job that is
killed counts, and so does an evaluation that ends in an error. The gate of the same attempt, run again, is the same
look.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from mlci.config.types import DEFAULT_REGISTRY, GITHUB
from mlci.errors import OutsideError
from mlci.publish.result import Unfinished
from mlci.registry.entries import PROBES, DayOfProbes, LedgerState
from mlci.registry.entry_kinds import ProbeRecord
from mlci.registry.registry import Registry
from mlci.sealed.identity import VerifiedHead

_INPUT, _OUTSIDE = 2, 4
_MAINTAINER = (
    "A maintainer can raise `probe.per_day` in mlci.yml on the default branch; then start the run of the gate again."
)


@dataclass(frozen=True, kw_only=True)
class UsedBudget:
    """A budget without a look left.

    Attributes:
        day: The day in UTC.
        looks: Number of looks of the pull request on it.
        all_looks: Number of looks of all pull requests on it.
    """

    day: str
    looks: int
    all_looks: int

    @property
    def renewal(self) -> str:
        """Time of the next look."""
        return f"{(date.fromisoformat(self.day) + timedelta(days=1)).isoformat()} 00:00 UTC"


class _UsedBudgetError(Exception):
    def __init__(self, used: UsedBudget) -> None:
        super().__init__(used)
        self.used = used


def next_look(before: DayOfProbes | None, look: ProbeRecord, per_day: int) -> ProbeRecord | UsedBudget | None:
    """Return the look to record, or that the budget has none left; ``None`` if the ledger has this look already.

    The day never goes back: at midnight, a gate that is late counts for the day that another one has begun.

    Args:
        before: Looks of the newest day in the ledger.
        look: The look, on the day of this machine's clock.
        per_day: Looks of one pull request in a day.
    """
    known = before.pulls.get(str(look.pull), ()) if before is not None else ()
    if f"{look.run}.{look.attempt}" in known:
        return None
    if before is None or before.day < look.day:
        return look
    if len(known) >= per_day or before.looks >= PROBES:
        return UsedBudget(day=before.day, looks=len(known), all_looks=before.looks)
    return look.model_copy(update={"day": before.day})


def record_look(registry: Registry, look: ProbeRecord, per_day: int) -> UsedBudget | None:
    """Append a look to the ledger, unless it is there; return the budget if none is left.

    Two gates at once can't share one look: the one that appends second decides again, on the ledger with the first.

    Raises:
        OutsideError: if the registry can't be written to.
    """

    def decide(state: LedgerState) -> ProbeRecord | None:
        found = next_look(state.probed, look, per_day)
        if isinstance(found, UsedBudget):
            raise _UsedBudgetError(found)
        return found

    try:
        registry.append(decide)
    except _UsedBudgetError as error:
        return error.used
    return None


def count_look(
    registry: Registry | None, head: VerifiedHead, *, per_day: int, today: str, place: str, in_actions: bool
) -> Unfinished | None:
    """Count a look at the labels; return why there is none, ``None`` if the evaluation may start.

    Args:
        registry: The registry, with an author.
        head: The pull request's commit and its training run; a merge group is not counted.
        per_day: Looks of one pull request in a day.
        today: The day in UTC.
        place: The registry as the configuration names it.
        in_actions: Whether this is a job of a workflow, which loses its folders when it ends.
    """
    if head.pull is None:
        return None
    if registry is None or (in_actions and place == DEFAULT_REGISTRY):
        return _uncounted("this job's folders are lost when it ends, and the counts with them", place)
    look = ProbeRecord(pull=head.pull, head=head.head, day=today, run=head.run.id, attempt=head.run.attempt)
    try:
        used = record_look(registry, look, per_day)
    except OutsideError as error:
        return _uncounted(str(error).split("Add to the job", 1)[0].strip(), place)
    return None if used is None else _used_up(used, head.pull, per_day)


def _used_up(used: UsedBudget, pull: int, per_day: int) -> Unfinished:
    why = f"pull request {pull} was evaluated {used.looks} times on {used.day} (UTC), as often as `probe` allows"
    if used.looks < per_day:
        why = (
            f"all pull requests together were evaluated {used.all_looks} times on {used.day} (UTC), the most that count"
        )
    return Unfinished(
        why=why,
        code=_INPUT,
        title="the budget of evaluations is used up",
        details=(
            "Each evaluation reveals some of the hidden labels, so `probe.per_day` limits them; nothing was evaluated.",
            f"The next evaluation is possible from {used.renewal}: push then, or start the training run again.",
            *((_MAINTAINER,) if used.looks >= per_day else ()),
        ),
        remedy=f"wait until {used.renewal}, then push, or ask a maintainer",
    )


def _uncounted(why: str, place: str) -> Unfinished:
    remedy = "let the gate's job write to the registry: its credentials need the right to create objects there"
    if place == GITHUB:
        remedy = (
            "write `contents: write` instead of `contents: read` under the gate job's `permissions:` in mlci-gate.yml"
        )
    if place == DEFAULT_REGISTRY:
        remedy = "name a registry that lasts on the default branch: `registry: github`, `s3://…`, `gs://…` or `az://…`"
    return Unfinished(
        why="an evaluation has to be counted before it starts, because `probe` limits them, and the registry can't be "
        "written to",
        code=_OUTSIDE,
        title="this evaluation can't be counted",
        details=(why, f"{remedy[0].upper()}{remedy[1:]}."),
        remedy=remedy,
    )
