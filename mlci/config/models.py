"""Pydantic models of ``mlci.yml``, frozen; the JSON Schema is generated from them.

Models only check a value against itself and its neighbours. Checks that need the metric catalogue are in
:mod:`mlci.config.checks`; line numbers and wording of errors in :mod:`mlci.config.loader`.
"""

from collections.abc import Set as AbstractSet
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, Tag
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from mlci.config.base import Command, ConfigModel, Name, OnDoubt, Place, exactly_one
from mlci.config.engine import EngineSection
from mlci.config.lifecycle.cost import Cost
from mlci.config.lifecycle.deploy import Deploy
from mlci.config.lifecycle.experiment import Experiment
from mlci.config.lifecycle.governance import Approvers, Card
from mlci.config.lifecycle.grader import Grader
from mlci.config.lifecycle.monitor import Monitor
from mlci.config.lifecycle.recovery import Retention
from mlci.config.lifecycle.reuse import Reuse
from mlci.config.slices import (
    CROSS,
    AutoSlices,
    Scoped,
    Slice,
    Slices,
    SliceSearchConfig,
    one_of,
    require_ascending,
    slice_columns,
    slice_names,
)
from mlci.config.types import DEFAULT_REGISTRY, Duration, Finite, LimitField, Reference, Registry, Scalar
from mlci.gates.limits import LIMIT_KINDS, Limit
from mlci.metrics.entries import Direction
from mlci.util.withheld_variables import NEVER_GIVEN

RowsTask = Literal["binary", "multiclass", "regression", "ranking"]
Task = Literal["binary", "multiclass", "regression", "ranking", "scores"]
MODEL_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


ON = Literal["scores", "decisions"]
RESAMPLING = Literal["jackknife", "bootstrap"]
Parameters = Annotated[dict[Name, Scalar], Field(min_length=1, max_length=20)]
_ON = "Predictions that a custom or scikit-learn function gets; if omitted, its parameter's name decides."
_PARAMS = "Keyword arguments of a custom or scikit-learn function."
_METHOD = "How the interval of a custom or scikit-learn function arises; if omitted, its signature decides."


class Reported(ConfigModel):
    """A metric to report, with the arguments of its function."""

    metric: Name = Field(description="A metric of the catalogue, a scikit-learn name, or `module:function`.")
    on: ON | None = Field(default=None, description=_ON)
    params: Parameters | None = Field(default=None, description=_PARAMS)
    method: RESAMPLING | None = Field(default=None, description=_METHOD)


Metric = Annotated[
    Annotated[Name, Tag("=text")] | Annotated[Reported, Tag("=mapping")],
    one_of("must be a metric's name, or `{metric: …, on: …, params: …}`"),
]


class Evaluation(ConfigModel):
    """The evaluation set: rows with a key, a label, features and slice columns."""

    data: Place | None = Field(
        default=None,
        description="CSV, Parquet, JSON Lines, NumPy, Feather, DuckDB or SQLite: a path, a glob or a URL "
        "(s3://, gs://, https://).",
    )
    table: Name | None = Field(default=None, description="Table of a DuckDB or SQLite file with several tables.")
    label: Name | None = Field(default=None, description="Column with the true values.")
    labels: Place | None = Field(
        default=None,
        description="File with the labels, if `data` has only features; both are joined by `key`. A `.sealed` one is "
        "encrypted, by `mlci seal`.",
    )
    labels_table: Name | None = Field(default=None, description="Table of `labels`, if that is a database.")
    key: Name | None = Field(
        default=None, description="Column that predictions are joined by; without it, tables are joined by position."
    )
    query: Name | None = Field(
        default=None, description="Column with the query that each document is ranked for (ranking)."
    )
    positive: Scalar | None = Field(
        default=None, description="Label value that counts as positive (binary); if omitted, 1 or true."
    )
    classes: Annotated[tuple[Scalar, ...], Field(min_length=2)] | None = Field(
        default=None, description="All labels that may occur (multiclass); if omitted, those of the label column."
    )
    slices: Slices = Field(
        default=(),
        description="Columns, binned columns and crossings that partition the rows; `auto` searches for the worst.",
    )
    slice_search: SliceSearchConfig | None = Field(
        default=None, description="Search for the worst slices, beside those under `slices`; `{}` has the defaults."
    )
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)] | None = Field(
        default=None, description="Metrics to report; if omitted, all of the task's."
    )
    timeout: Duration = Field(
        default=Duration(3600), description="Time after which custom and scikit-learn functions are stopped."
    )
    max_groups: int = Field(default=100, ge=1, le=10_000, description="Most groups that one slice may have.")
    min_group_size: int = Field(
        default=30, ge=1, description="Fewest rows of a group that is judged; smaller groups are only listed."
    )

    items: Literal["same", "shared"] = Field(
        default="same",
        description="Items of an evaluation log that are compared: the `same` in both runs, or those `shared` by both.",
    )
    partial: bool = Field(
        default=False, description="Whether the log of a cancelled or failed run is compared as far as it went."
    )
    prompts: Literal["same", "may_differ"] = Field(
        default="same", description="Whether prompts that the tool renders from the items may differ between the runs."
    )
    repeat: Name | None = Field(
        default=None,
        description="Column with the repeat of an item in a table of scores; if omitted, rows are counted.",
    )
    cluster: Name | None = Field(
        default=None,
        description="Column of rows that belong together, such as a patient's; with `task: scores` a metadata name.",
    )
    weight: Name | None = Field(
        default=None, description="Column with the positive weight of each row; if omitted, rows count equally."
    )

    @property
    def searched(self) -> SliceSearchConfig | None:
        """The search for the worst slices; that of ``slices: auto`` has the defaults."""
        if self.slice_search is None and isinstance(self.slices, AutoSlices):
            return SliceSearchConfig()
        return self.slice_search

    @property
    def reported(self) -> tuple[Reported, ...] | None:
        """The metrics to report, all of them in their long form."""
        if self.metrics is None:
            return None
        return tuple(Reported(metric=item) if isinstance(item, str) else item for item in self.metrics)


