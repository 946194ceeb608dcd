"""The history of monitoring in the registry: read by the newest entry, and appended unless nothing changed."""

from collections.abc import Callable

from pydantic import ValidationError

from mlci.errors import OutsideError
from mlci.monitor.history import ModelStanding, MonitorHistory
from mlci.registry import errors, stored_files
from mlci.registry.entries import LedgerState
from mlci.registry.entry_kinds import MonitorRecord
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry, RegistryView
from mlci.util.digests import canonical_json

_TRIES = 20


class _ChangedError(Exception):
    """Another monitor wrote its history in between."""


def read_history(view: RegistryView) -> MonitorHistory:
    """Return the history that the newest entry about production names; an empty one before the first.

    Raises:
        CorruptError: if the entry or the history was changed or is damaged.
        OutsideError: if the registry can't be reached.
    """
    number = view.state.monitored
    if number is None:
        return MonitorHistory()
    entry = view.entry(number)
    if not isinstance(entry.body, MonitorRecord):
        raise CorruptError(f"{view.shown}: entry {number} should have a history of production and does not")
    of = f"the history of production of entry {number}"
    data = stored_files.read_description(view.store, entry.body.history, of=of)
    try:
        return MonitorHistory.model_validate_json(data)
    except ValidationError as error:
        raise errors.unreadable_record(error, data, what=f"{view.shown}: {of}", writer=entry.writer) from None


def dump_history(history: MonitorHistory) -> bytes:
    """Return the bytes of a history."""
    return canonical_json(history.model_dump(mode="json", by_alias=True))


def keep_history(
    registry: Registry,
    change: Callable[[MonitorHistory], MonitorHistory],
    *,
    version: int,
    assessed: Callable[[MonitorHistory], ModelStanding],
) -> tuple[MonitorHistory, int | None]:
    """Apply a change to the registry's history; return the history, and the entry's number unless nothing changed.

    Two monitors at once lose nothing: the one that appends second applies its change to the other's history.

    Raises:
        OutsideError: if the registry can't be written to.
    """
    for _ in range(_TRIES):
        view = registry.view()
        before = read_history(view)
        after = change(before)
        if after == before or not after.windows:
            return after, None
        digest = stored_files.describe(registry.store, dump_history(after))
        newest, seen = after.windows[-1], view.state.monitored
        body = MonitorRecord(version=version, window=newest.start, outcome=assessed(after).state, history=digest)

        def decide(state: LedgerState, seen: int | None = seen, body: MonitorRecord = body) -> MonitorRecord:
            if state.monitored != seen:
                raise _ChangedError
            return body

        try:
            entry = registry.append(decide)
        except _ChangedError:
            continue
        return after, None if entry is None else entry.number
    raise OutsideError(f"{registry.shown}: other monitors came first {_TRIES} times in a row; try again later")
