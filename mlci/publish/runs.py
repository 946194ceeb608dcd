"""Which run is newer: run id and attempt, compared as numbers."""

import re
from dataclasses import dataclass

_WRITTEN = re.compile(r"([0-9]{1,20})\.([0-9]{1,6})")


@dataclass(frozen=True, order=True)
class Run:
    """One attempt of one workflow run; GitHub numbers runs of a repository upwards.

    Attributes:
        id: ``GITHUB_RUN_ID``.
        attempt: ``GITHUB_RUN_ATTEMPT``, from 1.
    """

    id: int
    attempt: int

    def __str__(self) -> str:
        """Write ``1842.1``."""
        return f"{self.id}.{self.attempt}"


def parse(text: str | None) -> Run | None:
    """Read ``1842.1``; ``None`` for anything else."""
    match = _WRITTEN.fullmatch(text or "")
    return Run(int(match[1]), int(match[2])) if match else None
