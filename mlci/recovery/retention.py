"""Retention of predictions: which ones are past the policy. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from mlci.errors import count_noun


@dataclass(frozen=True, kw_only=True)
class PredictionsOwner:
    """A version whose predictions are stored, and the age of the entry that names them in days."""

    version: int
    days: float


@dataclass(frozen=True, kw_only=True)
class RetentionPolicy:
    """Limits on stored predictions; those of the version in production are always kept.

    Attributes:
        versions: Number of newest versions whose predictions are kept; ``None`` for all.
        days: Days for which predictions are kept; ``None`` for ever.
    """

    versions: int | None = None
    days: int | None = None

    @property
    def text(self) -> str:
        """The policy in words, as the reason of an erasure."""
        newest = "the newest version" if self.versions == 1 else f"the newest {self.versions} versions"
        parts = [newest] if self.versions is not None else []
        parts += [count_noun(self.days, "day")] if self.days is not None else []
        return f"retention: predictions are kept for {' and '.join(parts)}"

    def has_expired(self, owners: Iterable[PredictionsOwner], *, newest: int, champion: int | None) -> bool:
        """Check if a file of predictions is past a limit for every version that it belongs to.

        Args:
            owners: The versions that it belongs to.
            newest: Number of the newest version.
            champion: The version in production.
        """
        return all(self._is_past(owner, newest=newest, champion=champion) for owner in owners)

    def _is_past(self, owner: PredictionsOwner, *, newest: int, champion: int | None) -> bool:
        if owner.version == champion:
            return False
        too_many = self.versions is not None and owner.version <= newest - self.versions
        return too_many or (self.days is not None and owner.days > self.days)
