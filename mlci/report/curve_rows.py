"""Parts of ``report.json`` that curves, confusion matrices and residuals are drawn from."""

from pydantic import Field

from mlci.report.parts import Listed, Pair, ReportPart


class CalibrationRow(ReportPart):
    """Rows with a score in one bin."""

    score: float = Field(description="Their mean score.")
    observed: float = Field(description="Share of positives among them.")
    rows: int


class ModelCurvesRow(ReportPart):
    """One model's curves on the whole evaluation set, thinned for drawing."""

    roc: Listed[Pair] = Field(description="False-positive rate and recall.")
    precision_recall: Listed[Pair] = Field(description="Recall and precision.")
    calibration: Listed[CalibrationRow] = ()


class CurvesRow(ReportPart):
    """Curves of both models."""

    prevalence: float = Field(description="Share of positives.")
    candidate: ModelCurvesRow
    baseline: ModelCurvesRow | None = None


class ClassCurvesRow(CurvesRow):
    """Curves of both models for one class against all others, by its probability."""

    label: str
    rows: int = Field(description="Rows that are labelled so.")
    candidate_auc: float
    baseline_auc: float | None = None


class ResidualRow(ReportPart):
    """Rows whose predictions fall in one bin."""

    predicted: float = Field(description="Their mean prediction.")
    residual: float = Field(description="Their mean residual: label minus prediction.")
    spread: float = Field(description="Standard deviation of their residuals.")
    rows: int


class ResidualsRow(ReportPart):
    """Residuals of both models of a regression, in bins of their own predictions with about as many rows each."""

    candidate: Listed[ResidualRow]
    baseline: tuple[ResidualRow, ...] | None = None


class LabelMovesRow(ReportPart):
    """Rows of one label that both models, one or neither decide rightly."""

    label: str
    both: int
    baseline_only: int
    candidate_only: int
    neither: int


class ConfusionRow(ReportPart):
    """Confusion matrices: a row for each label, a column for each decision, both in the order of `classes`."""

    classes: Listed[str]
    candidate: Listed[tuple[int, ...]]
    baseline: tuple[tuple[int, ...], ...] | None = None
    moves: Listed[LabelMovesRow] = ()
