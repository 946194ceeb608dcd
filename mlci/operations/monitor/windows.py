"""Windows of the calendar in UTC: start to end, and those between two of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mlci.engine.production.job import WindowUnit
from mlci.errors import InputError

_FORM = "%Y-%m-%dT%H:%M"
_LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


def window_of(time: str, unit: WindowUnit) -> str:
    """Return the start of the window that a time lies in.

    Raises:
        InputError: if it is not a time in ISO 8601.
    """
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        raise InputError(f"{time!r} is not a time; write it as 2026-11-30T12:00, in UTC") from None
    offset = at.utcoffset()
    at = (at - offset if offset is not None else at).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    if unit != "hour":
        at = at.replace(hour=0)
    if unit == "week":
        at -= timedelta(days=at.weekday())
    return (at.replace(day=1) if unit == "month" else at).strftime(_FORM)


def window_end(start: str, unit: WindowUnit) -> str:
    """Return the end of a window, which is the start of the next one."""
    at = datetime.strptime(start, _FORM)  # noqa: DTZ007 - all windows are in UTC
    if unit == "month":
        return (at.replace(day=28) + timedelta(days=4)).replace(day=1).strftime(_FORM)
    return (at + _LENGTHS[unit]).strftime(_FORM)


def windows_between(first: str, end: str, unit: WindowUnit) -> Iterator[str]:
    """Yield the windows from ``first`` on that end at ``end`` or earlier."""
    while first < end:
        yield first
        first = window_end(first, unit)
