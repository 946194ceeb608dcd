"""Trend of each gated metric over the versions that were in production, from their manifests."""

from collections.abc import Iterable, Iterator
from itertools import islice, takewhile

from mlci.errors import OutsideError
from mlci.lineage.rows import is_recorded
from mlci.metrics import catalogue
from mlci.registry.entries import Promotion, Rollback
from mlci.registry.ledger_state import rolled_back_versions
from mlci.registry.registry import RegistryView, Version
from mlci.report.document import TrendPoint, TrendRow

MOST = 8
"""Number of versions in a trend; each takes two reads."""

LOOKED = 16
"""Number of newest versions to choose them from; versions that were rolled back are left out."""

_DECISIONS = 64  # promotions and rollbacks that are read for that


def trend_rows(
    view: RegistryView, metrics: Iterable[str], fingerprint: str | None
) -> tuple[tuple[TrendRow, ...], tuple[str, ...]]:
    """Return a row for each metric, oldest version first, and notes about versions that can't be read.

    A trend only explains: a damaged version that is no longer in production never blocks a merge.

    Args:
        store: The registry.
        view: The registry as of one entry.
        metrics: Metrics on the whole set, as gates name them.
        fingerprint: Fingerprint of the current evaluation set; numbers on another set can't be compared.
    """
    history: list[Version] = []
    notes: list[str] = []
    for item in metric_history(view):
        if isinstance(item, Version):
            history.append(item)
        else:
            notes.append(f"trend: {item}")
    rows = (_row(metric, _points(metric, history, fingerprint)) for metric in dict.fromkeys(metrics))
    return tuple(row for row in rows if row is not None), tuple(notes)


def metric_history(view: RegistryView) -> Iterator[Version | OutsideError]:
    """Yield the versions that led to the champion, oldest first; an unreadable one is yielded as its error.

    Versions that were rolled back are left out.
    """
    newest = view.state.champion or 0
    oldest = max(1, newest - LOOKED + 1)
    rolled_back: set[int] = set()
    if newest > 1:
        try:
            rolled_back = _rolled_back(view, view.state.promoted[str(oldest)])
        except OutsideError as error:
            yield error
    for number in [number for number in range(oldest, newest + 1) if number not in rolled_back][-MOST:]:
        try:
            yield view.version(number)
        except OutsideError as error:
            yield error


def _rolled_back(view: RegistryView, since: int) -> set[int]:
    """Return the rolled-back versions among those promoted by entry ``since`` or later."""
    decided = takewhile(lambda entry: entry.number >= since, islice(view.decisions(), _DECISIONS))
    steps = [entry.body for entry in decided if isinstance(entry.body, Promotion | Rollback)]
    return set(rolled_back_versions(reversed(steps)))


def _points(metric: str, history: list[Version], fingerprint: str | None) -> tuple[TrendPoint, ...]:
    points = []
    for version in history:
        values = {catalogue.canonical(name): value for name, value in version.manifest.metrics.items()}
        value = values.get(catalogue.canonical(metric))
        if value is not None:
            same = fingerprint is None or is_recorded(version.manifest.data.fingerprint, fingerprint)
            points.append(TrendPoint(version=version.number, value=value, same_rows=same))
    return tuple(points)


def _row(metric: str, points: tuple[TrendPoint, ...]) -> TrendRow | None:
    """Return a metric's row; with one version alone there is only a baseline, not a trend."""
    return TrendRow(metric=metric, points=points) if len(points) > 1 else None
