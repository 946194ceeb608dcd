"""Predictions and tables as `mlci.compare` gets them, as files and columns that a run reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mlci.engine.tables.column_summary import column_names, summarize_table
from mlci.engine.tables.frames import frame_names, write_frame
from mlci.engine.tables.table_path import table_path
from mlci.errors import InputError, list_names

SCORE, DECISION, PROBABILITIES = "score", "decision", "probabilities"
_SCORED = frozenset({"regression", "ranking"})
_GLOB = frozenset("*?[")
_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class EvaluationTable:
    """The evaluation set as the caller gave it, and the file that a run reads.

    Attributes:
        given: A path, or a frame.
        file: Path or address of the file.
        label, key: Its columns; without a key, rows are joined by position.
        task: ``binary``, ``multiclass``, ``regression`` or ``ranking``.
        positive: The positive class; ``None`` means 1 or true.
        table: Table of the file if that is a database.
        labels: File with the labels if they are in another one.
        labels_table: Table of that file if it is a database.
        query: Column with the query of each document, for a ranking.
    """

    given: Any
    file: str
    label: str
    key: str | None
    task: str
    positive: Any = None
    table: str | None = None
    labels: str | None = None
    labels_table: str | None = None
    cluster: str | None = None
    weight: str | None = None
    query: str | None = None

    def section(self, slices: "Sequence[Any] | Literal['auto']") -> dict[str, Any]:
        """Return the entry ``evaluation`` of the configuration."""
        named = {"label": self.label, "labels": self.labels, "key": self.key, "positive": self.positive}
        tables = {"table": self.table, "labels_table": self.labels_table, "query": self.query}
        named |= {"cluster": self.cluster, "weight": self.weight}
        sliced = slices if slices == "auto" else list(slices) or None
        return without_none({"data": self.file, **tables, **named, "slices": sliced})


def without_none(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries of the configuration without those that the caller left out."""
    return {name: value for name, value in entries.items() if value is not None}


def table_file(given: object, file: Path) -> str:
    """Return the path of a table: a path as it is, a frame after it was written to ``file``.

    Raises:
        InputError: if it is neither.
    """
    if isinstance(given, str | PathLike):
        text = str(given)
        return text if "://" in text else str(Path(text).absolute())
    if frame_names(given) is None:
        raise InputError(
            f"a {type(given).__name__} is not a table; pass a pandas, Polars or Arrow frame, or the path of a file"
        )
    write_frame(given, file)
    return str(file)


Columns = dict[str, str | dict[str, str]]
"""Columns with predictions, as ``predict`` in ``mlci.yml`` names them."""


def predictions_file(given: object, data: EvaluationTable, file: Path, *, name: str) -> tuple[str, Columns]:
    """Return the path of one model's predictions, and its columns if mlci named them.

    Args:
        given: A path, a frame, the name of a column of the evaluation set, an array in its order, or an estimator.
        data: The evaluation set.
        file: Where predictions are written to.
        name: ``candidate`` or ``baseline``, for messages.

    Raises:
        InputError: if it can't be turned into predictions.
    """
    if isinstance(given, str) and _names_column(given, data, name):
        if frame_names(data.given) is not None:
            return _write(data, _array(data.given[given], name), file, name)
        return data.file, {_column_kind(given, data): given}
    if hasattr(given, "predict") and frame_names(given) is None:
        return _write_estimated(given, data, file, name)
    if isinstance(given, str | PathLike) or frame_names(given) is not None:
        return table_file(given, file), {}
    _refuse_other_order(given, data.given, name)
    return _write(data, _array(given, name), file, name)


def _refuse_other_order(given: object, table: object, name: str) -> None:
    """Refuse a pandas Series whose index has the rows of the frame in another order: it would be paired by position.

    Raises:
        InputError: if it has.
    """
    own: Any = getattr(given, "index", None)
    theirs: Any = getattr(table, "index", None)
    if not (hasattr(own, "equals") and hasattr(theirs, "equals")) or own.equals(theirs):
        return
    if len(own) == len(theirs) and own.is_unique and not len(own.symmetric_difference(theirs)):
        raise InputError(
            f"{name}: its index has the rows of the data in another order, and they are paired by position; pass "
            "`.reindex(data.index)`, or `.to_numpy()` if the order is right as it is"
        )


def _array(given: object, name: str) -> np.ndarray[Any, Any]:
    """Return predictions as an array without a mask, under which NumPy keeps the values that are missing.

    Raises:
        InputError: if a value is masked.
    """
    if isinstance(given, np.ma.MaskedArray) and given.ndim and (masked := np.ma.getmaskarray(given)).any():
        first = int(np.flatnonzero(masked.reshape(len(masked), -1).any(axis=1))[0]) + 1
        raise InputError(
            f"{name}: {int(masked.sum()):,} values are masked, the first in row {first:,}; a missing prediction cannot "
            "be judged: predict these rows, or leave them out of the evaluation set"
        )
    return np.asarray(given)


