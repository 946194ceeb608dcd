"""Search for uv."""

import os
import shutil
import sys
from pathlib import Path


def find_uv() -> Path | None:
    """Return uv: from PATH, else the one that mlci's actions installed beside mlci's environment."""
    if path := shutil.which("uv"):
        return Path(path)
    ours = Path(os.environ.get("RUNNER_TEMP") or os.devnull) / "mlci"
    beside = sorted(ours.glob("uv-*/bin/uv")) if ours.resolve() in Path(sys.prefix).resolve().parents else []
    return next(iter(beside), None)
