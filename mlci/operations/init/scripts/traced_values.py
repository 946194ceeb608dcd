"""Traced values: what a script's expressions hold, as far as its syntax tree shows.

Nothing of the script is run. A value that the tree does not show has the kind ``unknown``.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from mlci.operations.init.scripts.constants import constant_of, is_arguments
from mlci.operations.init.scripts.losses import made_loss
from mlci.operations.init.scripts.values import UNKNOWN, Names, Part, TracedValue, ValueKind, called_name, variable_of

READERS = {"read_csv", "read_parquet", "read_excel", "read_json", "read_table", "read_feather", "read_pickle"}
_KEPT_ROWS = {
    "dropna", "fillna", "copy", "sample", "reset_index", "astype", "drop_duplicates", "sort_values", "query", "replace",
    "infer_objects", "convert_dtypes", "interpolate", "clip", "round", "squeeze", "head", "sort_index", "set_index",
}  # fmt: skip
_TO_ARRAY = {"to_numpy", "ravel", "reshape", "flatten", "tolist", "numpy", "detach", "cpu"}
_ATTRIBUTES = {"shape", "columns", "index", "dtypes", "T", "size", "plot", "str", "dt", "loc", "iloc", "values"}
_TEST = re.compile(
    r"(^|_)(x|y|features|labels?|targets?)?_?(test|tst|te|val|valid|validation|holdout|hold_out|eval)(_|$|loader|set|data)",
    re.IGNORECASE,
)
_TRAIN = re.compile(r"(^|_)(train|trn|tr)(_|$|ing|loader|set|data)", re.IGNORECASE)
_LABEL = re.compile(r"(^|_)(y|labels?|targets?|true|truth|actual)(_|$)", re.IGNORECASE)


def by_name(name: str) -> TracedValue:
    """Return what a variable's name alone suggests: ``y_test`` is the label of a test part."""
    short = name.removeprefix("self.")
    part: Part | None = "test" if _TEST.search(short) else "train" if _TRAIN.search(short) else None
    return TracedValue(kind="unknown", part=part)


def is_label_name(name: str) -> bool:
    """Return whether a variable's name is that of labels, such as ``y_test`` or ``test_labels``."""
    return _LABEL.search(name.removeprefix("self.")) is not None


def trace(node: ast.AST | None, names: Names) -> TracedValue:
    """Return what an expression holds, given what the variables hold."""
    name = None if node is None else variable_of(node)
    if node is None or name is not None:
        return names.get(name or "") or by_name(name or "")
    constant = constant_of(node, names)
    if constant is not None:
        return TracedValue(kind="constant", constant=constant)
    if isinstance(node, ast.Call):
        return TracedValue(kind="arguments") if is_arguments(node, names) else _trace_call(node, names)
    if isinstance(node, ast.Compare) and (compared := _trace_compare(node, names)) is not None:
        return compared
    if isinstance(node, ast.Subscript | ast.Attribute):
        return _trace_subscript(node, names) if isinstance(node, ast.Subscript) else _trace_attribute(node, names)
    return _derived([child for child in ast.walk(node) if variable_of(child)], names)


def _trace_compare(node: ast.Compare, names: Names) -> TracedValue | None:
    """Return the series that `column == value` makes, or decisions by a threshold; ``None`` for others."""
    column, value = trace(node.left, names), constant_of(node.comparators[0], names)
    if column.kind in {"predictions", "probabilities"}:
        return replace(column, kind="predictions", column=None, source=None)
    if column.kind != "series" or value is None or isinstance(value, list) or not isinstance(node.ops[0], ast.Eq):
        return None
    return replace(column, encoded=True, equals=str(value))


def _derived(nodes: list[ast.AST], names: Names) -> TracedValue:
    """Return what is left of the operands of an expression that is not followed: part, file and predictions."""
    operands = [trace(node, names) for node in nodes]
    for kind in ("predictions", "probabilities"):
        if found := next((value for value in operands if value.kind == kind), None):
            return replace(found, kind="predictions", source=None)
    found = next((value for value in operands if value.part or value.path or value.column is not None), None)
    return UNKNOWN if found is None else replace(found, kind="unknown", encoded=True, intact=False)


def _trace_attribute(node: ast.Attribute, names: Names) -> TracedValue:
    inner = trace(node.value, names)
    if node.attr == "values":
        return replace(inner, kind="array")
    if inner.kind == "frame" and node.attr not in _ATTRIBUTES:
        return _column(inner, node.attr, node.value)
    if node.attr in {"data", "target", "frame"} and inner.kind == "unknown" and inner.path:
        kind: ValueKind = "frame" if node.attr == "frame" else "array"
        return replace(inner, kind=kind, column="target" if node.attr == "target" else None)
    return replace(inner, kind="unknown")


