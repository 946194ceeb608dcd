"""Entries of a ledger as versions of a registered model in MLflow. Pure.

MLflow has no compare-and-swap: the last writer of a tag or an alias wins. But its database assigns the numbers of a
model's versions in sequence (``create_model_version`` inserts ``max(version) + 1`` under a primary key of name and
version, and takes the next one if another writer was faster), and a version appears together with its tags. Therefore a
version is a *claim* on a number of the ledger, and of all claims on a number **the one with the lowest version
counts**; the others are void. No later claim can change that, and every reader gets the same result.

Tags hold up to 5,000 characters in every MLflow; an entry is spread over as many as it takes.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from mlci.registry import entries
from mlci.registry.store import CorruptError

NUMBER = "mlci.number"
SOURCE = "mlci://ledger/entry"
"""Source address of such a version; MLflow requires one and does not read it."""
_DIGEST, _FORM, _PART = "mlci.sha256", "mlci.form", "mlci.entry"
_MOST = 5_000
_PLAIN = re.compile(rb"[\x20-\x7e]*")


def claim_tags(number: int, entry: bytes) -> dict[str, str]:
    """Return the tags of a claim; ASCII stays readable in MLflow's user interface."""
    plain = _PLAIN.fullmatch(entry) is not None
    text = entry.decode("ascii") if plain else base64.b64encode(entry).decode("ascii")
    parts = {f"{_PART}.{at // _MOST:03d}": text[at : at + _MOST] for at in range(0, len(text), _MOST)}
    form = {_DIGEST: hashlib.sha256(entry).hexdigest(), _FORM: "text" if plain else "base64"}
    return {NUMBER: str(number), **form, **parts}


def claimed_number(found: Mapping[str, str]) -> int | None:
    """Return the number that a version claims; ``None`` for a version that is not a claim."""
    text = found.get(NUMBER, "")
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,17}", text) else None


def in_rising_order(versions: Iterable[Mapping[str, str]], last: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the numbers up to ``last`` that are higher than all before them, each with the claim that counts.

    Writers claim one number after the other, so these are all numbers, unless a version was deleted. The first claim on
    a number is yielded; void claims come later and are skipped, without keeping any in memory.
    """
    highest = 0
    for found in versions:
        claimed = claimed_number(found)
        if claimed is not None and highest < claimed <= last:
            highest = claimed
            yield claimed, found


def entry_of_claim(found: Mapping[str, str], *, shown: str) -> bytes:
    """Read an entry's bytes from its untrusted claim.

    Raises:
        CorruptError: if they are not the bytes that were written.
    """
    names = sorted(name for name in found if name.startswith(f"{_PART}."))
    text = "".join(found[name] for name in names)
    try:
        data = text.encode("ascii") if found.get(_FORM) == "text" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        data = None
    if data is None or entries.entry_digest(data) != found.get(_DIGEST):
        where = f"entry {found.get(NUMBER)} is damaged"
        raise CorruptError(f"{shown}: {where}: its tags {_PART}.000 … do not match {_DIGEST}")
    return data
