"""Hand-over of an open check from `mlci publish --open` to the job that concludes it.

The same job reads a note at its end. The candidate's code could reach the note's file, so it is sealed with the job's
token, which that code never sees; a note with an invalid seal is ignored, and GitHub is asked instead.

Another job reads an output of the job that opened the check, in which none of the candidate's code may run.
"""

import hashlib
import hmac
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlci.github.interface import CheckRun
from mlci.publish.plan import Target
from mlci.util.bounded_read import read_bounded

_MOST_BYTES = 200_000
_OPENED = re.compile(r"([0-9]{1,19})@([0-9.]{3,40})")


def serialize_check(check: CheckRun, target: Target) -> str:
    """Write a check that was opened for another job: its number and the attempt that it belongs to."""
    return f"{check.id}@{target.run}"


def parse_check(text: str, target: Target) -> CheckRun | None:
    """Read the output of the job that opened the check; ``None`` for another attempt's, whose check has concluded."""
    match = _OPENED.fullmatch(text)
    if match is None or match[2] != str(target.run):
        return None
    return CheckRun(
        id=int(match[1]),
        name=target.name,
        head=target.head,
        app="",
        external_id=str(target.run),
        status="in_progress",
        conclusion=None,
        title="",
        summary="",
        annotations=0,
        url="",
    )


def opener(text: str) -> int | None:
    """Return the number of the check that another job opened, in this attempt or an earlier one."""
    match = _OPENED.fullmatch(text)
    return int(match[1]) if match else None


def _check(facts: dict[str, Any]) -> CheckRun:
    return CheckRun(**{**facts, "pulls": tuple(facts["pulls"])})


class Note:
    """A note on one check of one attempt of a run."""

    def __init__(self, folder: Path, target: Target, *, repository: str, token: str) -> None:
        """Name the note."""
        identity = f"{repository}\n{target.name}\n{target.head}\n{target.run}"
        digest = hashlib.sha256(identity.encode()).hexdigest()[:24]
        self._path = folder / f"mlci-opened-{digest}.json"
        self._key = hmac.digest(token.encode(), identity.encode(), "sha256")

    def begin(self) -> bool:
        """Leave a mark before anything is sent; return whether there was none, so that nothing was opened before."""
        try:
            self._path.touch(exist_ok=False)
        except OSError:
            return False
        return True

    def leave(self, check: CheckRun) -> None:
        """Write the check down."""
        text = json.dumps(asdict(check))
        try:
            self._path.write_text(json.dumps({"check": text, "seal": self._seal(text)}), encoding="utf-8")
        except OSError:
            return

    def take(self) -> CheckRun | None:
        """Return the check and forget it: after the first request that changes it, the note is no longer true."""
        try:
            written = read_bounded(self._path, _MOST_BYTES, links=False)
            self._path.write_text("", encoding="utf-8")
            found = json.loads(written)
            text, seal = str(found["check"]), str(found["seal"])
            if not hmac.compare_digest(seal.encode(), self._seal(text).encode()):
                return None
            return _check(json.loads(text))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _seal(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