def _trace_subscript(node: ast.Subscript, names: Names) -> TracedValue:
    accessor = node.value.attr if isinstance(node.value, ast.Attribute) else ""
    if accessor in {"loc", "iloc"} and isinstance(node.value, ast.Attribute):
        return _trace_located(node, node.value.value, names)
    inner = trace(node.value, names)
    if inner.kind == "probabilities":
        return replace(inner, kind="predictions", column="score")
    if inner.kind != "frame":
        return inner if inner.kind in {"series", "array"} else replace(inner, kind="unknown")
    chosen = constant_of(node.slice, names)
    if isinstance(chosen, str):
        return _column(inner, chosen, node.value)
    if isinstance(chosen, list) and len(chosen) == 1 and isinstance(chosen[0], str):
        return replace(_column(inner, chosen[0], node.value), kind="frame")
    return replace(inner, frame=variable_of(node.value) or inner.frame)


def _trace_located(node: ast.Subscript, base: ast.expr, names: Names) -> TracedValue:
    inner = trace(base, names)
    if inner.kind != "frame":
        return inner
    wanted = node.slice.elts[1] if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) > 1 else None
    column = constant_of(wanted, names)
    if isinstance(column, str | int):
        return _column(inner, column, base)
    return replace(inner, frame=variable_of(base) or inner.frame)


def _column(frame: TracedValue, column: str | int, node: ast.expr) -> TracedValue:
    home = variable_of(node) or frame.frame
    return replace(frame, kind="series", column=column, frame=home, encoded=column in frame.changed)


def _trace_call(node: ast.Call, names: Names) -> TracedValue:
    name = called_name(node)
    found = _trace_read(name, node, names) or _trace_method(name, node, names)
    if found is not None:
        return found
    if name in {"array", "asarray", "ravel", "column_or_1d"} and node.args:
        return replace(trace(node.args[0], names), kind="array")
    if (loss := made_loss(node)) is not None and not node.args:
        return loss
    if (estimator := estimator_of(node, names)) is not None:
        return TracedValue(kind="model", estimator=estimator, line=node.lineno)
    operands: list[ast.AST] = [*node.args, *(keyword.value for keyword in node.keywords)]
    if isinstance(node.func, ast.Attribute):
        operands.append(node.func.value)
    return _derived([operand for operand in operands if not isinstance(operand, ast.Lambda)], names)


def _trace_read(name: str, node: ast.Call, names: Names) -> TracedValue | None:
    """Return what a reader of pandas, or a data set of scikit-learn, returns; ``None`` for any other call."""
    if name in READERS:
        path = constant_of(node.args[0] if node.args else None, names)
        return TracedValue(kind="frame", path=path if isinstance(path, str) else None, line=node.lineno)
    if name in _SAMPLES:
        return TracedValue(kind="unknown", path=f"sklearn:{name}", line=node.lineno)
    if name == "get_dummies" and node.args:
        return replace(trace(node.args[0], names), intact=False)
    return None


def _trace_method(name: str, node: ast.Call, names: Names) -> TracedValue | None:
    """Return what a method of a known object returns; ``None`` if it is not known."""
    if not isinstance(node.func, ast.Attribute):
        return None
    receiver = trace(node.func.value, names)
    handler = _METHODS.get(name)
    found = handler(node, receiver, names) if handler is not None else None
    if found is None and receiver.kind == "model":
        return _trace_model_call(node, receiver, variable_of(node.func.value), names)
    return found


_SAMPLES: dict[str, Literal["binary", "multiclass", "regression"]] = {
    "load_breast_cancer": "binary", "load_iris": "multiclass", "load_wine": "multiclass", "load_digits": "multiclass",
    "load_diabetes": "regression", "fetch_california_housing": "regression", "make_regression": "regression",
}  # fmt: skip
"""Data sets that scikit-learn ships or makes, and their tasks."""


SAMPLE_ROWS = {
    "sklearn:load_breast_cancer": 569, "sklearn:load_iris": 150, "sklearn:load_wine": 178, "sklearn:load_digits": 1797,
    "sklearn:load_diabetes": 442, "sklearn:fetch_california_housing": 20640,
}  # fmt: skip
"""Rows of data sets that scikit-learn ships."""


def sample_task(path: str | None) -> Literal["binary", "multiclass", "regression"] | None:
    """Return the task of a data set that scikit-learn ships; ``None`` for any other path."""
    return _SAMPLES.get((path or "").removeprefix("sklearn:"))


def _drop(node: ast.Call, receiver: TracedValue, names: Names) -> TracedValue | None:
    if receiver.kind != "frame":
        return None
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    by_columns = "columns" in keywords or constant_of(keywords.get("axis"), names) in {1, "columns"}
    by_columns = by_columns or (len(node.args) > 1 and constant_of(node.args[1], names) in {1, "columns"})
    home = variable_of(node.func.value) if isinstance(node.func, ast.Attribute) else None
    if not by_columns:
        return replace(receiver, frame=home or receiver.frame)
    first = node.args[0] if node.args else None
    dropped = constant_of(keywords.get("columns") or keywords.get("labels") or first, names)
    listed = dropped if isinstance(dropped, list) else [dropped]
    known = frozenset(name for name in listed if isinstance(name, str))
    intact = receiver.intact and len(known) == len(listed)
    return replace(receiver, removed=receiver.removed | known, intact=intact, frame=home or receiver.frame)


