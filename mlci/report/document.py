"""``report.json``: the document that comments, summaries, pages and exit codes are rendered from.

Rates are fractions; intervals are ``[low, high]`` at ``policy.confidence``; what is undefined is ``null`` with a reason
beside it, never NaN. The JSON Schema next to the package is generated from these models.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from mlci.gates.limits import LIMIT_KINDS, Kind, Limit
from mlci.report.curve_rows import ClassCurvesRow, ConfusionRow, CurvesRow, ResidualsRow
from mlci.report.item_rows import GraderAgreement, ItemsChanged
from mlci.report.lineage_rows import Lineage, TrendRow
from mlci.report.parts import Listed, Pair, ReportPart

Verdict = Literal["pass", "warn", "block"]
Outcome = Literal["passed", "failed", "inconclusive", "no_baseline", "error", "waived"]
Why = Literal[
    "unknown_name",
    "not_measured",
    "group_too_small",
    "labels",
    "too_few_carriers",
    "too_few",
    "undefined_for_both",
    "undefined_for_candidate",
    "undefined_for_baseline",
    "no_baseline",
    "no_interval",
    "across_limit",
    "holm",
    "beyond_limit",
    "disappeared",
    "test_failed",
    "test_not_run",
    "errored_items",
    "worn_out",
    "grader",
]
Cause = Literal["name", "missing", "labels", "too_few", "both", "candidate", "baseline"]


class Candidate(ReportPart):
    """The pull request's model."""

    commit: str | None = None
    label: str | None = Field(default=None, description="What it was read from, where no commit is known.")
    predictions: str | None = Field(default=None, description="Digest of its predictions, as they were judged.")
    model: str | None = Field(default=None, description="Digest of its model: of the file, or of the list of files.")


class BaselineRef(ReportPart):
    """The model compared with.

    Without one, ``source`` is ``none``, ``production`` without a version, or ``ref`` without a commit.
    """

    source: Literal["production", "ref", "file", "none"]
    version: str | None = None
    commit: str | None = None
    label: str | None = None


class SharedRows(ReportPart):
    """Rows of the candidate's evaluation set and of the baseline's own, if training makes both and they differ."""

    added: int = Field(description="Rows of the candidate's set only.")
    removed: int = Field(description="Rows of the baseline's set only.")
    rows: int = Field(description="Rows of both, on which the models are compared.")
    changed: int | None = Field(default=None, description="Rows of both with the same label and other values.")
    repeated: int | None = Field(
        default=None,
        description="Without a key: rows of the candidate's set left out, as rows of that content repeat.",
    )


class HoldoutLook(ReportPart):
    """This run's look at an evaluation set whose looks are counted (`reuse`)."""

    looks: int = Field(description="Looks at the evaluation set by the ledger, with this one.")
    budget: int
    adaptivity: Literal["none", "first_change", "full"]
    confidence: float = Field(description="Two-sided level that all looks together keep; each look has a higher one.")
    alpha: float = Field(description="One-sided level that this look spends.")
    predictions: str = Field(description="Digest of the candidate's predictions, by which the ledger knows a look.")
    repeated: bool = Field(default=False, description="Whether the ledger had the look already; it costs nothing then.")
    recorded: bool = Field(default=False, description="Whether the ledger has it; a job that publishes records it.")
    worn_out: str | None = Field(default=None, description="Why the evaluation set has no look left for it.")
    blocks: bool = Field(default=False, description="Whether the verdict blocks because of that.")


class EvaluationSet(ReportPart):
    """The rows that both models were judged on."""

    rows: int | None = None
    fingerprint: str | None = None
    fingerprint_scheme: int | None = Field(default=None, description="How the fingerprint was made; older ones are 1.")
    uses: int | None = None
    budget: int | None = None
    sealed: bool = False
    rounded: bool = Field(
        default=False, description="Whether numbers are rounded, and counts left out, to reveal less of sealed labels."
    )
    made_by_training: bool = Field(default=False, description="Whether the candidate's training made it.")
    cluster: str | None = Field(default=None, description="Column of rows that belong together.")
    clusters: int | None = Field(default=None, description="Number of clusters that the rows are in.")
    weight: str | None = Field(default=None, description="Column with the rows' weights.")
    shared: SharedRows | None = Field(default=None, description="Only where the baseline's own set is another one.")
    look: HoldoutLook | None = Field(default=None, description="Only if `reuse` limits the looks at it.")


