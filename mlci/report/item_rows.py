"""Rows of ``report.json`` about the items of evaluation logs."""

from pydantic import Field

from mlci.report.parts import Listed, Pair, ReportPart


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


class JudgeStability(ReportPart):
    """Groups of answers that a judge should score alike."""

    same: int = Field(description="Groups whose answers it scored alike.")
    of: int


class CorrectedChange(ReportPart):
    """Mean difference of a judge's scores, corrected by human labels (PPI++)."""

    raw: float = Field(description="The judge's own difference over all items.")
    change: float
    interval: Pair
    items: int = Field(description="Items with labels of both models.")
    weight: float = Field(description="Weight of the judge: 0 uses labels alone.")


class GraderAgreement(ReportPart):
    """A judge against human labels of the same answers."""

    judge: str
    answers: int = Field(description="Labelled answers that it scored.")
    items: int
    unmatched: int = Field(default=0, description="Labels of answers that are not in the logs, or have no score.")
    agreement: float = Field(description="Share of answers with equal score and label, as a mean over items.")
    interval: Pair | None = None
    kappa: float | None = Field(default=None, description="Cohen's kappa; null if chance alone would agree fully.")
    min_agreement: float | None = None
    trusted: bool | None = Field(default=None, description="Whether it is shown to reach `min_agreement`.")
    blocks: bool = Field(default=False, description="Whether its gates block if it is not.")
    repeats: JudgeStability | None = Field(
        default=None, description="Groups of repeats of an item that people labelled alike."
    )
    positions: JudgeStability | None = Field(default=None, description="Items that it saw in several positions.")
    corrected: CorrectedChange | None = None
    reason: str | None = Field(default=None, description="Why no change is corrected.")
