"""Metrics of all retrainings of one version. Pure."""

from typing import Annotated, Literal

from pydantic import Field

from mlci.registry.entries import BY_ALIAS, LedgerPart, Text


class Rerun(LedgerPart):
    """One training."""

    seed: int = Field(description="Value of MLCI_SEED.")
    model: Text | None = Field(description="Digest of the retrained model.")
    predictions: Text = Field(description="Fingerprint of its predictions.")
    metrics: dict[str, float] = Field(description="Whole-set values.")


class MetricSpread(LedgerPart):
    """All retrainings of one version."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/spread/1"], Field(alias="schema")] = "mlci/spread/1"
    version: int
    fingerprint: Text = Field(description="Fingerprint of the evaluation set that all were evaluated on.")
    original: dict[str, float] = Field(description="The version's own values on it.")
    reruns: Annotated[tuple[Rerun, ...], Field(min_length=1)]
    python: Text
    platform: Text


class ReproductionFound(LedgerPart):
    """Record of a job that may not write to the registry, for a job that may."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/reproduction/1"], Field(alias="schema")] = "mlci/reproduction/1"
    outcome: Literal["identical", "within", "different"]
    spread: MetricSpread
