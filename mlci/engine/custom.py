"""Metrics that mlci does not derive: any of scikit-learn's by name, and the user's own by ``module:function``."""

import contextlib
import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from mlci.engine.interface import RowMetric
from mlci.errors import InputError

_SCORE_PARAMETERS = {"y_score", "y_prob", "y_proba", "score", "scores", "pred_decision"}
_HINT = "write one of `mlci metrics`, a function of sklearn.metrics, a scikit-learn scorer, or `module:function`"


def row_metric(folder: Path) -> Callable[[str, str], RowMetric]:
    """Return a finder of metrics whose own modules lie in ``folder``.

    The finder raises :class:`mlci.errors.InputError` for what can't be found or imported.
    """

    def find(name: str, task: str) -> RowMetric:
        function = _own(name, folder) if ":" in name else _scikit_learns(name)
        return RowMetric(name=name, function=function, on=_on(function, task))

    return find


def _own(name: str, folder: Path) -> Callable[..., float]:
    module, _, attribute = name.partition(":")
    folder = folder.resolve()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # a script without a guard around its main ends with sys.exit(0)
        why = f"{type(error).__name__}: {error}"
        raise InputError(f"metric {name!r} can't be imported from {folder}: {why}") from error
    return _aside(_callable(name, found))


def _aside(function: Callable[..., float]) -> Callable[..., float]:
    """Keep what a function prints out of standard output, which is the report's."""

    @functools.wraps(function)
    def call(*given: Any) -> float:  # noqa: ANN401 (arrays)
        with contextlib.redirect_stdout(sys.stderr):
            return function(*given)

    return call


def _scikit_learns(name: str) -> Callable[..., float]:
    """Return a function of ``sklearn.metrics``, or what a scorer of that name computes, with its sign."""
    try:
        from sklearn import metrics  # noqa: PLC0415 (seconds, and only for such a metric)
    except ImportError as error:
        hint = "install scikit-learn beside mlci: pip install 'mlci[metrics]'"
        raise InputError(
            f"metric {name!r} is not one of mlci's own, and scikit-learn is not installed; {hint}"
        ) from error
    if (found := getattr(metrics, name, None)) is not None and name.islower():
        return _callable(name, found)
    if name in metrics.get_scorer_names():
        return _scorer(metrics.get_scorer(name))
    raise InputError(f"metric {name!r} is not known; {_HINT}")


def _scorer(scorer: Any) -> Callable[..., float]:  # noqa: ANN401 (scikit-learn's own type is private)
    function, sign, options = scorer._score_func, scorer._sign, scorer._kwargs  # noqa: SLF001 (no public way)
    needs_score = scorer._response_method != "predict"  # noqa: SLF001 (as above)

    def value(y_true: Any, y_score: Any) -> float:  # noqa: ANN401 (arrays)
        return float(sign * function(y_true, y_score, **options))

    def decided(y_true: Any, y_pred: Any) -> float:  # noqa: ANN401 (arrays)
        return float(sign * function(y_true, y_pred, **options))

    return value if needs_score else decided


def _callable(name: str, found: object) -> Callable[..., float]:
    if not callable(found):
        raise InputError(f"metric {name!r} is no function; it has to take (labels, predictions) and return a number")
    return found


def _on(function: Callable[..., float], task: str) -> Literal["score", "decision"]:
    """Say what a function wants: its parameters' names tell scores from decisions, as in scikit-learn."""
    if task == "regression":
        return "score"
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return "decision"
    return "score" if _SCORE_PARAMETERS & set(names[:2]) else "decision"
