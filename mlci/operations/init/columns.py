"""Proposals from the columns of a table: label, task, positive class, key and slices."""

import re
from dataclasses import dataclass

from mlci.engine.tables.column_summary import ColumnSummary, TableSummary
from mlci.errors import count_noun
from mlci.operations.init.scripts.addition import Task

LABELS = (
    "target", "label", "labels", "class", "outcome", "y", "churn", "churned", "exited", "default", "defaulted", "fraud",
    "is_fraud", "diagnosis", "species", "quality", "price", "saleprice", "survived", "output", "result", "response",
    "true_label", "y_true", "actual", "truth", "label_value",
)  # fmt: skip
_SENSITIVE = re.compile(
    r"(^|[^a-z])(sex|gender|race|ethnic\w*|age_?(group|cat\w*|band)|religion|nationality|disab\w*|marital\w*|geography"
    r"|region|country|language)([^a-z]|$)",
    re.IGNORECASE,
)
KEY_NAME = re.compile(r"(^|[^a-z])(id|uuid|key|number|no|ssn)$|^id([^a-z]|$)|[a-z]I[dD]$", re.IGNORECASE)
_POSITIVE = {
    "1", "1.0", "true", "yes", "y", "t", "positive", "pos", "churn", "churned", "fraud", "spam", "default", "bad", "m",
    "malignant", ">50k", "high", "disease", "attrition", "left", "exited", "abnormal", "approved",
}  # fmt: skip
EVALUATED_NAME = re.compile(r"(^|[_-])(hold_?out|test\w*|valid\w*|eval\w*|golden)([_-]|$)", re.IGNORECASE)
"""Name of a table that is an evaluation set."""
MOST_CLASSES = 20
_MOST_GROUPS, _MOST_SENSITIVE, _MOST_SLICES = 10, 20, 4
_LEAST_LISTED = 10
"""Rows of two groups below which a column is not proposed."""
_LEAST_LABELS = 20
"""Labelled rows below which their values do not show the task."""
LEAST_ROWS = 30
"""Rows below which a group is listed and never judged; the default of ``evaluation.min_group_size``."""


@dataclass(frozen=True)
class ProposedSlice:
    """A column to look at the rows by, the rows of its smallest group, and the reason."""

    column: ColumnSummary
    sensitive: bool

    @property
    def reason(self) -> str:
        """Reason, in words."""
        few = f"{self.column.distinct} groups"
        return f"{few}, and its name is that of a sensitive attribute" if self.sensitive else few


def find_label(table: TableSummary) -> tuple[str, str] | None:
    """Return the label column and the reason; ``None`` if no name suggests one."""
    names = {name.lower().strip(): name for name in table.names}
    for wanted in LABELS:
        if wanted in names:
            return names[wanted], "its name is that of a label"
    return None


def find_task(label: ColumnSummary) -> tuple[Task, str]:
    """Return the task that fits the values of a label, and the reason."""
    if label.distinct == 2:
        return "binary", f"{label.name} has two values"
    if label.kind == "real" or label.distinct > MOST_CLASSES:
        return "regression", f"{label.name} is a number with {label.distinct:,} values"
    return "multiclass", f"{label.name} has {label.distinct} values"


def doubt_task(label: ColumnSummary, table: TableSummary) -> str | None:
    """Return why the values of a label do not show the task; ``None`` if they do.

    Args:
        label: Summary of the label.
        table: Table that has it.
    """
    labelled = table.rows - label.missing
    if not table.rows:
        return f"{table.path} has no rows"
    if not label.distinct:
        return f"no row of {table.path} has a value of {label.name}"
    if label.distinct == 1:
        only = f" is {label.counts[0][0]}" if label.counts else " is the same"
        return f"every value of {label.name} in {table.path}{only} ({count_noun(labelled, 'row')})"
    if labelled < _LEAST_LABELS and label.kind != "real":
        return (
            f"{table.path} has {count_noun(labelled, 'row')} with a value of {label.name}, and fewer than "
            f"{_LEAST_LABELS} do not show how many classes there are"
        )
    return None


def find_positive(label: ColumnSummary) -> tuple[str, str] | None:
    """Return the class that counts as positive, and the reason; ``None`` if the values are not listed."""
    lowered = {value.lower().strip(): value for value, _ in label.counts}
    for one in ("1", "1.0", "true"):
        if one in lowered and label.kind != "text":
            return lowered[one], f"the labels are {' and '.join(sorted(lowered))}"
    named = [value for text, value in lowered.items() if text.rstrip(".") in _POSITIVE]
    if len(named) == 1:
        return named[0], "its name is that of a positive class"
    rarest = min(label.counts, key=lambda item: item[1], default=None)
    return None if rarest is None else (rarest[0], f"it is the rarer class of {label.name}")


def find_key(table: TableSummary, allowed: frozenset[str]) -> str | None:
    """Return a column that identifies every row and whose name says so."""
    for column in table.columns:
        unique = column.distinct == table.rows and not column.missing and column.kind in {"integer", "text"}
        if unique and column.name in allowed and KEY_NAME.search(column.name):
            return column.name
    return None


def find_slices(table: TableSummary, allowed: frozenset[str], *, share: float) -> list[ProposedSlice]:
    """Return the columns with few values, sensitive ones first, of which two groups are large enough to be shown.

    Args:
        table: Summary of the rows.
        allowed: Columns that the evaluation set has.
        share: Share of the rows that is evaluated.
    """
    found = [ProposedSlice(column, _SENSITIVE.search(column.name) is not None) for column in table.columns]
    fitting = [item for item in found if item.column.name in allowed and _is_slice(item, share)]
    fitting.sort(key=lambda item: (not item.sensitive, item.column.distinct))
    return fitting[:_MOST_SLICES]


def _is_slice(item: ProposedSlice, share: float) -> bool:
    column = item.column
    most = _MOST_SENSITIVE if item.sensitive else _MOST_GROUPS
    if not 2 <= column.distinct <= most or column.kind in {"real", "other"}:
        return False
    if column.kind == "integer" and not item.sensitive:
        return False
    large = [count for _, count in column.counts if count * share >= _LEAST_LISTED]
    return len(large) >= 2
