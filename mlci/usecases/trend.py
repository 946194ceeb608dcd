"""The history of each gated metric over the versions that were in production, from their manifests."""

from collections.abc import Iterable, Iterator

from mlci.errors import OutsideError
from mlci.metrics import catalogue
from mlci.registry import versions
from mlci.registry.interface import Store
from mlci.registry.ledger import Tail
from mlci.registry.versions import Version
from mlci.report.document import TrendPoint, TrendRow

MOST = 8
"""Versions that are looked at; each takes two reads."""


def trend(
    store: Store, end: Tail, metrics: Iterable[str], fingerprint: str | None
) -> tuple[tuple[TrendRow, ...], tuple[str, ...]]:
    """Return a row for each metric, oldest version first, and notes about versions that can't be read.

    A trend only explains: what is wrong with a version that is not in production any more blocks nobody's merge.

    Args:
        store: The registry.
        end: The ledger's.
        metrics: Metrics on the whole set, as gates name them.
        fingerprint: Of the current evaluation set; numbers on another one can't be compared with it.
    """
    found: list[Version] = []
    notes: list[str] = []
    for item in _history(store, end):
        if isinstance(item, Version):
            found.append(item)
        else:
            notes.append(f"trend: {item}")
    rows = (_row(metric, _points(metric, found, fingerprint)) for metric in dict.fromkeys(metrics))
    return tuple(row for row in rows if row is not None), tuple(notes)


def _history(store: Store, end: Tail) -> Iterator[Version | OutsideError]:
    newest = end.state.champion or 0
    for number in range(max(1, newest - MOST + 1), newest + 1):
        try:
            yield versions.version(store, end, number)
        except OutsideError as error:
            yield error


def _points(metric: str, history: list[Version], fingerprint: str | None) -> tuple[TrendPoint, ...]:
    points = []
    for version in history:
        known = {catalogue.canonical(name): value for name, value in version.manifest.metrics.items()}
        value = known.get(catalogue.canonical(metric))
        if value is not None:
            same = fingerprint is None or version.manifest.data.fingerprint == fingerprint
            points.append(TrendPoint(version=version.number, value=value, same_rows=same))
    return tuple(points)


def _row(metric: str, points: tuple[TrendPoint, ...]) -> TrendRow | None:
    """Return a metric's row; one version alone is the baseline and no trend."""
    return TrendRow(metric=metric, points=points) if len(points) > 1 else None
