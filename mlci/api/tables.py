"""Tables of the Python interface: frames, arrays and fitted estimators as the files that a run reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mlci.engine.tables.frames import frame_names, write_frame
from mlci.errors import InputError

SCORE, DECISION = "score", "decision"


@dataclass(frozen=True, kw_only=True)
class EvaluationTable:
    """The evaluation set as the caller gave it, and the file that a run reads.

    Attributes:
        given: A path, or a frame.
        file: Path or address of the file.
        label, key: Its columns; without a key, rows are joined by position.
        task: ``binary``, ``multiclass`` or ``regression``.
        positive: The positive class; ``None`` means 1 or true.
    """

    given: Any
    file: str
    label: str
    key: str | None
    task: str
    positive: Any = None


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


def predictions_file(given: object, data: EvaluationTable, file: Path, *, name: str) -> tuple[str, str | None]:
    """Return the path of one model's predictions, and the kind of its column if mlci named it.

    Args:
        given: A path, a frame, the name of a column of the evaluation set, an array in its order, or an estimator.
        data: The evaluation set.
        file: Where predictions are written to.
        name: ``candidate`` or ``baseline``, for messages.

    Raises:
        InputError: if it can't be turned into predictions.
    """
    columns = frame_names(data.given)
    if isinstance(given, str) and columns is not None and given in columns:
        return _write(data, np.asarray(data.given[given]), file, name)
    if hasattr(given, "predict") and frame_names(given) is None:
        return _write(data, _predict(given, data, name), file, name)
    if isinstance(given, str | PathLike) or frame_names(given) is not None:
        return table_file(given, file), None
    return _write(data, np.asarray(given), file, name)


def _write(data: EvaluationTable, values: np.ndarray[Any, Any], file: Path, name: str) -> tuple[str, str]:
    """Write an array beside the key, as scores or decisions."""
    if values.ndim != 1:
        raise InputError(f"{name} has {values.ndim} dimensions; pass one score or one decision a row")
    columns = frame_names(data.given)
    kind = SCORE if _are_scores(values, data.task) else DECISION
    table: dict[str, object] = {kind: values}
    if columns is not None:
        rows = len(data.given[columns[0]])
        if rows != len(values):
            raise InputError(f"{name} has {len(values):,} values, and the evaluation set has {rows:,} rows")
        if data.key is not None:
            table = {data.key: np.asarray(data.given[data.key]), **table}
    write_frame(table, file)
    return str(file), kind


def _are_scores(values: np.ndarray[Any, Any], task: str) -> bool:
    """Whether values are scores: all of a regression's, and a binary model's if they are not all whole numbers."""
    if task == "regression":
        return True
    return task == "binary" and values.dtype.kind == "f" and not np.array_equal(values, np.round(values))


def _predict(model: Any, data: EvaluationTable, name: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 (any estimator)
    """Predict with a fitted estimator on the columns that it was fitted on."""
    columns = frame_names(data.given)
    if columns is None:
        raise InputError(
            f"{name} is an estimator, which needs the evaluation set as a frame; pass a pandas frame as data"
        )
    fitted: Sequence[str] = getattr(model, "feature_names_in_", [c for c in columns if c not in {data.label, data.key}])
    if missing := [column for column in fitted if column not in columns]:
        raise InputError(f"{name} was fitted on columns that the evaluation set does not have: {', '.join(missing)}")
    features = data.given[list(fitted)]
    if data.task != "binary" or not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(features))
    return np.asarray(model.predict_proba(features))[:, _positive_column(model, data, name)]


def _positive_column(model: Any, data: EvaluationTable, name: str) -> int:  # noqa: ANN401 (any estimator)
    classes = list(model.classes_)
    positive = 1 if data.positive is None else data.positive
    if positive not in classes:
        raise InputError(
            f"{name} has the classes {classes}; name the positive one: compare(…, positive={classes[-1]!r})"
        )
    return classes.index(positive)
