"""``mlci diff``: metrics and provenance of two versions, or of a version and a run."""

from dataclasses import dataclass
from pathlib import Path

from mlci.errors import InputError
from mlci.lineage.origin import Origin
from mlci.lineage.rows import Rows
from mlci.operations import evaluation_sets
from mlci.operations.bundle import read_bundle
from mlci.operations.context import RunContext, registry_of
from mlci.operations.lineage import compare_lineage
from mlci.operations.registry.version_history import origin_of_content, origin_of_version
from mlci.registry.manifest import Content, VersionFile
from mlci.registry.registry import RegistryView
from mlci.report.lineage_rows import Lineage

CANDIDATE, PRODUCTION = "candidate", "production"


@dataclass(frozen=True, kw_only=True)
class DiffSide:
    """One side of a diff.

    Attributes:
        name: ``version 3`` or ``candidate``.
        content: Its manifest.
        origin: Its origin.
        rows: Digests of its evaluation set's rows, if it kept them.
    """

    name: str
    content: Content
    origin: Origin
    rows: Rows | None


@dataclass(frozen=True, kw_only=True)
class Diff:
    """Differences between two versions, or between a version and a run.

    Attributes:
        before, after: The two sides.
        metrics: Both values on the whole set by metric; ``None`` for a missing value.
        lineage: Changes from one to the other.
    """

    before: DiffSide
    after: DiffSide
    metrics: dict[str, tuple[float | None, float | None]]
    lineage: Lineage

    @property
    def same_rows(self) -> bool:
        """Whether both were judged on the same rows, so that their numbers compare."""
        return self.before.origin.fingerprint == self.after.origin.fingerprint


def diff_versions(context: RunContext, before: str, after: str, *, out: Path) -> Diff:
    """Compare two versions, or a version and a run.

    Args:
        context: Run context with the registry.
        before: A number, ``production``, or ``candidate`` for the bundle in ``out``.
        after: The same.
        out: Output folder of a run.

    Raises:
        InputError: if a version or the bundle does not exist.
        CorruptError: if one of them was changed or is damaged.
    """
    now = registry_of(context).view()
    one, other = (_end(context, now, name, out) for name in (before, after))
    values = (one.content.metrics, other.content.metrics)
    metrics = {name: (values[0].get(name), values[1].get(name)) for name in {**values[0], **values[1]}}
    lineage = compare_lineage(context.git, one.origin, other.origin)
    if one.origin.fingerprint != other.origin.fingerprint:
        rows = evaluation_sets.compare_rows(
            context.config,
            one.rows,
            other.rows,
            before=one.content.data.rows,
            after=other.content.data.rows,
        )
        lineage = lineage.model_copy(update={"evaluation": rows})
    return Diff(before=one, after=other, metrics=metrics, lineage=lineage)


def version_number(view: RegistryView, name: str) -> int:
    """Return the number of a version by its number or name.

    Raises:
        InputError: if the version does not exist.
    """
    shown, state = view.shown, view.state
    if name == PRODUCTION:
        if state.champion is None:
            raise InputError(f"{shown} has no version in production yet; `mlci promote` makes one")
        return state.champion
    if not name.isdecimal() or name not in state.promoted:
        listed = "`mlci versions` lists them" if state.promoted else "`mlci promote` makes the first"
        raise InputError(f"{shown} has no version {name}; {listed}")
    return int(name)


def _end(context: RunContext, now: RegistryView, name: str, out: Path) -> DiffSide:
    if name == CANDIDATE:
        return _candidate(out)
    version = now.version(version_number(now, name))
    return DiffSide(
        name=f"version {version.number}",
        content=version.manifest,
        origin=origin_of_version(now.store, version),
        rows=evaluation_sets.rows_of_version(context, now.store, version),
    )


def _candidate(out: Path) -> DiffSide:
    bundle = read_bundle(out)

    def read(file: VersionFile) -> bytes:
        return bundle.paths[file.digest].read_bytes()

    keys = bundle.content.data.keys
    rows = evaluation_sets.parse_kept_rows(read(keys)) if keys else None
    return DiffSide(
        name=CANDIDATE,
        content=bundle.content,
        origin=origin_of_content(bundle.content, read),
        rows=rows,
    )