class Evidenced(ReportPart):
    """Values of both models and their paired change, as every row of the report shows them."""

    metric: str
    baseline: float | None = None
    candidate: float | None = None
    candidate_interval: Pair | None = None
    baseline_interval: Pair | None = None
    change: float | None = None
    change_interval: Pair | None = None
    method: str | None = Field(
        default=None, description="How the change, or without a baseline the value, was estimated."
    )
    candidate_method: str | None = None
    reason: str | None = Field(default=None, description="Why a value is undefined.")
    cause: Cause | None = Field(default=None, description="What a missing value, or a missing change, comes from.")


class MetricRow(Evidenced):
    """One metric in one scope; ``slice`` and ``group`` are null for the whole set."""

    slice: str | None = None
    group: str | None = None
    rows: int | None = None
    support: int | None = Field(default=None, description="Rows in the metric's denominator.")
    support_unit: str | None = None
    higher_is_better: bool | None = Field(
        default=None, description="Direction of a scorer of an evaluation log; null if unknown, and for other metrics."
    )


class GroupRow(ReportPart):
    """One group's value inside a disparity."""

    group: str
    rows: int
    baseline: float | None = None
    candidate: float | None = None
    ratio: float | None = None
    difference: float | None = None
    small: bool = False
    shortage: str | None = Field(default=None, description="What it has too little of to be judged, beside rows.")


class DisparityRow(Evidenced):
    """The spread of a metric over the groups of a slice."""

    across: str
    reference: str | None = None
    groups: Listed[GroupRow] = ()


class ScopeRef(ReportPart):
    """What a gate looks at: one group of a slice, or the spread across one."""

    slice: str | None = None
    group: str | None = None
    across: str | None = None


class LimitRef(ReportPart):
    """The limit as it was written; exactly one is set. A change limit in per cent carries ``relative``."""

    min: float | None = None
    max: float | None = None
    max_drop: float | None = None
    max_rise: float | None = None
    superior_by: float | None = None
    relative: bool = False
    lower_is_better: bool = Field(default=False, description="Whether the gain of `superior_by` is a fall.")


class StoredLimit:
    """Annotation of a limit that is stored as :class:`LimitRef`."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Read the stored form, or take a limit as it is; write the stored form."""
        stored = core_schema.no_info_after_validator_function(_read_limit, handler.generate_schema(LimitRef))
        return core_schema.json_or_python_schema(
            json_schema=stored,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(Limit), stored]),
            serialization=core_schema.plain_serializer_function_ser_schema(_write_limit),
        )


def _read_limit(stored: LimitRef) -> Limit:
    kind: Kind = next((kind for kind in LIMIT_KINDS if getattr(stored, kind) is not None), "present")
    value = getattr(stored, kind, 0.0)
    return Limit(kind, value, relative=stored.relative, lower_is_better=stored.lower_is_better)


def _write_limit(limit: Limit) -> dict[str, object]:
    values: dict[str, object] = {kind: limit.value if kind == limit.kind else None for kind in LIMIT_KINDS}
    return {**values, "relative": limit.relative, "lower_is_better": limit.lower_is_better}


class Waiver(ReportPart):
    """A person's acceptance of what a gate found on this commit, as the ledger records it."""

    by: str
    until: str = Field(description="Last day on which it counts, in UTC.")
    reason: str


class GateRow(ReportPart):
    """One gate and what became of it.

    ``value`` and ``interval`` are the numbers that are compared with ``bound``, so that a reader can check by eye.
    """

    id: str
    metric: str
    scope: ScopeRef
    limit: Annotated[Limit, StoredLimit]
    judge: Literal["estimate", "interval"]
    outcome: Outcome
    reason: str | None = None
    why: Why | None = Field(
        default=None, description="The reason for machines; docs/explanation/how-gates-decide.md lists them."
    )
    rows_needed: int | None = None
    rows_needed_of: str | None = Field(default=None, description='What is counted, e.g. "labelled positives".')
    rule: int | None = Field(default=None, description="Its entry in `gates:`, counted from 0; null in older reports.")
    line: int | None = Field(default=None, description="Line of that entry in the configuration.")
    on: Literal["value", "change"] = "value"
    baseline: float | None = None
    candidate: float | None = None
    value: float | None = None
    interval: Pair | None = None
    bound: float | None = Field(default=None, description="The limit in the units of `value` and with its sign.")
    method: str | None = None
    p: float | None = Field(default=None, description="One-sided p-value against the limit, before Holm.")
    blocks: bool = Field(default=False, description="Whether this outcome alone blocks the merge.")
    test: bool = Field(default=False, description="Whether it requires a behavioural test, whose name `metric` is.")
    waivable: bool = Field(
        default=False,
        description="Whether it blocks with a finding that can be waived, and a registry can record that.",
    )
    waived: Waiver | None = None
    not_covered: str | None = Field(default=None, description="Why a waiver in the ledger does not hold for it.")


