"""Ledger entry of a reproduction, written by the job that trained or by a later one."""

import math

from pydantic import ValidationError

from mlci.errors import InputError, Problem
from mlci.registry import entries, ledger, versions
from mlci.registry.entries import ReproductionRecorded
from mlci.registry.ledger import Author
from mlci.registry.reproduction import ReproductionFound
from mlci.registry.store import Store

MOST_BYTES = 4 * 1024 * 1024
LEFT = "`mlci reproduce --save` writes it"


def record_reproduction(store: Store, author: Author, found: ReproductionFound, *, once: bool = False) -> int | None:
    """Store the metrics of all reruns, then append the entry that names them; return its number.

    Args:
        store: The registry.
        author: The author.
        found: The reruns.
        once: Append nothing if the newest record of that version holds these very reruns already.
    """
    spread = found.spread
    digest = versions.describe(store, entries.canonical_json(spread.model_dump(mode="json", by_alias=True)))
    body = ReproductionRecorded(version=spread.version, outcome=found.outcome, spread=digest, runs=len(spread.reruns))
    ledger_head = ledger.read_ledger_head(store)
    place = ledger_head.state.reproduced.get(str(spread.version))
    if once and place is not None and ledger.read_verified(store, ledger_head, place).body == body:
        return place  # by an earlier attempt
    entry = ledger.append_entry(store, author, lambda _: body)
    return entry.number if entry is not None else None


def take_over_reproduction(store: Store, data: bytes, *, path: str) -> ReproductionFound:
    """Read the record of another job; only its numbers are trusted.

    Args:
        store: The registry.
        data: Content of the file, up to one byte more than allowed.
        path: Path of the file, for messages.

    Raises:
        InputError: if the file is not a reproduction record, or is not of a version of this registry.
        CorruptError: if that version is damaged.
    """
    if len(data) > MOST_BYTES:
        raise InputError(Problem(f"has more than {MOST_BYTES:,} bytes; {LEFT}, and it is smaller", path))
    try:
        found = ReproductionFound.model_validate_json(data)
    except ValidationError as error:
        raise InputError(Problem(f"can't be read: {error.errors()[0]['msg']}; {LEFT}", path)) from None
    _held(store, found, path)
    return found


def _held(store: Store, found: ReproductionFound, path: str) -> None:
    """Check a record by the version that it names."""
    spread = found.spread
    try:
        version = versions.read_version(store, ledger.read_ledger_head(store), spread.version)
    except LookupError:
        raise InputError(Problem(f"{store.shown} has no version {spread.version}", path)) from None
    first = version.manifest.recipe.seed
    if [item.seed for item in spread.reruns] != list(range(first, first + len(spread.reruns))):
        words = f"is not of version {spread.version}: its reruns begin with the seed {first}"
        raise InputError(Problem(words, path))
    known = version.manifest.metrics if version.manifest.predictions.fingerprint == spread.fingerprint else {}
    for name in sorted(known.keys() & spread.original.keys()):
        if not math.isclose(known[name], spread.original[name], rel_tol=1e-9, abs_tol=1e-9):
            words = f"is not of version {spread.version}, whose {name} is {known[name]:.6g}: another was trained"
            raise InputError(Problem(words, path))
