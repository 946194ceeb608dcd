"""Section ``grader`` of ``mlci.yml``: human labels that a model which scores is compared with."""

from collections.abc import Set as AbstractSet
from typing import Annotated

from pydantic import BeforeValidator, Field

from mlci.config.base import ConfigModel, Name, OnDoubt, Place
from mlci.config.types import finite_number

Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), BeforeValidator(finite_number)]


class Grader(ConfigModel):
    """Human labels of answers, and the agreement that a judge needs before its scores decide a gate."""

    labels: Place = Field(description="JSON Lines with a human label for the answers to some items.")
    metric: Name | None = Field(default=None, description="Scorer that is a model; if omitted, the log's only scorer.")
    min_agreement: Share | None = Field(
        default=None, description="Share of answers on which the judge must be shown to agree with people."
    )
    position: Name | None = Field(
        default=None, description="Metadata name of the order in which a pairwise judge saw two answers."
    )
    below: OnDoubt = Field(default="block", description="Effect of a gate of a judge that is not shown to agree.")

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Refuse an effect of nothing."""
        if "below" in keys and "min_agreement" not in keys:
            return "has `below` without `min_agreement`; add `min_agreement: 0.8`, or remove it"
        return None
