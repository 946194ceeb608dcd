"""Serialization of evaluations as JSON, checked field by field when read.

An evaluation stores evidence, not rows: a few numbers for each metric and scope, with which every limit can be judged.
"""

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np

from mlci.errors import InputError, Problem
from mlci.inference.class_curves import ClassCurves
from mlci.inference.disparity.change import DisparityChange
from mlci.inference.disparity.disparity import LargestShift
from mlci.inference.disparity.simultaneous import GroupDistance, Simultaneous
from mlci.inference.evidence import Evidence, Point, Tie, Undefined
from mlci.inference.intervals.error_intervals import Hall, Logit, LogScale, Normal, Recorded, Sampled
from mlci.inference.intervals.gaffke import BoundedMean
from mlci.inference.intervals.label_sums import Label, Mover, PairedScore
from mlci.inference.intervals.score_intervals import F1, AucScore, MixingScore, Proportion, Tango
from mlci.inference.plots import CalibrationBin, Confusion, Curves, LabelMoves, ModelCurves, ResidualBin, Residuals
from mlci.inference.result import Agreement, BehaviourTest, Comparison, Disparity, EvaluationResult, GroupRate
from mlci.metrics.cost_budget import CostBudget
from mlci.metrics.row_changes import RowChange, RowChanges
from mlci.metrics.statistics import Scope
from mlci.metrics.worst_slices import WorstSlice, WorstSlices
from mlci.util.bounds import EVALUATION_BYTES
from mlci.util.json_text import Bounds, excess

SCHEMA = "mlci/evaluation/1"
MOST_BYTES = EVALUATION_BYTES.value
MOST = Bounds(depth=50, parts=3_000_000, values=12_000_000)
_LARGEST = 2**63
"""Limit of counts; every integer up to it is a float."""
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Undefined,
        Point,
        Tie,
        Recorded,
        Normal,
        Logit,
        Sampled,
        AucScore,
        MixingScore,
        BoundedMean,
        Hall,
        LogScale,
        Proportion,
        F1,
        Tango,
        Mover,
        Label,
        PairedScore,
        Simultaneous,
        DisparityChange,
        LargestShift,
        GroupDistance,
        Scope,
        Comparison,
        Disparity,
        GroupRate,
        Agreement,
        CalibrationBin,
        ModelCurves,
        Curves,
        ClassCurves,
        ResidualBin,
        Residuals,
        LabelMoves,
        Confusion,
        BehaviourTest,
        CostBudget,
        RowChange,
        RowChanges,
        WorstSlice,
        WorstSlices,
        EvaluationResult,
    )
}
_BOUNDS = frozenset({"low", "high", "most"})  # the only numbers that may be infinite; elsewhere "inf" is text
_ENDLESS = {"inf": math.inf, "-inf": -math.inf}


def dump_evaluation(result: EvaluationResult) -> str:
    """Return the evaluation as JSON; infinite bounds are written as text, NaN can't occur."""
    document = {"schema": SCHEMA, "evaluation": _to_plain(result)}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def parse_evaluation(text: str | bytes, *, path: str) -> EvaluationResult:
    """Read an evaluation back.

    Raises:
        InputError: if the text is not an evaluation of this version.
    """
    if len(text) > MOST_BYTES:
        raise InputError(Problem(f"larger than {MOST_BYTES:,} bytes; is it an evaluation.json?", path))
    try:
        text = text.decode() if isinstance(text, bytes) else text
        if (too_much := excess(text, MOST)) is not None:
            raise InputError(Problem(f"is {too_much}; is it an evaluation.json?", path))
        document = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique_keys)
        result = _build(document["evaluation"]) if document["schema"] == SCHEMA else None
        if isinstance(result, EvaluationResult):
            _probe(result)
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        hint = f"is not an evaluation of this version ({error}); `mlci evaluate` writes one"
        raise InputError(Problem(hint, path)) from error
    if not isinstance(result, EvaluationResult):
        raise InputError(Problem("is not an evaluation; `mlci evaluate` writes one", path))
    return result


def _to_plain(value: Any) -> Any:  # noqa: ANN401 (any part of an evaluation)
    if type(value) in _KINDS.values():
        return {
            "kind": type(value).__name__,
            **{one.name: _to_plain(getattr(value, one.name)) for one in fields(value)},
        }
    if isinstance(value, Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_to_plain(item) for item in value]
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _build(value: Any) -> Any:  # noqa: ANN401 (any part of an evaluation)
    if isinstance(value, list):
        return tuple(_build(item) for item in value)
    if not isinstance(value, dict):
        return value
    parts = {key: _build(item) for key, item in value.items() if key != "kind"}
    for key in _BOUNDS & parts.keys():
        parts[key] = _ENDLESS.get(parts[key], parts[key]) if isinstance(parts[key], str) else parts[key]
    kind = _KINDS.get(value.get("kind", ""))
    if kind is None:
        return parts
    hints = _hints(kind.__name__)
    wrong = next((name for name, part in parts.items() if name in hints and not _fits(part, hints[name])), None)
    if wrong is not None:
        raise ValueError(f"{kind.__name__} has a {wrong} of another type than it should have")
    return kind(**parts)


@cache
def _hints(kind: str) -> dict[str, Any]:
    return typing.get_type_hints(_KINDS[kind])


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401 (any annotation)
    """Return whether a value is of the declared type: fields have no others than these."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return any(_fits(value, part) for part in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, inner[0]) for item in value)
    if origin is np.ndarray:
        return isinstance(value, tuple) and all(_is_plain(item, float) for item in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(item, inner[1]) for item in value.values())
    return _is_plain(value, hint)


def _is_plain(value: object, hint: type[Any]) -> bool:
    if hint is Evidence:
        return is_dataclass(value) and hasattr(value, "interval")
    if issubclass(hint, StrEnum):
        return isinstance(value, str) and value in set(hint)
    if hint is float and isinstance(value, float):
        return True
    if hint in {float, int}:
        return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST
    return isinstance(value, hint)


def _probe(result: EvaluationResult) -> None:
    """Call the methods of all evidence that gates and reports call, so that invalid values fail here."""
    if not 0 < result.confidence < 1:
        raise ValueError("its confidence is not between 0 and 1")
    measured: tuple[Comparison | Disparity, ...] = (*result.comparisons, *result.disparities)
    for item in measured:
        for evidence in (item.candidate, item.baseline, item.change):
            if evidence is not None and evidence.value is not None:
                evidence.interval(result.confidence)
                evidence.scaled_variance()


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a key occurs twice")
    return unique


def _refuse(constant: str) -> typing.NoReturn:
    raise ValueError(f"{constant} is not a number")
