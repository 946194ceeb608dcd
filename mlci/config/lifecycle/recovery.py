"""Section ``retention`` of ``mlci.yml``: how long the registry keeps predictions."""

from collections.abc import Set as AbstractSet

from pydantic import Field

from mlci.config.base import ConfigModel


class Retention(ConfigModel):
    """Limits on stored predictions, which may be personal data; `mlci registry gc --apply` erases older ones."""

    versions: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Newest versions whose predictions are kept; if omitted, all."
    )
    days: int | None = Field(
        default=None, ge=1, le=36_500, description="Days for which predictions are kept; if omitted, for ever."
    )

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Require a limit."""
        return None if keys & {"versions", "days"} else "has no limit; add `versions: 20` or `days: 365`"