def _passable_variable(name: str) -> str:
    """Refuse a variable that mlci never passes to a command."""
    if NEVER_GIVEN.fullmatch(name):
        raise PydanticCustomError("mlci_secret", "{message}", {"message": _refuse_withheld(name)})
    return name


def _refuse_withheld(name: str) -> str:
    if name.upper().startswith("MLCI_"):
        return f"names {name}, which mlci sets itself or keeps to itself; remove it"
    return (
        f"names {name}, a token or file of GitHub's runner that no command gets; remove it. If a command needs "
        "its own token, store it as a secret and give it another name in the step's `env:`, such as "
        "`DATA_TOKEN: ${{ secrets.DATA_TOKEN }}`"
    )


Variable = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"), AfterValidator(_passable_variable)
]
_ENV = (
    "Variables with credentials of the registry that the command gets; if omitted, it gets none. GitHub's and mlci's "
    "own can't be named."
)


class Train(ConfigModel):
    """Training of the candidate: a command, its time-out, and the file or folder that it writes."""

    run: Command = Field(description="Command that trains the model, run by the shell beside `mlci.yml`.")
    timeout: Duration = Field(default=Duration(3600), description="Time after which training is stopped and fails.")
    model: Place | None = Field(default=None, description="Model that training writes: a file or a folder.")
    env: tuple[Variable, ...] = Field(default=(), description=_ENV)
    when: Literal["always", "asked"] = Field(
        default="always",
        description="When a pull request is trained: `always`, or only when `asked`, by the label or a rerun.",
    )
    label: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\s,](?:[^,\r\n]*[^\s,])?$")] = Field(
        default="mlci:train", description="Label of a pull request that asks for training, with `when: asked`."
    )

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Refuse a label that nothing reads."""
        if "label" in keys and "when" not in keys:
            return "has `label` without `when`; add `when: asked`, or remove it"
        return None


SOURCES = ("run", "file", "model", "metrics", "log")
_OTHERS = frozenset(SOURCES) - {"run", "log"}
Probabilities = Annotated[dict[Name, Name], Field(min_length=2, max_length=100)]
_PROBABILITIES = "Column with the probability of each class, by class (multiclass)."


class Predict(ConfigModel):
    """Source of predictions: exactly one of ``run``, ``file``, ``model`` or ``metrics``."""

    run: Command | None = Field(
        default=None, description="Command that predicts; gets MLCI_MODEL, MLCI_DATA and MLCI_PREDICTIONS."
    )
    file: Place | None = Field(default=None, description="Predictions that already exist: a table with the same key.")
    model: Place | None = Field(default=None, description="A scikit-learn model saved with skops.")
    metrics: Place | None = Field(default=None, description="A metrics file (JSON or YAML), judged on estimates.")
    log: Place | None = Field(
        default=None,
        description="Evaluation log of a language model, or several by a glob (`task: scores`); `run` may write it.",
    )
    table: Name | None = Field(default=None, description="Table of `file`, if that is a database with several tables.")
    trusted: tuple[Name, ...] = Field(
        default=(), description="Types that a skops file may contain beyond those that skops trusts by default."
    )
    score: Name | None = Field(default=None, description="Column with a score, a probability or a regression's value.")
    decision: Name | None = Field(default=None, description="Column with the decided class.")
    probabilities: Probabilities | None = Field(
        default=None, description=f"{_PROBABILITIES} With `model`, the columns that mlci writes."
    )
    threshold: Finite = Field(default=0.5, description="A score at or above it decides for the positive class.")
    timeout: Duration = Field(default=Duration(3600), description="Time after which prediction is stopped and fails.")
    env: tuple[Variable, ...] = Field(default=(), description=_ENV)

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Require exactly one source."""
        return None if {"run", "log"} <= keys and keys.isdisjoint(_OTHERS) else exactly_one(SOURCES, keys)


