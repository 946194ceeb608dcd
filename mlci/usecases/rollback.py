"""``mlci rollback``: an earlier version becomes the champion again, by one append to the ledger."""

from dataclasses import dataclass

from mlci.errors import InputError, OutsideError
from mlci.registry import ledger, versions
from mlci.registry.entries import Promotion, Rollback, State
from mlci.registry.interface import Store, UnknownOutcomeError
from mlci.registry.ledger import Stamp, Tail
from mlci.usecases.repeated import own_decision


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """What a roll-back came to.

    Attributes:
        version: The champion now.
        replaced: The champion before.
        entry: Number of the ledger's entry; ``None`` where nothing was written.
        earlier: Number of the entry that an earlier attempt of this invocation wrote, if it did.
    """

    version: int
    replaced: int
    entry: int | None
    earlier: int | None = None


def rollback(store: Store, stamp: Stamp, *, to: int | None, reason: str) -> RolledBack:
    """Make an earlier version the champion again, after reading every byte of it.

    Args:
        store: The registry.
        stamp: Who does it.
        to: The version; left out, the one that the champion replaced when it was promoted.
        reason: Kept in the ledger.

    Raises:
        InputError: There is no such version, or none before the champion.
        CorruptError: That version is not whole.
        UnknownOutcomeError: If the entry was sent and nothing shows whether it arrived.
        OutsideError: The registry can't be reached, or somebody promoted meanwhile and no version was named.
    """
    end = ledger.tail(store)
    state = end.state
    if state.champion is None:
        raise InputError(f"{store.shown} has no version yet, so there is nothing to roll back")
    if (own := own_decision(store, end, stamp)) is not None and isinstance(own.body, Rollback):
        return RolledBack(version=state.champion, replaced=own.body.replaced, entry=None, earlier=own.number)
    target = _before(store, end) if to is None else to
    if str(target) not in state.promoted:
        raise InputError(f"{store.shown} has no version {target}; `mlci versions` lists them")
    if target == state.champion:
        return RolledBack(version=target, replaced=target, entry=None)
    versions.verify(store, versions.version(store, end, target).manifest)
    replaced = []

    def decide(now: State) -> Rollback | None:
        if now.champion is None or (to is None and now.champion != state.champion):
            raise OutsideError(
                f"{store.shown}: version {now.champion} was promoted meanwhile and nothing was rolled back; look at it "
                "first, or say `--to`"
            )
        replaced.append(now.champion)
        return None if now.champion == target else Rollback(version=target, replaced=now.champion, reason=reason)

    try:
        entry = ledger.append(store, stamp, decide)
    except UnknownOutcomeError as error:
        error.remedy = (
            f"Run `mlci rollback --to {target} --reason …`: it writes nothing if version {target} is in production"
        )
        raise
    return RolledBack(version=target, replaced=replaced[-1], entry=entry.number if entry is not None else None)


def _before(store: Store, end: Tail) -> int:
    """Return the version that the champion replaced when it was promoted."""
    champion = end.state.champion
    body = ledger.named(store, end, end.state.promoted[str(champion)]).body
    if not isinstance(body, Promotion) or body.replaced is None:
        raise InputError(f"version {champion} is the first one, so there is nothing to roll back to")
    return body.replaced
