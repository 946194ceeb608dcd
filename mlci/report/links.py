"""Links of a report to its repository and run."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True)
class Links:
    """Addresses around a report; each may be missing, and text takes its place.

    Attributes:
        repository: Address of the repository, ``https://github.com/owner/name``.
        commit: Commit at which the configuration is to be shown; links to lines need it.
        report: Address of the full report.
        guide: Address of the page on how gates decide.
    """

    repository: str | None = None
    commit: str | None = None
    report: str | None = None
    guide: str | None = None

    def line(self, path: str, line: int | None) -> str | None:
        """Return the address of a line of a file in the repository."""
        if self.repository is None or self.commit is None:
            return None
        place = f"{self._root}/blob/{quote(self.commit, safe='')}/{quote(path.removeprefix('./'))}"
        return f"{place}#L{line}" if line else place

    def revision(self, commit: str) -> str | None:
        """Return the address of a commit."""
        return f"{self._root}/commit/{quote(commit, safe='')}" if self.repository else None

    @property
    def _root(self) -> str:
        return (self.repository or "").rstrip("/")


NO_LINKS = Links()
