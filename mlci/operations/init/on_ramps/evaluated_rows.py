"""Rows that a script evaluates, and answers about them: task, positive class, key, slices and gates."""

import re
from dataclasses import dataclass, replace

from mlci.engine.tables.column_summary import ColumnSummary, TableSummary
from mlci.operations.init.check_options import refuse_untold_task
from mlci.operations.init.columns import doubt_task, find_key, find_positive, find_slices, find_task
from mlci.operations.init.margins import propose_gates
from mlci.operations.init.proposal import ConfigurationParts, SetupAnswers
from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.addition import HoldoutRows, Task, has_probabilities, takes_columns
from mlci.operations.init.scripts.losses import REGRESSION_LOSSES
from mlci.operations.init.scripts.script_facts import REGRESSION_METRICS, EvaluationPoint, ScriptFacts
from mlci.operations.init.scripts.traced_values import SAMPLE_ROWS, sample_task
from mlci.operations.init.scripts.values import UNKNOWN

_REGRESSOR = re.compile(r"(Regressor|SVR|Ridge|RidgeCV|Lasso|LassoCV|ElasticNet|ElasticNetCV|LinearRegression)$")
_TEST_SHARE = 0.25
"""Share that ``train_test_split`` keeps for the test by default."""


@dataclass(frozen=True, kw_only=True)
class ScriptRows:
    """What is known about the rows that a model is evaluated on.

    Attributes:
        facts: The script.
        point: Place in it at which the model and the labels are known.
        rows: The evaluation set.
        table: Summary of its file; ``None`` if it is not in one, or the file is not in the repository.
        source: Path of that file.
        home: Folder of the script's relative paths.
        apart: Whether the script does not read that file.
    """

    facts: ScriptFacts
    point: EvaluationPoint
    rows: HoldoutRows
    table: TableSummary | None
    source: str | None
    home: str
    apart: bool = False

    @property
    def label(self) -> ColumnSummary | None:
        """Summary of the label as the evaluation set has it; ``None`` if it was encoded or is not in a file."""
        return None if self.point.label_value.encoded else self.raw_label

    @property
    def raw_label(self) -> ColumnSummary | None:
        """Summary of the label as the file has it; ``None`` if it is not in a file."""
        return None if self.table is None else self.table.find(self.rows.label)

    @property
    def share(self) -> float:
        """Share of the file's rows that are evaluated."""
        return 1.0 if self.from_test_file else _test_share(self.facts, self.table)

    @property
    def from_test_file(self) -> bool:
        """Whether the evaluated rows are a file of their own."""
        if self.apart:
            return True
        home = self.point.names.get(self.point.label_value.frame or "", UNKNOWN)
        return home.kind == "frame" and home.part == "test" and home.whole is None and home.path is not None

    @property
    def size(self) -> int | None:
        """Number of evaluated rows; ``None`` if it is not known."""
        if self.point.batches is not None and not self.facts.splits:
            return None
        total = self.table.rows if self.table else SAMPLE_ROWS.get(self.source or "")
        return None if total is None else round(total * self.share)


def _test_share(facts: ScriptFacts, table: TableSummary | None) -> float:
    share = 1.0
    for given in facts.sizes[:2]:
        size, kept = given.get("test_size"), given.get("train_size")
        if size is None and kept is not None:
            size = 1 - kept if kept < 1 else None
        if size is not None and size >= 1:
            return min(1.0, size / table.rows) if table else _TEST_SHARE
        share *= _TEST_SHARE if size is None else size
    return share


def is_evaluated_file(found: ScriptRows, task: Task, positive: str | None) -> bool:
    """Return whether the test part is a file whose columns the model gets and whose labels it predicts.

    The scores of `label == value` are those of that value, if the file has one other value.
    """
    if not (found.from_test_file and found.source and takes_columns(found.point)):
        return False
    wanted, raw = found.point.label_value.equals, found.raw_label
    if not found.point.label_value.encoded:
        return True
    if wanted is None or raw is None or raw.distinct != 2 or wanted not in dict(raw.counts):
        return False
    scored = task == "binary" and has_probabilities(found.point.estimator or "")
    return scored and positive in {None, wanted}


def label_reason(found: ScriptRows) -> str:
    """Return the reason why a column is the label."""
    if found.point.label_value.column is None:
        return f"line {found.point.statement.lineno} of {found.facts.path} has the labels in `{found.point.labels}`"
    return f"{found.facts.path} uses it as the label"


def choose_task(answers: SetupAnswers, repository: Repository, found: ScriptRows) -> Task:
    """Return the task: the given one, or that of the metrics, the model or the label.

    Raises:
        InputError: if none was given, and the labels do not show it.
    """
    given = repository.options.task
    proposed = _guess_task(repository, found) if given is None else (given, "")
    answers.take("task", given, proposed)
    return proposed[0]


