"""Rows of ``report.json`` about the items of evaluation logs."""

from pydantic import Field

from mlci.report.parts import Listed, ReportPart


class ChangedItem(ReportPart):
    """One item of an evaluation log, with both models' mean scores over its repeats."""

    key: str
    baseline: float
    candidate: float
    input: str | None = Field(default=None, description="What was asked; texts are null where only keys are shown.")
    target: str | None = None
    baseline_output: str | None = None
    candidate_output: str | None = None
    reason: str | None = Field(default=None, description="The scorer's explanation for the candidate's answer.")


class ChangedSetting(ReportPart):
    """A setting of the two runs that differs."""

    name: str
    baseline: str
    candidate: str


class ItemsChanged(ReportPart):
    """Comparison of two evaluation runs by item, for one scorer."""

    scorer: str
    higher: int = Field(description="Items whose score rose.")
    equal: int
    lower: int
    items: Listed[ChangedItem] = Field(description="The items that changed most, the largest fall first.")
    repeats: int = Field(description="Most answers to one item.")
    unstable: int | None = Field(default=None, description="Items whose repeats by the candidate differ in score.")
    baseline_unstable: int | None = None
    settings: Listed[ChangedSetting] = ()
