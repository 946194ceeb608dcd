"""Memory budget of the engine: as the user wrote it, or the limit of the container that it runs in."""

import re
from pathlib import Path

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:([KMGT])(i?)B?|B)?\s*", re.IGNORECASE)
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}
LEAST = 256 << 20
"""Least budget, in bytes: Python, NumPy and tables of sums need about 200 MiB of it."""
_GROUP_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
_NO_LIMIT = 1 << 60


def parse_size(text: str) -> int | None:
    """Return a size such as ``2GiB``, ``500 MB`` or ``1.5G`` in bytes; ``None`` if it is not one."""
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    number, prefix, binary = found.groups()
    base = 1024 if binary or not prefix or not text.rstrip().upper().endswith("B") else 1000
    return int(float(number) * base ** _POWERS.get((prefix or "").upper(), 0))


def container_limit(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the limit of this process's control group in bytes; ``None`` without one."""
    for name in _GROUP_LIMITS:
        try:
            text = (root / name).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text.isdecimal() and int(text) < _NO_LIMIT:
            return int(text)
    return None


def database_limit(budget: int) -> int:
    """Return the part of a budget for DuckDB's buffers, which it exceeds; sums and Python need the rest."""
    return max(budget * 6 // 10, LEAST // 2)