class AgreementRow(ReportPart):
    """Rows decided rightly by both, one or neither model, and McNemar's test on them."""

    both: int
    baseline_only: int
    candidate_only: int
    neither: int
    chi2: float | None = None
    chi2_corrected: float | None = None
    exact_p: float


class CostBudgetRow(ReportPart):
    """Cost of both models in interleaved pairs of runs: seconds for latency, 10⁶ bytes for memory."""

    cost: Literal["latency", "memory"]
    how: str = Field(description="How it was measured.")
    candidate: float = Field(description="Median of its runs.")
    baseline: float = Field(description="Median of its runs.")
    ratio: float = Field(description="Median of the pairs' ratios, candidate to baseline.")
    low: float = Field(description="Lower end of the ratio's interval.")
    high: float
    limit: float = Field(description="Largest ratio that is allowed.")
    pairs: int


class BehaviourRow(ReportPart):
    """A behavioural test of the candidate."""

    name: str = Field(description="File and function, as pytest names them.")
    outcome: Literal["passed", "failed", "skipped", "inconclusive", "error"]
    message: str | None = Field(
        default=None, description="First line of what it reported, unless it passed and has no budget."
    )
    budget: CostBudgetRow | None = None


class ChangedRow(ReportPart):
    """One row of the evaluation set, and both models' predictions for it."""

    row: int = Field(description="Its position in the evaluation set, from 1.")
    key: str | None = None
    slices: dict[str, str] = Field(default={}, description="Its group in each slice.")
    label: str
    baseline_score: float | None = Field(default=None, description="With log loss, the label's probability.")
    candidate_score: float | None = None
    baseline_decision: str | None = None
    candidate_decision: str | None = None
    change: float = Field(description="The candidate's loss minus the baseline's.")


class RowsChanged(ReportPart):
    """The rows whose loss changed most, the largest rise first."""

    loss: Literal["absolute error", "squared error", "log loss", "wrong decision"]
    rows: Listed[ChangedRow]


class WorstSliceRow(ReportPart):
    """A slice on which the candidate is worse than the baseline, and than on the other rows.

    Losses and changes are means over half of its rows, which did not take part in the search.
    """

    conditions: dict[str, str] = Field(description="Group of each of its columns.")
    rows: int
    confirmed_on: int = Field(description="Rows that the numbers are measured on.")
    baseline: float = Field(description="Mean loss.")
    candidate: float
    change: float
    change_low: float = Field(description="Lower end of the change's interval, of this slice alone.")
    change_high: float
    change_elsewhere: float = Field(description="Change on the other rows.")
    p: float = Field(description="Holm-adjusted p-value.")


class SearchedSlicesRow(ReportPart):
    """Result of the search for the worst slices."""

    loss: Literal["absolute error", "squared error", "log loss", "wrong decision"]
    searched: int = Field(description="Slices that were compared on one half of the rows.")
    checked: int = Field(description="Slices of them that were tested on the other half.")
    columns: Listed[str]
    left_out: Listed[str] = Field(default=(), description="Columns that were not combined, each with the reason.")
    slices: Listed[WorstSliceRow] = Field(
        default=(), description="Slices that hold, the smallest p first; none if chance explains all."
    )


class Seconds(ReportPart):
    """Wall time of each stage."""

    train: float | None = None
    predict: float | None = None
    baseline: float | None = None
    evaluate: float | None = None


class Provenance(ReportPart):
    """Everything needed to make this report again."""

    config: str | None = None
    config_path: str | None = None
    seed: int
    versions: dict[str, str] = Field(default={})
    anchor: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,17}:[0-9a-f]{64}$")] | None = Field(
        default=None, description="Newest entry of the registry's ledger, `number:SHA-256`, if the registry was read."
    )
    seconds: Seconds = Seconds()


class MonthCost(ReportPart):
    """Recorded costs of a month, and this run's."""

    month: str = Field(description="`YYYY-MM`, in UTC.")
    usd: float | None = Field(default=None, description="Sum with this run; null if this run's price is unknown.")
    recorded_usd: float = Field(description="Sum of the recorded runs with a known price.")
    runs: int = Field(description="Recorded runs.")
    unpriced: int = Field(default=0, description="Recorded runs without a known price, which are not in the sum.")
    budget_usd: float | None = None
    near: bool = Field(default=False, description="Whether 80 % of the budget are reached.")
    blocks: bool = Field(default=False, description="Whether the verdict blocks if the sum is above the budget.")