def _names_column(given: str, data: EvaluationTable, name: str) -> bool:
    """Return whether a text is a column of the evaluation set, and not the path of a file.

    Raises:
        InputError: if it is both, or neither.
    """
    if "://" in given:
        return False
    of_frame = frame_names(data.given)
    columns = column_names(table_path(data.file, table=data.table)) if of_frame is None else of_frame
    is_column, is_file = given in columns, Path(given).is_file()
    where = "`data`" if of_frame is not None else Path(data.file).name
    if is_column and is_file:
        raise InputError(
            f"{name}={given!r} is a column of {where} and a file, too; for the file, write {name}=Path({given!r}); "
            "for the column, rename the file or pass the column's values"
        )
    if not is_column and not Path(given).exists() and not _GLOB & set(given):
        listed = list_names(columns, _LISTED)
        raise InputError(
            f"{name}={given!r} is neither a column of {where} nor a file; {where} has the columns {listed}, and paths "
            "are relative to the current folder"
        )
    return is_column


def _column_kind(column: str, data: EvaluationTable) -> str:
    """Return whether a column of the file has scores or decisions, as for the same column of a frame."""
    found = summarize_table(table_path(data.file, table=data.table), only=column).find(column)
    scored = found is not None and found.kind == "real"
    return SCORE if data.task in _SCORED or (data.task == "binary" and scored) else DECISION


def _write(data: EvaluationTable, values: np.ndarray[Any, Any], file: Path, name: str) -> tuple[str, Columns]:
    """Write an array beside the key, as scores or decisions."""
    if values.ndim != 1:
        raise InputError(
            f"{name} has {values.ndim} dimensions; pass one score or one decision a row, or a frame with a column for "
            "each class, and `probabilities={class: column}`"
        )
    kind = SCORE if _are_scores(values, data.task) else DECISION
    return _write_columns(data, {kind: values}, file, name), {kind: kind}


def _write_columns(data: EvaluationTable, table: dict[str, np.ndarray[Any, Any]], file: Path, name: str) -> str:
    """Write columns of predictions beside the key; return the path."""
    columns = frame_names(data.given)
    if columns is not None:
        rows, values = len(data.given[columns[0]]), next(iter(table.values()))
        if rows != len(values):
            raise InputError(f"{name} has {len(values):,} values, and the evaluation set has {rows:,} rows")
        if data.key is not None:
            table = {data.key: np.asarray(data.given[data.key]), **table}
    write_frame(table, file)
    return str(file)


def _are_scores(values: np.ndarray[Any, Any], task: str) -> bool:
    """Whether values are scores: all of a regression's, and a binary model's unless all are whole numbers or NaN."""
    if task in _SCORED:
        return True
    return (
        task == "binary" and values.dtype.kind == "f" and not np.array_equal(values, np.round(values), equal_nan=True)
    )


def _write_estimated(model: Any, data: EvaluationTable, file: Path, name: str) -> tuple[str, Columns]:  # noqa: ANN401 (any estimator)
    """Write the predictions of a fitted estimator: a probability, one for each class, or decisions."""
    features = _features(model, data, name)
    if data.task in _SCORED or not hasattr(model, "predict_proba"):
        return _write(data, _call(model, "predict", features, name), file, name)
    probabilities = _call(model, "predict_proba", features, name)
    if data.task == "binary":
        return _write(data, probabilities[:, _positive_column(model, data, name)], file, name)
    named = {str(label): f"probability of {label}" for label in model.classes_}
    return _write_columns(data, dict(zip(named.values(), probabilities.T, strict=True)), file, name), {
        PROBABILITIES: named
    }


def _call(model: Any, method: str, features: Any, name: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 (any estimator)
    """Return what an estimator predicts.

    Raises:
        InputError: if it is not fitted, or if its method fails.
    """
    kind = type(model).__name__
    try:
        return np.asarray(getattr(model, method)(features))
    except Exception as error:  # any estimator can raise anything
        if any(one.__name__ == "NotFittedError" for one in type(error).__mro__):
            raise InputError(
                f"{name} is a {kind} that is not fitted; fit it on rows that are not in `data`, and pass the fitted "
                f"one: `{name}=model.fit(X_train, y_train)`"
            ) from error
        raise InputError(
            f"{name}: {kind}.{method} failed on the columns of `data`: {type(error).__name__}: {error}; pass what it "
            f"needs as `data`, or its predictions as an array: `{name}=model.{method}(X)`"
        ) from error


def _features(model: Any, data: EvaluationTable, name: str) -> Any:  # noqa: ANN401 (any estimator, any frame)
    """Return the columns that an estimator was fitted on."""
    columns = frame_names(data.given)
    if columns is None:
        raise InputError(
            f"{name} is an estimator, which needs the evaluation set as a frame; pass a pandas frame as data"
        )
    fitted: Sequence[str] = getattr(model, "feature_names_in_", [c for c in columns if c not in {data.label, data.key}])
    if missing := [column for column in fitted if column not in columns]:
        raise InputError(f"{name} was fitted on columns that the evaluation set does not have: {', '.join(missing)}")
    return data.given[list(fitted)]


def _positive_column(model: Any, data: EvaluationTable, name: str) -> int:  # noqa: ANN401 (any estimator)
    classes = list(model.classes_)
    positive = 1 if data.positive is None else data.positive
    if positive not in classes:
        raise InputError(
            f"{name} has the classes {classes}; name the positive one: compare(…, positive={classes[-1]!r})"
        )
    return classes.index(positive)
