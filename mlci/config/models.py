"""What ``mlci.yml`` may say, as frozen pydantic models; the JSON Schema is generated from them.

Models only check a value against itself and its neighbours. Checks that need the metric catalogue stand in
:mod:`mlci.config.checks`; line numbers and wording of errors in :mod:`mlci.config.load`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlci.config.values import Duration, Finite, Limit

Scalar = bool | int | Finite | str
Task = Literal["binary", "multiclass", "regression"]
OnDoubt = Literal["warn", "block"]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Model(BaseModel):
    """Base of all parts of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Column(Model):
    """A slice column, optionally cut into bins ``< c1``, ``[c1, c2)``, …, ``>= ck``."""

    column: Name
    cut: tuple[Finite, ...] | None = Field(default=None, description="Ascending edges; bins are closed on the left.")
    reference: Scalar | None = Field(default=None, description="Group that ratios and differences are taken against.")


Slice = Name | Column | tuple[Name | Column, ...]


class Evaluation(Model):
    """The evaluation set: rows with a key, a label, features and slice columns."""

    data: Name = Field(description="CSV, Parquet or JSON Lines: a path, a glob or a URL (s3://, gs://, https://).")
    label: Name
    key: Name | None = Field(default=None, description="Column that predictions are joined by.")
    positive: Scalar | None = Field(default=None, description="Label value that counts as positive (binary).")
    classes: tuple[Scalar, ...] | None = Field(default=None, description="All labels that may occur (multiclass).")
    slices: tuple[Slice, ...] = ()
    metrics: tuple[Name, ...] | None = Field(default=None, description="Metrics to report; all of the task's if left out.")
    max_groups: int = Field(default=100, ge=1, le=10_000, description="Most groups that one slice may have.")
    min_group_size: int = Field(default=30, ge=1, description="A group with fewer rows is listed, never judged.")


class Train(Model):
    """How the candidate is trained: a command, its time-out, and the file or folder that it leaves."""

    run: Name
    timeout: Duration = Duration(3600)
    model: Name | None = None


class Predict(Model):
    """Where predictions come from: exactly one of ``run``, ``file``, ``model`` or ``metrics``."""

    run: Name | None = Field(default=None, description="Command; gets MLCI_MODEL, MLCI_DATA and MLCI_PREDICTIONS.")
    file: Name | None = Field(default=None, description="Predictions that already exist.")
    model: Name | None = Field(default=None, description="A scikit-learn model saved with skops.")
    metrics: Name | None = Field(default=None, description="A metrics file (JSON or YAML), judged on estimates.")
    trusted: tuple[Name, ...] = Field(default=(), description="Types that a skops file may hold beyond the defaults.")
    score: Name | None = Field(default=None, description="Column with a score, a probability or a regression's value.")
    decision: Name | None = Field(default=None, description="Column with the decided class.")
    threshold: Finite = Field(default=0.5, description="A score at or above it decides for the positive class.")
    timeout: Duration = Duration(3600)


class Baseline(Model):
    """The model to compare with, from a file of predictions or metrics or from a git reference."""

    file: Name | None = None
    ref: Name | None = None
    score: Name | None = Field(default=None, description="Score column in `file`; the candidate's if left out.")
    decision: Name | None = Field(default=None, description="Decision column in `file`; the candidate's if left out.")


class GatePolicy(Model):
    """What one gate does in doubt; overrides the policy of the whole file."""

    inconclusive: OnDoubt | None = None
    no_baseline: OnDoubt | None = None


class Gate(Model):
    """A metric, where it is looked at, and the limits that it has to keep."""

    metric: Name
    each: Name | tuple[Name, ...] | None = Field(default=None, description="Slice of which every group gets a gate.")
    across: Name | tuple[Name, ...] | None = Field(default=None, description="Slice over whose groups a disparity is taken.")
    min: Limit | None = None
    max: Limit | None = None
    max_drop: Limit | None = Field(default=None, description="Largest fall against the baseline, absolute or in per cent.")
    max_rise: Limit | None = Field(default=None, description="Largest rise against the baseline, absolute or in per cent.")
    judge: Literal["estimate", "interval"] | None = None
    policy: GatePolicy = GatePolicy()
    line: int | None = Field(default=None, exclude=True, json_schema_extra={"x-internal": True})


class Policy(Model):
    """What the team agreed on: how sure to be, and what doubt means."""

    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="Two-sided level of every interval.")
    inconclusive: OnDoubt = "warn"
    no_baseline: OnDoubt = "warn"
    comment: Literal["always", "on-change", "on-failure", "never"] = "always"
    seed: int = Field(default=7, ge=0)


class Config(Model):
    """The whole of ``mlci.yml``."""

    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    task: Task
    evaluation: Evaluation | None = None
    train: Train | None = None
    predict: Predict
    baseline: Literal["production", "none"] | Baseline = "production"
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]
    policy: Policy = Policy()