class RunEnergy(ReportPart):
    """Energy of the machine while this run's steps ran."""

    kwh: float | None = Field(default=None, description="Null if it could not be read; never 0 for that.")
    grams_co2: float | None = Field(
        default=None, description="Emissions in CO2 equivalents; null unless a country or an intensity is configured."
    )
    method: str | None = Field(default=None, description="How power was read: measured, or estimated.")
    reason: str | None = Field(default=None, description="Why it could not be read.")


class RunCost(ReportPart):
    """What this run has cost until the report was written."""

    runner: str = Field(description="GitHub's billing SKU, `self-hosted`, `local` or `unknown`.")
    usd_per_minute: float | None = Field(default=None, description="Null if the price is unknown; `reason` says why.")
    source: str | None = Field(default=None, description="Where the price comes from.")
    reason: str | None = None
    seconds: float = Field(description="Since the job began, or outside of a job since mlci began.")
    minutes: int = Field(description="The same, rounded up to whole minutes as they are billed.")
    usd: float | None = Field(default=None, description="Null if the price is unknown; never 0 for that.")
    asked: bool = Field(default=False, description="Whether the configuration has prices, or a gate limits a cost.")
    energy: RunEnergy | None = Field(default=None, description="Only if the configuration asks for it.")
    month: MonthCost | None = Field(default=None, description="Only with a budget, or with costs in the registry.")


class PolicyRef(ReportPart):
    """The policy that gates were judged under."""

    confidence: float
    inconclusive: Literal["warn", "block"]
    no_baseline: Literal["warn", "block"]
    comment: Literal["always", "on-change", "on-failure", "never"] = "always"


class JudgingChange(ReportPart):
    """A file that a pull request changes and that decides how it is judged."""

    path: str
    what: Literal["limits", "configuration", "workflow", "evaluation data", "metric code", "baseline"]


class Judging(ReportPart):
    """What a pull request changed about its own judging."""

    used: bool = Field(description="Whether these files decided this report; in sealed mode the default branch's did.")
    changes: Listed[JudgingChange] = ()
    more: int = Field(default=0, description="Changes beyond those listed.")
    unlisted: int = Field(default=0, description="Changed files that GitHub does not list, so any of them may decide.")


class Report(ReportPart):
    """The whole document."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    schema_: Annotated[Literal["mlci/report/1"], Field(alias="schema")] = "mlci/report/1"
    model: str
    task: Literal["binary", "multiclass", "regression", "ranking", "scores"]
    verdict: Verdict
    candidate: Candidate
    baseline: BaselineRef
    evaluation: EvaluationSet
    policy: PolicyRef
    metrics: Listed[MetricRow]
    disparities: Listed[DisparityRow] = ()
    gates: Listed[GateRow]
    agreement: AgreementRow | None = None
    curves: CurvesRow | None = Field(default=None, description="Only of a binary task.")
    class_curves: Listed[ClassCurvesRow] = Field(
        default=(),
        description="With a probability for each class: at most four classes, those whose AUC fell most first.",
    )
    residuals: ResidualsRow | None = None
    confusion: ConfusionRow | None = None
    tests: Listed[BehaviourRow] = Field(default=(), description="Those that `tests.run` of the configuration ran.")
    rows_changed: RowsChanged | None = Field(
        default=None, description="Only with `report.rows`; in a public repository only with `report.public`."
    )
    worst_slices: SearchedSlicesRow | None = Field(
        default=None, description="Only with `slices: auto` or `evaluation.slice_search`, and a baseline."
    )
    items_changed: ItemsChanged | None = Field(
        default=None,
        description="Only of evaluation logs with a baseline; texts only where `report.items` allows them.",
    )
    grader: GraderAgreement | None = Field(default=None, description="Only with `grader`.")
    notes: Listed[str] = ()
    unchanged_since: str | None = Field(
        default=None, description="Commit from which no relevant file differs: nothing was trained."
    )
    training_label: str | None = Field(
        default=None,
        description="Label that asks for training; nothing was trained or judged, because it was not asked for.",
    )
    lineage: Lineage | None = Field(default=None, description="Only against a version or another commit.")
    trend: Listed[TrendRow] = ()
    cost: RunCost | None = Field(default=None, description="Null where no step could run, as in sealed mode.")
    judging: Judging | None = Field(
        default=None, description="What the pull request changed about its own judging; null if that is not known."
    )
    provenance: Provenance

    @property
    def measured_nothing(self) -> bool:
        """Whether nothing was evaluated, because no relevant file differs from the baseline's commit."""
        return self.unchanged_since is not None and not self.metrics and not self.gates
