"""``mlci diff``: two versions, or a version and what a run left, by numbers and by what they were made from."""

from dataclasses import dataclass
from pathlib import Path

from mlci.errors import InputError
from mlci.lineage.origin import Origin
from mlci.lineage.rows import Rows
from mlci.registry import ledger, versions
from mlci.registry.entries import State
from mlci.registry.ledger import Tail
from mlci.registry.manifest import Content, File
from mlci.report.document import Lineage
from mlci.usecases import datarows, lineage
from mlci.usecases.opened import opened
from mlci.usecases.tools import Tools, registry

CANDIDATE, PRODUCTION = "candidate", "production"


@dataclass(frozen=True, kw_only=True)
class End:
    """One of the two.

    Attributes:
        name: ``version 3`` or ``candidate``.
        content: Its manifest.
        origin: What it was made from.
        rows: Its evaluation set by digests, where it kept them.
    """

    name: str
    content: Content
    origin: Origin
    rows: Rows | None


@dataclass(frozen=True, kw_only=True)
class Diff:
    """What differs between two.

    Attributes:
        before, after: The two.
        metrics: Both values on the whole set by metric; ``None`` where one has none.
        lineage: What changed from one to the other.
    """

    before: End
    after: End
    metrics: dict[str, tuple[float | None, float | None]]
    lineage: Lineage

    @property
    def same_rows(self) -> bool:
        """Whether both were judged on the same rows, so that their numbers compare."""
        return self.before.origin.fingerprint == self.after.origin.fingerprint


def diff(tools: Tools, before: str, after: str, *, out: Path) -> Diff:
    """Compare two.

    Args:
        tools: Effects, with the registry.
        before: A number, ``production``, or ``candidate`` for the bundle in ``out``.
        after: The same.
        out: The folder of a run.

    Raises:
        InputError: There is no such version, or no bundle.
        CorruptError: One of them is not what it was.
    """
    now = ledger.tail(registry(tools))
    one, other = (_end(tools, now, name, out) for name in (before, after))
    values = (one.content.metrics, other.content.metrics)
    metrics = {name: (values[0].get(name), values[1].get(name)) for name in {**values[0], **values[1]}}
    found = lineage.lineage(tools.git, one.origin, other.origin)
    if one.origin.fingerprint != other.origin.fingerprint:
        rows = datarows.compared(one.rows, other.rows, before=one.content.data.rows, after=other.content.data.rows)
        found = found.model_copy(update={"evaluation": rows})
    return Diff(before=one, after=other, metrics=metrics, lineage=found)


def numbered(shown: str, state: State, name: str) -> int:
    """Return the number of a version by what it is called.

    Raises:
        InputError: There is none.
    """
    if name == PRODUCTION:
        if state.champion is None:
            raise InputError(f"{shown} has no version in production yet; `mlci promote` makes one")
        return state.champion
    if not name.isdecimal() or name not in state.promoted:
        listed = "`mlci versions` lists them" if state.promoted else "`mlci promote` makes the first"
        raise InputError(f"{shown} has no version {name}; {listed}")
    return int(name)


def _end(tools: Tools, now: Tail, name: str, out: Path) -> End:
    store = registry(tools)
    if name == CANDIDATE:
        return _candidate(out)
    version = versions.version(store, now, numbered(store.shown, now.state, name))
    return End(
        name=f"version {version.number}",
        content=version.manifest,
        origin=lineage.of_version(store, version),
        rows=datarows.of_version(store, version, tools),
    )


def _candidate(out: Path) -> End:
    bundle = opened(out)

    def read(file: File) -> bytes:
        return bundle.paths[file.digest].read_bytes()

    keys = bundle.content.data.keys
    rows = datarows.parsed(read(keys)) if keys else None
    return End(name=CANDIDATE, content=bundle.content, origin=lineage.of_content(bundle.content, read), rows=rows)
