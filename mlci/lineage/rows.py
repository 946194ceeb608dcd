"""Evaluation sets by digests: their fingerprint, and their rows.

Each row has three digests of 64 bits: of its key, of its label and of all other columns. Rows without a key column are
identified by all columns but the label. Two different rows collide with a probability of about 2**-64. The digests are
not secret: a reader can recover labels by trying values.

A fingerprint has a scheme, which defines how cells are read. Scheme 1 widened float32 columns of few values, rounded
decimals of many digits and took durations without their unit; scheme 2 reads every cell exactly. Most tables have the
same fingerprint in both.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Digests = NDArray[np.uint64]
Positions = NDArray[np.intp]
SCHEME = 2
"""Number of the scheme of new fingerprints."""
MOST = 1_000_000
"""Most rows that are stored, 24 bytes each."""
UNCERTAIN = 0.05
"""Largest share of rows for which content may identify the wrong row."""
SCHEMA = "mlci/rows/1"
_MOST_HEADER = 4_000_000
_MIX = 0x9E3779B97F4A7C15


class Fingerprint(str):
    """``sha256:…`` of a table's content, with the fingerprint of scheme 1 if it differs."""

    __slots__ = ("former",)
    former: str | None

    def __new__(cls, value: str, former: str | None = None) -> Self:
        """Create a fingerprint; ``former`` is that of scheme 1, and ``None`` if they are the same."""
        instance = super().__new__(cls, value)
        instance.former = None if former == value else former
        return instance

    def with_suffix(self, suffix: str) -> "Fingerprint":
        """Return the fingerprint of rows that are identified by more than their content."""
        return Fingerprint(f"{self}{suffix}", None if self.former is None else f"{self.former}{suffix}")


def former_fingerprint(fingerprint: str | None) -> str | None:
    """Return the fingerprint of scheme 1 of the same file; ``None`` if it is the same or not known."""
    return fingerprint.former if isinstance(fingerprint, Fingerprint) else None


def spellings(fingerprint: str) -> tuple[str, ...]:
    """Return every fingerprint under which the same file may be recorded, the current scheme's first."""
    before = former_fingerprint(fingerprint)
    return (fingerprint,) if before is None else (fingerprint, before)


def is_recorded(recorded: str | None, current: str | None) -> bool:
    """Return whether a recorded fingerprint of any scheme is that of the current evaluation set."""
    return recorded == current or (recorded is not None and recorded == former_fingerprint(current))


