"""Versions of a registry as a candidate's past: their origins, and the trend of their metrics.

It needs no checkout, and starts no process, so the trusted side of sealed mode uses it too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, takewhile

from mlci.config.loader import parse_config
from mlci.errors import InputError, OutsideError
from mlci.lineage.lock_files import locked_packages
from mlci.lineage.origin import Origin, Row
from mlci.lineage.rows import is_recorded
from mlci.metrics import catalogue
from mlci.registry.entries import rolled_back_versions
from mlci.registry.entry_kinds import Promotion, Rollback
from mlci.registry.manifest import Content, Environment, Recipe, VersionFile, model_digest
from mlci.registry.registry import RegistryView, Version
from mlci.registry.stored_files import read_description
from mlci.registry.stores.interface import Store
from mlci.report.lineage_rows import LineageItem, LineageRow, TrendPoint, TrendRow

Read = Callable[[VersionFile], bytes]
MOST_TREND_POINTS = 8
"""Number of versions in a trend; each takes two reads."""
SEARCHED_VERSIONS = 16
"""Number of newest versions to choose them from; versions that were rolled back are left out."""
_DECISIONS = 64  # promotions and rollbacks that are read for that


def origin_of_content(content: Content, read: Read) -> Origin:
    """Return the origin in a manifest; ``read`` returns one of its files."""
    model, data = model_digest(content.files, folder=content.recipe.folder), content.data
    return describe_origin(content.recipe, content.environment, read, (data.fingerprint, data.pointers, model))


def origin_of_version(store: Store, version: Version, known: Mapping[str, bytes] | None = None) -> Origin:
    """Return a version's origin.

    Args:
        store: The registry.
        version: The version.
        known: By digest, files that need not be fetched.

    Raises:
        CorruptError: if its configuration or a lock file was changed or is damaged.
    """

    def read(file: VersionFile) -> bytes:
        if known is not None and file.digest in known:
            return known[file.digest]
        return read_description(store, file.digest, of=f"`{file.name}` of version {version.number}")

    return origin_of_content(version.manifest, read)


def describe_origin(
    recipe: Recipe, environment: Environment, read: Read, what: tuple[str | None, Mapping[str, str], str | None]
) -> Origin:
    """Return an origin; ``what`` has the fingerprint of the evaluation set, data pointers, and the model's digest."""
    fingerprint, pointers, model = what
    return Origin(
        commit=recipe.commit,
        dirty=recipe.dirty,
        fingerprint=fingerprint,
        pointers=pointers,
        config=f"sha256:{recipe.config.digest}",
        config_path=recipe.config_path,
        settings=_settings(read(recipe.config)),
        python=environment.python,
        mlci=environment.packages.get("mlci"),
        locks={file.name: f"sha256:{file.digest}" for file in environment.lock},
        packages=locked_packages({file.name: read(file) for file in environment.lock}),
        installed=environment.packages,
        model=f"sha256:{model}" if model else None,
    )


def _settings(text: bytes) -> dict[str, object] | None:
    """Parse a configuration; ``None`` if this mlci can't read it."""
    try:
        return parse_config(text, path="mlci.yml").config.model_dump(mode="json")
    except InputError:
        return None


def lineage_row(row: Row) -> LineageRow:
    """Return a row of a comparison as the report has it."""
    items = (
        LineageItem(name=item.name, how=item.how, baseline=item.before, candidate=item.after) for item in row.items
    )
    return LineageRow(
        kind=row.kind,
        baseline=row.before,
        candidate=row.after,
        changed=row.changed,
        reason=row.reason,
        items=tuple(items),
        more=row.more,
    )


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
    rows = (_trend_row(metric, _points(metric, history, fingerprint)) for metric in dict.fromkeys(metrics))
    return tuple(row for row in rows if row is not None), tuple(notes)


def metric_history(view: RegistryView) -> Iterator[Version | OutsideError]:
    """Yield the versions that led to the champion, oldest first; an unreadable one is yielded as its error.

    Versions that were rolled back are left out.
    """
    newest = view.state.champion or 0
    oldest = max(1, newest - SEARCHED_VERSIONS + 1)
    rolled_back: set[int] = set()
    if newest > 1:
        try:
            rolled_back = _rolled_back(view, view.state.promoted[str(oldest)])
        except OutsideError as error:
            yield error
    for number in [number for number in range(oldest, newest + 1) if number not in rolled_back][-MOST_TREND_POINTS:]:
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


def _trend_row(metric: str, points: tuple[TrendPoint, ...]) -> TrendRow | None:
    """Return a metric's row; with one version alone there is only a baseline, not a trend."""
    return TrendRow(metric=metric, points=points) if len(points) > 1 else None