def _keep_rows(node: ast.Call, receiver: TracedValue, names: Names) -> TracedValue | None:  # noqa: ARG001 (one table of handlers)
    if receiver.kind not in {"frame", "series"}:
        return None
    replaced = called_name(node) in {"reset_index", "set_index"}
    return replace(receiver, reindexed=receiver.reindexed + replaced)


def _to_array(node: ast.Call, receiver: TracedValue, names: Names) -> TracedValue | None:  # noqa: ARG001 (one table of handlers)
    if receiver.kind in {"predictions", "probabilities"}:
        return receiver
    return replace(receiver, kind="array")


def _pop(node: ast.Call, receiver: TracedValue, names: Names) -> TracedValue | None:
    column = constant_of(node.args[0] if node.args else None, names)
    if receiver.kind != "frame" or not isinstance(column, str) or not isinstance(node.func, ast.Attribute):
        return None
    return replace(_column(receiver, column, node.func.value), frame=None)


def _transform(node: ast.Call, receiver: TracedValue, names: Names) -> TracedValue | None:  # noqa: ARG001 (one table of handlers)
    if not node.args:
        return None
    return replace(trace(node.args[0], names), kind="array", encoded=True, intact=False)


def _map(node: ast.Call, receiver: TracedValue, names: Names) -> TracedValue | None:  # noqa: ARG001 (one table of handlers)
    return replace(receiver, encoded=True) if receiver.kind == "series" else None


_Handler = Callable[[ast.Call, TracedValue, Names], TracedValue | None]
_METHODS: dict[str, _Handler] = {
    "drop": _drop,
    "pop": _pop,
    **dict.fromkeys(_KEPT_ROWS, _keep_rows),
    **dict.fromkeys(_TO_ARRAY, _to_array),
    **dict.fromkeys(("fit_transform", "transform"), _transform),
    **dict.fromkeys(("map", "apply", "replace"), _map),
}


def _trace_model_call(node: ast.Call, model: TracedValue, variable: str | None, names: Names) -> TracedValue:
    name = called_name(node)
    if name in {"predict", "predict_proba", "decision_function"} and node.args:
        features = node.args[0]
        traced = trace(features, names)
        kind: ValueKind = "probabilities" if name == "predict_proba" else "predictions"
        return TracedValue(
            kind=kind,
            part=traced.part,
            source=ast.unparse(features),
            model=variable,
            estimator=model.estimator,
            column="score" if name == "decision_function" else None,
            line=node.lineno,
        )
    return model if name in {"fit", "set_params", "to"} else UNKNOWN


_ESTIMATOR = re.compile(
    r"(Classifier|Regressor|Regression|RegressionCV|SVC|SVR|NB|Ridge|RidgeCV|Lasso|LassoCV|ElasticNet|ElasticNetCV"
    r"|DiscriminantAnalysis|Perceptron|CatBoost|RidgeClassifierCV|LogisticRegressionCV)$"
)
_WRAPPERS = {"GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "CalibratedClassifierCV", "make_pipeline"}
_NETWORKS = {"Sequential", "Model"}
_BOOSTERS = {"xgb": "xgboost.Booster", "xgboost": "xgboost.Booster", "lgb": "lightgbm.Booster",
             "lightgbm": "lightgbm.Booster"}  # fmt: skip


def estimator_of(node: ast.AST, names: Names) -> str | None:
    """Return the class of the model that an expression makes; that of the last step for a pipeline."""
    if not isinstance(node, ast.Call):
        return (names.get(variable_of(node) or "") or UNKNOWN).estimator
    name = called_name(node)
    if name in {"fit", "set_params"} and isinstance(node.func, ast.Attribute):
        return estimator_of(node.func.value, names)
    if name == "Pipeline":
        return _last_step(node, names)
    if name in _WRAPPERS and node.args:
        return estimator_of(node.args[-1 if name == "make_pipeline" else 0], names) or name
    home = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    known = _BOOSTERS.get(home) if name == "train" else f"keras.{name}" if name in _NETWORKS else None
    return known or (name if _ESTIMATOR.search(name) else None)


def _last_step(node: ast.Call, names: Names) -> str:
    """Return the class of the last step of ``Pipeline([…])``."""
    steps = node.args[0] if node.args else next((item.value for item in node.keywords if item.arg == "steps"), None)
    last = steps.elts[-1] if isinstance(steps, ast.List | ast.Tuple) and steps.elts else None
    return (estimator_of(last.elts[-1], names) if isinstance(last, ast.Tuple) else None) or "Pipeline"