def _guess_task(repository: Repository, found: ScriptRows) -> tuple[Task, str]:
    point, estimator = found.point, found.point.estimator or ""
    of_regression = REGRESSION_METRICS | REGRESSION_LOSSES
    if point.metric in of_regression or _REGRESSOR.search(estimator):
        shown = point.metric if point.metric in of_regression else estimator
        return "regression", f"{found.facts.path} uses {shown}"
    raw, table = found.raw_label, found.table
    if raw and table and not found.facts.binary and point.label_value.equals is None:
        refuse_untold_task(doubt_task(raw, table))
    if (label := found.label) is not None and not (found.facts.binary and table and doubt_task(label, table)):
        task, reason = find_task(label)
        return (task, reason) if task != "regression" or not estimator else ("multiclass", f"{estimator} classifies")
    if (sample := sample_task(found.source)) is not None:
        return sample, f"the data set {(found.source or '').removeprefix('sklearn:')} is known"
    if found.facts.binary:
        return "binary", f"{found.facts.path} computes metrics of two classes, 0 and 1"
    named = raw.name if raw is not None and point.label_value.encoded and raw.distinct == 2 else None
    if compared := f"`{point.labels}`" if point.label_value.equals is not None else named:
        return "binary", f"{compared} has two values"
    if repository.is_empty(found.source):
        refuse_untold_task(f"{found.source} has no rows")
    return "multiclass", "the script shows classes, and not how many; binary models can be judged as multiclass, too"


def choose_positive(
    answers: SetupAnswers, repository: Repository, found: ScriptRows, task: Task, *, from_file: bool
) -> str | None:
    """Return the positive class of a binary model: the given one, or that of the label's values."""
    if task != "binary":
        return None
    proposed = find_positive(found.label) if found.label else None
    if from_file and (wanted := found.point.label_value.equals) is not None:
        proposed = wanted, f"{found.facts.path} compares the labels with it"
    return answers.take("positive", repository.options.positive, proposed)


def choose_key(
    answers: SetupAnswers, repository: Repository, found: ScriptRows, names: frozenset[str], *, from_file: bool
) -> str | None:
    """Return the key: the given one, a column that names every row, or ``row`` where the script writes the rows."""
    named = find_key(found.table, names) if found.table else None
    number = "the number of the row in the data; it stays the same as long as the data only grows at its end"
    position = "the position in the test part; it stays the same while the split and the data do"
    unnamed = ("row", position if _by_position(found) else number)
    proposed = (named, "it is different in every row") if named else None if from_file else unnamed
    return answers.take("key", repository.options.key, proposed)


def _by_position(found: ScriptRows) -> bool:
    """Return whether the labels have no index, so that the only number of a row is its position in the test part."""
    indexed = found.facts.pandas is not None and found.point.label_value.kind in {"series", "frame"}
    return found.rows.only is not None and not indexed


def choose_slices(
    answers: SetupAnswers, repository: Repository, found: ScriptRows, names: frozenset[str]
) -> tuple[str, ...]:
    """Return the columns to look at the rows by: the given ones, or those with few values."""
    given = repository.options.slices
    proposed = find_slices(found.table, names, share=found.share) if found.table else []
    if given is not None:
        answers.take("slices", ", ".join(given) or "none", None)
        return given
    for item in proposed:
        answers.take("slices", None, (item.column.name, item.reason))
    return tuple(item.column.name for item in proposed)


def add_gates(
    found: ScriptRows, parts: ConfigurationParts, answers: SetupAnswers, *, scored: bool
) -> ConfigurationParts:
    """Return the configuration with gates that the rows can decide."""
    size = found.size
    positives = None
    label = found.raw_label if parts.positive else found.label
    if label is not None and parts.task == "binary" and size:
        counts = {value.lower(): count for value, count in label.counts}
        wanted = [parts.positive.lower()] if parts.positive else ["1", "1.0", "true"]
        positives = round(sum(counts.get(value, 0) for value in wanted) * found.share)
    slices = find_slices(found.table, frozenset(parts.slices), share=found.share) if found.table else []
    gates = propose_gates(
        parts.rows_task, rows=size, positives=positives, scored=scored, slices=slices, share=found.share
    )
    answers.gates(gates)
    return replace(parts, gates=tuple(gates))


def positive_code(found: ScriptRows, parts: ConfigurationParts) -> str | None:
    """Return Python for the positive class if it is not the one with the last column of probabilities."""
    if parts.positive is None or found.label is None:
        return None
    values = [value for value, _ in found.label.counts]
    numbers = found.label.kind in {"integer", "real"}
    if parts.positive == (max(values, key=float) if numbers else max(values)):
        return None
    return (
        parts.positive if numbers else parts.positive.title() if found.label.kind == "boolean" else repr(parts.positive)
    )