class Baseline(ConfigModel):
    """The model to compare with, from a file of predictions or metrics or from a git reference."""

    file: Place | None = Field(
        default=None, description="The baseline's predictions or metrics, as `predict` has them."
    )
    ref: Reference | None = Field(
        default=None, description="Branch, tag or commit whose own train and predict steps make the baseline."
    )
    log: Place | None = Field(default=None, description="The baseline's evaluation log, or several by a glob.")
    table: Name | None = Field(default=None, description="Table of `file`, if that is a database with several tables.")
    score: Name | None = Field(default=None, description="Score column in `file`; the candidate's if omitted.")
    decision: Name | None = Field(default=None, description="Decision column in `file`; the candidate's if omitted.")
    probabilities: Probabilities | None = Field(
        default=None, description="Probability columns in `file`; the candidate's if omitted."
    )
    threshold: Finite | None = Field(default=None, description="Threshold for `file`; the candidate's if omitted.")

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Require exactly one origin."""
        return exactly_one(("file", "ref", "log"), keys)

    @property
    def inherits_columns(self) -> bool:
        """Whether the file has the columns of the candidate's predictions."""
        return self.score is None and self.decision is None and self.probabilities is None


class RowsEvaluation(Evaluation):
    """A checked evaluation set of rows."""

    data: Place
    label: Name


def rows_evaluation(evaluation: Evaluation | None) -> RowsEvaluation | None:
    """Return an evaluation set as one of rows; ``None`` if it names no data or no label."""
    if evaluation is None or evaluation.data is None or evaluation.label is None:
        return None
    values = {name: getattr(evaluation, name) for name in Evaluation.model_fields}
    return RowsEvaluation.model_construct(_fields_set=evaluation.model_fields_set, **values)


class BehaviourTests(ConfigModel):
    """Behavioural tests of the candidate: a command that runs pytest, and the tests that must pass."""

    run: Command = Field(description="Command that runs pytest with mlci's plugin, after both models are evaluated.")
    timeout: Duration = Field(default=Duration(3600), description="Time after which the tests are stopped and fail.")
    required: tuple[Name, ...] | None = Field(
        default=None, description="Tests that must run and pass before a merge; if omitted, every test that is found."
    )
    line: SkipJsonSchema[int | None] = Field(default=None, exclude=True, json_schema_extra={"x-internal": True})