@dataclass(frozen=True, kw_only=True)
class Rows:
    """An evaluation set by digests.

    Attributes:
        key: Name of the key column, ``None`` if rows are identified by their content.
        label: Name of the label's column; ``None`` for predictions, which have no labels.
        keys, labels, contents: A digest for each row.
        nulls: Cells without a value, by column, in the order of the table.
        in_order: Whether rows are in the table's order, to which predictions without a key belong; if not, in an
            order that depends on content alone.
    """

    key: str | None
    label: str | None
    keys: Digests
    labels: Digests
    contents: Digests
    nulls: Mapping[str, int]
    in_order: bool = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.keys)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Difference between two evaluation sets.

    Attributes:
        before, after: Rows of each.
        added, removed: Rows by key, or by content; ``None`` if keys or labels are in other columns, or if rows
            without a key repeat.
        relabelled: Rows of both with another label; without a key, rows of equal content that occur once in each.
        changed: Rows of both with the same label and other values; ``None`` if the columns differ.
        columns_added, columns_removed: By name.
        null_rates: Share of cells without a value, before and after, of common columns if they differ; the
            largest change first.
        repeat: Whether rows are not counted because they have no key and many of them are equal.
    """

    before: int
    after: int
    added: int | None
    removed: int | None
    relabelled: int | None
    changed: int | None
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    null_rates: tuple[tuple[str, float, float], ...]
    repeat: bool


def sort_rows(rows: Rows) -> Rows:
    """Return the same rows in an order that depends only on their content."""
    order = np.lexsort((rows.contents, rows.labels, rows.keys))
    parts = {name: getattr(rows, name)[order] for name in ("keys", "labels", "contents")}
    return Rows(key=rows.key, label=rows.label, nulls=rows.nulls, **parts)


def dump_rows(rows: Rows) -> bytes:
    """Write rows: a line of JSON, then the three arrays, little-endian."""
    header = {"schema": SCHEMA, "rows": len(rows), "key": rows.key, "label": rows.label, "nulls": dict(rows.nulls)}
    header |= {"in_order": True} if rows.in_order else {}
    arrays = (rows.keys, rows.labels, rows.contents)
    return json.dumps(header).encode() + b"\n" + b"".join(array.astype("<u8").tobytes() for array in arrays)


def parse_rows(data: bytes) -> Rows:
    """Read what :func:`dump_rows` wrote.

    Raises:
        ValueError: if the data are of another format or incomplete.
    """
    line, newline, _ = data[:_MOST_HEADER].partition(b"\n")
    try:
        header: Any = json.loads(line) if newline else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise ValueError("it has no rows in a format of this version of mlci")
    count, nulls = header.get("rows"), header.get("nulls")
    body = data[len(line) + 1 :]
    if not isinstance(count, int) or not 0 <= count <= MOST or len(body) != count * 24 or not isinstance(nulls, dict):
        raise ValueError("its number of rows differs from its header")
    if not all(isinstance(number, int) for number in nulls.values()) or not isinstance(header.get("label"), str):
        raise ValueError("its columns differ from its header")
    keys, labels, contents = np.frombuffer(body, "<u8").astype(np.uint64).reshape(3, count)
    named = {"key": header.get("key"), "label": header["label"], "nulls": nulls}
    named["in_order"] = header.get("in_order") is True
    return Rows(keys=keys, labels=labels, contents=contents, **named)


def row_difference(before: Rows, after: Rows) -> Difference:
    """Compare two evaluation sets; repeated rows count each time.

    Without a key, rows of equal content can't be distinguished: if many of them repeat, nothing is counted.
    """
    columns = set(before.nulls) == set(after.nulls)
    alike = (before.key, before.label) == (after.key, after.label)
    alike = alike and (columns or before.key is not None)  # without a key, rows of other columns have other digests
    repeat = before.key is None and max(_repetition(_with_label(before)), _repetition(_with_label(after))) > UNCERTAIN
    alike, repeat = alike and not repeat, alike and repeat
    relabelled = _count_relabelled(before, after) if alike else None
    labelled = _common(_with_label(before), _with_label(after)) if alike else 0
    same = _common(_whole_row(before), _whole_row(after)) if alike else 0
    both = labelled + (relabelled or 0)
    return Difference(
        before=len(before),
        after=len(after),
        added=len(after) - both if alike else None,
        removed=len(before) - both if alike else None,
        relabelled=relabelled,
        changed=labelled - same if alike and columns else None,
        columns_added=tuple(name for name in after.nulls if name not in before.nulls),
        columns_removed=tuple(name for name in before.nulls if name not in after.nulls),
        null_rates=_null_rates(before, after),
        repeat=repeat,
    )


def unique_pairs(left: Digests, right: Digests) -> tuple[Positions, Positions]:
    """Return positions of elements that occur once in each, in the order of the left."""
    values, places = _unique_values(left)
    others, there = _unique_values(right)
    _, one, other = np.intersect1d(values, others, assume_unique=True, return_indices=True)
    mine, theirs = places[one], there[other]
    order = np.argsort(mine)
    return mine[order], theirs[order]


def expected_coincidences(left: Digests, right: Digests) -> float:
    """Estimate how many elements that occur once in each set are two different rows of equal content.

    Let a and b be the numbers of rows that only one of the sets has. Of a content that such rows draw at a rate r, the
    counts are Poisson: one in each has probability abr² e^-(a+b)r, two in one and none in the other a²r²/2 or b²r²/2
    times the same factor. The ratio does not depend on r, so the contents of the second kind estimate the first.
    """
    pairs = len(unique_pairs(left, right)[0])
    one, other = len(left) - pairs, len(right) - pairs
    twice = _count_twice_in_one(left, right) + _count_twice_in_one(right, left)
    return 2 * one * other * twice / (one**2 + other**2) if twice else 0.0


def _count_relabelled(before: Rows, after: Rows) -> int | None:
    """Count rows of both sets with another label; ``None`` if other rows of equal content explain them."""
    if before.key is not None:
        return _common(before.keys, after.keys) - _common(_with_label(before), _with_label(after))
    mine, theirs = unique_pairs(before.keys, after.keys)
    found = int(np.count_nonzero(before.labels[mine] != after.labels[theirs]))
    return found if expected_coincidences(before.keys, after.keys) <= UNCERTAIN * found else None


def _unique_values(values: Digests) -> tuple[Digests, Positions]:
    """Return the elements that occur once, sorted, and their positions."""
    found, places, counts = np.unique(values, return_index=True, return_counts=True)
    return found[counts == 1], places[counts == 1]


def _count_twice_in_one(values: Digests, others: Digests) -> int:
    """Count elements that occur exactly twice in one set and never in the other."""
    found, counts = np.unique(values, return_counts=True)
    return int(np.count_nonzero(~np.isin(found[counts == 2], others)))


def _repetition(values: Digests) -> float:
    """Return the share of elements that occur more than once."""
    return 1 - len(_unique_values(values)[0]) / len(values) if len(values) else 0.0


def _null_rates(before: Rows, after: Rows) -> tuple[tuple[str, float, float], ...]:
    rates = [
        (name, before.nulls[name] / len(before), after.nulls[name] / len(after))
        for name in after.nulls
        if name in before.nulls and len(before) and len(after)
    ]
    moved = [rate for rate in rates if rate[1] != rate[2]]
    return tuple(sorted(moved, key=lambda rate: -abs(rate[2] - rate[1])))


def _with_label(rows: Rows) -> Digests:
    return mix_digests(rows.keys, rows.labels)


def _whole_row(rows: Rows) -> Digests:
    return mix_digests(_with_label(rows), rows.contents)


def mix_digests(left: Digests, right: Digests) -> Digests:
    """Return one digest of two (a round of SplitMix64's constants; overflow is wanted)."""
    turned = (right << np.uint64(31)) | (right >> np.uint64(33))
    both: Digests = (left ^ turned) * np.uint64(_MIX) + right
    return both ^ (both >> np.uint64(29))


def _common(left: Digests, right: Digests) -> int:
    """Count common elements of two multisets."""
    values, counts = np.unique(left, return_counts=True)
    others, numbers = np.unique(right, return_counts=True)
    _, at, there = np.intersect1d(values, others, assume_unique=True, return_indices=True)
    return int(np.minimum(counts[at], numbers[there]).sum())
