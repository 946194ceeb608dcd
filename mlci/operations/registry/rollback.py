"""``mlci rollback``: an earlier version becomes the champion again, by one ledger entry."""

from dataclasses import dataclass

from mlci.errors import InputError, OutsideError
from mlci.operations.registry.preflight import find_own_decision
from mlci.registry import stored_files
from mlci.registry.entries import LedgerState
from mlci.registry.entry_kinds import Promotion, Rollback
from mlci.registry.errors import UnknownOutcomeError
from mlci.registry.registry import Registry, RegistryView


@dataclass(frozen=True, kw_only=True)
class RollbackResult:
    """Result of a rollback.

    Attributes:
        version: The champion now.
        replaced: The champion before.
        entry: Number of the ledger's entry; ``None`` if nothing was written.
        earlier: Number of the entry that an earlier attempt of this invocation wrote, if it did.
    """

    version: int
    replaced: int
    entry: int | None
    earlier: int | None = None


def roll_back(registry: Registry, *, to: int | None, reason: str) -> RollbackResult:
    """Make an earlier version the champion again, after verifying all of its files.

    Args:
        registry: The registry, with an author.
        to: The version; by default the one that the champion replaced when it was promoted.
        reason: Reason to record in the ledger.

    Raises:
        InputError: if the version does not exist, or if the champion is the first one.
        CorruptError: if that version is damaged.
        UnknownOutcomeError: if the entry was sent and it is unknown whether it arrived.
        OutsideError: if the registry can't be reached, or a promotion came in between and no version was named.
    """
    view, author = registry.view(), registry.required_author()
    state = view.state
    if state.champion is None:
        raise InputError(f"{registry.shown} has no version yet, so there is nothing to roll back")
    if (own := find_own_decision(view, author)) is not None and isinstance(own.body, Rollback):
        return RollbackResult(version=state.champion, replaced=own.body.replaced, entry=None, earlier=own.number)
    target = _before(view) if to is None else to
    if str(target) not in state.promoted:
        raise InputError(f"{registry.shown} has no version {target}; `mlci versions` lists them")
    if target == state.champion:
        return RollbackResult(version=target, replaced=target, entry=None)
    stored_files.verify_files(registry.store, view.version(target).manifest, erased=view.erasures)
    replaced = []

    def decide(now: LedgerState) -> Rollback | None:
        if now.champion is None or (to is None and now.champion != state.champion):
            raise OutsideError(
                f"{registry.shown}: version {now.champion} was promoted meanwhile and nothing was rolled back; look at "
                "it first, or say `--to`"
            )
        replaced.append(now.champion)
        return None if now.champion == target else Rollback(version=target, replaced=now.champion, reason=reason)

    try:
        entry = registry.append(decide)
    except UnknownOutcomeError as error:
        error.remedy = (
            f"Run `mlci rollback --to {target} --reason …`: it writes nothing if version {target} is in production"
        )
        raise
    return RollbackResult(version=target, replaced=replaced[-1], entry=entry.number if entry is not None else None)


def _before(view: RegistryView) -> int:
    """Return the version that the champion replaced when it was promoted."""
    champion = view.state.champion
    body = view.entry(view.state.promoted[str(champion)]).body
    if not isinstance(body, Promotion) or body.replaced is None:
        raise InputError(f"version {champion} is the first one, so there is nothing to roll back to")
    return body.replaced