class ReportSection(ConfigModel):
    """What the report shows beyond totals: single rows, which may be personal data."""

    rows: int = Field(
        default=0, ge=0, le=200, description="Rows whose loss changed most, with key, label and both predictions."
    )
    items: Literal["keys", "text"] | None = Field(
        default=None,
        description="Items of an evaluation log that changed most: by their `keys`, or with the `text` of the answers; "
        "if omitted, text, and keys in a public repository.",
    )
    public: bool = Field(
        default=False, description="Whether a public repository's report shows these rows, which everyone can read."
    )

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Refuse ``public`` alone, which has no effect."""
        if "public" in keys and "rows" not in keys:
            return "has `public` without `rows`; add `rows: 20`, or remove it"
        return None


class Probe(ConfigModel):
    """How often a pull request may be evaluated on sealed labels, because every evaluation reveals some of them."""

    per_day: int = Field(
        ge=1, le=100, description="Evaluations of one pull request in a day (UTC) that sealed mode publishes."
    )


class GatePolicy(ConfigModel):
    """Policy of one gate for inconclusive results and missing baselines; overrides that of the file."""

    inconclusive: OnDoubt | None = Field(default=None, description="Effect of this gate if the rows can't decide it.")
    no_baseline: OnDoubt | None = Field(default=None, description="Effect of this gate without a baseline.")


class Gate(ConfigModel):
    """A metric, the rows that it is computed on, and its limits."""

    metric: Name = Field(description="A metric of the catalogue, a scikit-learn name, or `module:function`.")
    each: Scoped | None = Field(default=None, description="Slice of which every group gets its own gate.")
    on: ON | None = Field(default=None, description=_ON)
    params: Parameters | None = Field(default=None, description=_PARAMS)
    method: RESAMPLING | None = Field(default=None, description=_METHOD)
    across: Scoped | None = Field(default=None, description="Slice over whose groups a disparity or a shift is taken.")
    min: Annotated[Limit, LimitField("min")] | None = Field(
        default=None, description="Least value that the candidate may have."
    )
    max: Annotated[Limit, LimitField("max")] | None = Field(
        default=None, description="Greatest value that the candidate may have."
    )
    max_drop: Annotated[Limit, LimitField("max_drop")] | None = Field(
        default=None, description="Largest fall against the baseline, absolute or in per cent of it."
    )
    max_rise: Annotated[Limit, LimitField("max_rise")] | None = Field(
        default=None, description="Largest rise against the baseline, absolute or in per cent of it."
    )
    superior_by: Annotated[Limit, LimitField("superior_by")] | None = Field(
        default=None, description="Gain over the baseline that has to be proven, absolute or in per cent of it."
    )
    range: Annotated[tuple[Finite, Finite], AfterValidator(require_ascending)] | None = Field(
        default=None, description="Lowest and highest score that a scorer can give (`task: scores`)."
    )
    higher_is_better: bool | None = Field(
        default=None,
        description="Direction of a scorer (`task: scores`); if omitted, that of the log, if it says one.",
    )
    judge: Literal["estimate", "interval"] | None = Field(
        default=None, description="Value that the limit is compared with; if omitted, it depends on the kind of gate."
    )
    noise: Literal["retraining"] | None = Field(
        default=None,
        description="Variance that the interval of a change includes besides that of the rows; if omitted, none.",
    )
    policy: GatePolicy = Field(
        default=GatePolicy(), description="Effect of this gate if it is inconclusive or has no baseline."
    )
    line: SkipJsonSchema[int | None] = Field(default=None, exclude=True, json_schema_extra={"x-internal": True})

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Require a limit, and at most one of ``each`` and ``across``."""
        if not keys & set(LIMIT_KINDS):
            return "has no limit; add `min`, `max`, `max_drop`, `max_rise` or `superior_by`"
        if {"each", "across"} <= keys:
            return "has both `each` (one gate per group) and `across` (their disparity); keep one, or write two gates"
        return None

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits that are set, in the order of judging."""
        return tuple(limit for kind in LIMIT_KINDS if isinstance(limit := getattr(self, kind), Limit))

    def gain_direction(self, direction: Direction) -> Direction:
        """Return the better direction; where the metric has none, that of the gate or of its limit on a loss.

        Args:
            direction: That of the metric.
        """
        if direction != "none":
            return direction
        if self.higher_is_better is not None:
            return "higher" if self.higher_is_better else "lower"
        return "lower" if self.max_rise is not None else "higher" if self.max_drop is not None else "none"


class Policy(ConfigModel):
    """Policy of the file: confidence level, and effect of inconclusive gates and missing baselines."""

    confidence: Finite = Field(default=0.95, ge=0.5, lt=1, description="Two-sided level of every interval.")
    inconclusive: OnDoubt = Field(default="warn", description="Effect of a gate if the rows can't decide it.")
    no_baseline: OnDoubt = Field(default="warn", description="Effect of a gate on a change without a baseline.")
    errored_items: OnDoubt = Field(
        default="block", description="Effect of a gate whose outcome depends on answers without a score."
    )
    comment: Literal["always", "on-change", "on-failure", "never"] = Field(
        default="always", description="When a new comment is written; an existing one is always kept up to date."
    )
    seed: int = Field(default=7, ge=0, lt=2**63, description="Seed of every bootstrap; same seed, same report.")


class Config(ConfigModel):
    """The whole of ``mlci.yml``."""

    model: Annotated[str, Field(pattern=MODEL_ID)] = Field(
        description="Name of the model in reports and the registry: letters, digits, `.`, `_` and `-`."
    )
    task: Task = Field(description="Binary, multiclass, regression, ranking, or scores of an evaluation log.")
    evaluation: Evaluation | None = Field(
        default=None, description="Rows that both models are evaluated on; omitted only with `predict.metrics`."
    )
    engine: EngineSection | None = Field(
        default=None, description="Engine that evaluates the rows; if omitted, the embedded one, on this machine."
    )
    paths: Annotated[tuple[Place, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Globs of files that the model depends on; if omitted, everything but documentation.",
    )
    train: Train | None = Field(
        default=None, description="How the candidate is trained; if omitted, it is not trained."
    )
    predict: Predict = Field(description="Where the candidate's predictions come from.")
    baseline: Annotated[
        Annotated[Literal["production", "none"], Tag("=text")] | Annotated[Baseline, Tag("=mapping")],
        one_of("must be `production`, `none`, `{ref: …}` or `{file: …}`"),
    ] = Field(default="production", description="The model to compare with.")
    registry: Registry = Field(
        default=DEFAULT_REGISTRY,
        description="Where promoted models live: a folder, `s3://…`, `gs://…`, `az://…`, `github` or `mlflow:…`.",
    )
    require_approval: Approvers | None = Field(
        default=None, description="Logins and teams of whom one has to approve the pull request before a promotion."
    )
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)] = Field(description="Limits that must hold before a merge.")
    tests: BehaviourTests | None = Field(
        default=None, description="Behavioural tests of the candidate; if omitted, there are none."
    )
    monitor: Monitor | None = Field(
        default=None, description="Production logs that `mlci monitor` compares with the evaluation set."
    )
    report: ReportSection = Field(default=ReportSection(), description="Single rows in the report; none by default.")
    probe: Probe | None = Field(
        default=None, description="Budget of evaluations in sealed mode; if omitted, they are not counted."
    )
    grader: Grader | None = Field(
        default=None, description="Human labels that a judge of an evaluation log is compared with; if omitted, none."
    )
    reuse: Reuse | None = Field(
        default=None, description="Budget of candidates that one evaluation set judges; if omitted, there is none."
    )
    card: Card | None = Field(
        default=None, description="What the owners state in the model card; if omitted, only evidence is in it."
    )
    deploy: Deploy | None = Field(
        default=None, description="Kubernetes resource that serves the version in production, for `mlci deploy`."
    )
    retention: Retention | None = Field(
        default=None, description="How long the registry keeps predictions; if omitted, for ever."
    )
    cost: Cost | None = Field(default=None, description="Prices of runners; if omitted, those of GitHub's price table.")
    policy: Policy = Field(default=Policy(), description="Confidence level, and effect of inconclusive gates.")
    experiment: Experiment | None = Field(
        default=None, description="Canary or A/B test in production, judged by `mlci experiment`."
    )

    @property
    def judged_confidence(self) -> float:
        """Two-sided level that gates are judged at: the policy's, or that of one look if `reuse` limits them."""
        confidence = self.policy.confidence
        return confidence if self.reuse is None else 1 - 2 * self.reuse.look_alpha(confidence)


