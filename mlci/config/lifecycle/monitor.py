"""``monitor:``: production logs, the windows they are cut into, and the thresholds of drift."""

import re
from collections.abc import Set as AbstractSet
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from mlci.config.base import ConfigModel, Name, Place
from mlci.config.types import Finite

DAY = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
EVENT_TYPE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_SCHEMA = re.compile(r".*\.(ya?ml|py:[A-Za-z_][A-Za-z0-9_]*)")
_DAYS = {"02": 29, "04": 30, "06": 30, "09": 30, "11": 30}
Share = Annotated[Finite, Field(gt=0, lt=1)]
Distance = Annotated[Finite, Field(gt=0)]


def _day(value: str) -> str:
    """Refuse a day that no calendar has."""
    month, day = value[5:7], value[8:10]
    if re.match(DAY, value) and int(day) > _DAYS.get(month, 31):
        raise PydanticCustomError("mlci_day", "must be a day of the calendar, such as 2026-12-31")
    return value


def _schema(value: str) -> str:
    """Refuse a text that names neither a file of YAML nor a schema in a file of Python."""
    if not _SCHEMA.fullmatch(value):
        raise PydanticCustomError(
            "mlci_schema", "must name a schema of pandera: `schema.yaml`, or `schema.py:Name` in a file of Python"
        )
    return value


Day = Annotated[str, Field(pattern=DAY), AfterValidator(_day)]


class DriftThresholds(ConfigModel):
    """Least effects that count; a window counts if the lower end of its interval is beyond one of them."""

    psi: Distance = Field(default=0.25, description="Population stability index, over ten bins or the categories.")
    jensen_shannon: Distance = Field(default=0.25, description="Jensen-Shannon distance in base e.")
    wasserstein: Distance = Field(default=0.5, description="Wasserstein distance in standard deviations.")
    ks: Share = Field(default=0.25, description="Kolmogorov-Smirnov distance.")
    total_variation: Share = Field(default=0.25, description="Total variation of categories.")
    nulls: Share = Field(default=0.05, description="Rise of the share of cells without a value.")
    invalid: Share = Field(default=0.01, description="Share of cells that are not numbers in a column of numbers.")
    outside: Share = Field(default=0.02, description="Share of numbers outside the range of the evaluation set.")
    unseen: Share = Field(default=0.01, description="Share of cells whose category the evaluation set does not have.")


class Mute(ConfigModel):
    """Findings that do not count until a day: those about a column, or those of a gate."""

    column: Name | None = Field(default=None, description="Column whose drift and checks are muted.")
    gate: Name | None = Field(default=None, description="Id of a gate, or a metric, whose findings are muted.")
    until: Day = Field(description="Last day of the mute, in UTC.")
    reason: Name = Field(description="Reason, shown wherever the finding is.")

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Require exactly one target."""
        if ("column" in keys) == ("gate" in keys):
            return "needs one of `column` and `gate`"
        return None


class Monitor(ConfigModel):
    """What `mlci monitor` reads of production, and what counts as drift."""

    data: Place = Field(
        description="Production log: a table with the features and predictions of each row; a path, a glob or a URL."
    )
    table: Name | None = Field(default=None, description="Table of a database with several tables.")
    time: Name = Field(description="Column with the time of each prediction; a time without a zone is UTC.")
    window: Literal["hour", "day", "week", "month"] = Field(
        default="week", description="Window, by the calendar in UTC; a week begins on Monday."
    )
    key: Name | None = Field(default=None, description="Key that `labels` are joined by; `evaluation.key` if omitted.")
    score: Name | None = Field(default=None, description="Column with the score; that of the version if omitted.")
    decision: Name | None = Field(default=None, description="Column with the decision; that of the version if omitted.")
    labels: Place | None = Field(
        default=None,
        description="Table with labels as they arrive, joined by the key; without it, the log's own label column "
        "counts, if there is one.",
    )
    labels_table: Name | None = Field(default=None, description="Table of `labels`, if that is a database.")
    label: Name | None = Field(
        default=None, description="Column with the labels, empty until one arrives; `evaluation.label` if omitted."
    )
    late: int = Field(
        default=8,
        ge=0,
        le=100,
        description="Windows back in time whose labels may still arrive, and that are read again.",
    )
    columns: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        default=None, description="Features to watch; if omitted, those of the evaluation set that the log has."
    )
    pandera: Annotated[Place, AfterValidator(_schema)] | None = Field(
        default=None,
        description="Schema of pandera that each window is validated by: `schema.yaml`, or `schema.py:Name`; if "
        "omitted, none.",
    )
    min_rows: int = Field(default=100, ge=30, description="Fewest rows of a window, or of a group in it, to judge.")
    thresholds: DriftThresholds = Field(default=DriftThresholds(), description="Least effects that count.")
    patience: int = Field(
        default=2, ge=1, le=20, description="Windows in a row that begin a warning, and that end a warning or an alarm."
    )
    confidence: Finite = Field(
        default=0.99,
        ge=0.8,
        lt=1,
        description="Probability that a window within all limits raises no alarm, however often it is read.",
    )
    mute: tuple[Mute, ...] = Field(default=(), description="Findings that do not count until a day.")
    issue: Literal["alarm", "warn", "never"] = Field(
        default="alarm", description="State from which on the model's GitHub issue is open."
    )
    retrain: Annotated[str, Field(pattern=EVENT_TYPE)] | None = Field(
        default=None, description="Type of the `repository_dispatch` event that an alarm sends; if omitted, none."
    )
    keep: int = Field(default=104, ge=2, le=520, description="Windows that the history keeps.")

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Refuse a table of labels without labels."""
        if "labels_table" in keys and "labels" not in keys:
            return "has `labels_table` without `labels`"
        return None
