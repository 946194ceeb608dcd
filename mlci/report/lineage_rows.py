"""Parts of ``report.json`` on what differs from the baseline, and on earlier versions."""

from typing import Annotated, Literal

from pydantic import Field

from mlci.report.parts import Listed, ReportPart


class LineageItem(ReportPart):
    """One thing that differs between baseline and candidate."""

    name: str
    how: Literal["added", "removed", "changed"]
    baseline: str | None = None
    candidate: str | None = None


class LineageRow(ReportPart):
    """One kind of thing that a model is made from, by what each side's is known: a commit or a digest."""

    kind: Literal["code", "evaluation", "data", "configuration", "environment", "model"]
    baseline: str | None = None
    candidate: str | None = None
    changed: bool | None = Field(description="Null where it is not known; `reason` says why.")
    reason: str | None = None
    items: Listed[LineageItem] = ()
    more: int = Field(default=0, description="Items beyond those listed.")


class NullRate(ReportPart):
    """Share of a column's cells without a value."""

    column: str
    baseline: float
    candidate: float


class DataDifference(ReportPart):
    """What differs between the evaluation set that the baseline had of its own and this one; null is not known."""

    baseline_rows: int | None = None
    candidate_rows: int | None = None
    added: int | None = Field(default=None, description="Rows, by key, or without one by content.")
    removed: int | None = None
    relabelled: int | None = Field(default=None, description="Rows of both sets with another label.")
    changed: int | None = Field(default=None, description="Rows of both with the same label and other values.")
    columns_added: Listed[str] = ()
    columns_removed: Listed[str] = ()
    null_rates: Listed[NullRate] = Field(default=(), description="Where it changed, the largest change first.")
    reason: str | None = None


class Lineage(ReportPart):
    """What changed between the baseline, a version of the registry or another commit, and the candidate."""

    rows: Listed[LineageRow]
    evaluation: DataDifference | None = Field(default=None, description="Only where the evaluation set changed.")


class TrendPoint(ReportPart):
    """A metric of one version, as it was judged."""

    version: int
    value: float
    same_rows: bool = Field(default=True, description="Whether it was judged on the rows of this report.")


class TrendRow(ReportPart):
    """A gated metric over the versions that were in production, oldest first."""

    metric: str
    points: Annotated[Listed[TrendPoint], Field(min_length=1)]
