"""Base of all parts of ``report.json``, and types that they share."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast

Pair = tuple[float, float]
T = TypeVar("T")
Listed = Annotated[tuple[T, ...], FailFast()]
"""A list of which the first wrong item is named: a million wrong ones would take gigabytes to name."""


class ReportPart(BaseModel):
    """Base of all parts: frozen, without NaN; keys of newer minor versions are kept out by ``schema``."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