class RowsConfig(Config):
    """A checked configuration whose models predict for the rows of an evaluation set."""

    task: RowsTask
    evaluation: RowsEvaluation


class MetricsConfig(Config):
    """A checked configuration whose models write metrics files, which have no rows."""

    evaluation: None = None
    source: ClassVar[tuple[str, str]] = ("a metrics file", "metrics")

    @property
    def metrics_file(self) -> str:
        """Path of the candidate's metrics file."""
        return str(self.predict.metrics)


class ScoresConfig(Config):
    """A checked configuration whose models are compared by the items of evaluation logs."""

    evaluation: Evaluation
    source: ClassVar[tuple[str, str]] = ("an evaluation log", "log")

    @property
    def log(self) -> str:
        """Path or glob of the candidate's log."""
        return str(self.predict.log)


WithoutRows = MetricsConfig | ScoresConfig
"""Configurations without predictions for the rows of a table; ``source`` has the words for it, and its key."""


def slice_scope(gate: Gate) -> str | None:
    """Return the name of the slice of a gate's ``each`` or ``across``; ``None`` for the whole set."""
    wanted = gate.each if gate.each is not None else gate.across
    return wanted if wanted is None or isinstance(wanted, str) else CROSS.join(wanted)


def effective_slices(config: Config) -> tuple[Slice, ...]:
    """Return the slices that are evaluated: those listed, and columns of a crossing that a gate uses alone."""
    listed = config.evaluation.slices if config.evaluation else ()
    names = set(slice_names(listed))
    crossed = {column.column: column for item in listed if isinstance(item, tuple) for column in slice_columns(item)}
    wanted = dict.fromkeys(slice_scope(gate) for gate in config.gates)
    return (*listed, *(crossed[name] for name in wanted if name in crossed and name not in names))
