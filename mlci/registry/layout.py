"""Names of files, objects and branches in a registry. Pure.

A model's folder has the model's name if every file system supports it: lower-case letters and digits with single `.`,
`_` or `-` between them. For any other name, the folder is named by the supported characters, ``--`` and a digest, so
that two models never share a folder on file systems that equate `A` with `a`, or two spellings of `é`.
"""

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_MOST = 64
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
_ENTRY = re.compile(r"([0-9]{9,18})\.json")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def model_folder(model: str) -> str:
    """Return the name of a model's folder; different models have different ones on every file system."""
    plain = len(model) <= _MOST and _PLAIN.fullmatch(model) and model.split(".", 1)[0] not in _DEVICES
    if plain and not model.endswith(".lock"):  # git reserves that ending
        return model
    slug = re.sub(r"[^a-z0-9]+", "-", model.lower())[:40].strip("-") or "model"
    return f"{slug}--{hashlib.sha256(model.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def entry_name(number: int) -> str:
    """Return the file name of an entry; names sort like numbers."""
    if number < 1:
        raise ValueError(f"entries are numbered from 1, not {number}")
    return f"{number:09d}.json"


def entry_number(name: str) -> int | None:
    """Return the number of an entry from its file name; ``None`` for any other file."""
    found = _ENTRY.fullmatch(name)
    return int(found[1]) if found and int(found[1]) and entry_name(int(found[1])) == name else None


def is_digest(text: str) -> bool:
    """Check if a text is a SHA-256 digest in hexadecimal, as files are named."""
    return _DIGEST.fullmatch(text) is not None


def file_name(digest: str) -> tuple[str, str]:
    """Return folder and name of a file by its SHA-256."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is not a SHA-256 digest in hexadecimal")
    return digest[:2], digest
