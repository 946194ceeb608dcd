"""Paths as users write them: relative to the configuration, globs and addresses among them."""

import re
from pathlib import Path

_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def located(path: str, folder: Path) -> str:
    """Return a path relative to ``folder`` as one that stands for itself; addresses stay as they are."""
    return path if _ADDRESS.match(path) else str(folder / path)
