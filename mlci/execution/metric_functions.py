"""Functions of custom metrics: found by their names, with the predictions and weights that they take.

The user's modules are imported here, in the process of :mod:`mlci.execution.metric_process`.
"""

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlci.errors import InputError
from mlci.metrics import score_functions
from mlci.metrics.external import KAPPA
from mlci.metrics.resampling import MOST_CLASSES
from mlci.metrics.row_metrics import Array, Method, On, RowMetric, is_reversed, predictions_by_name

Function = Callable[..., float]
NOT_SMOOTH = frozenset({"max_error", "median_absolute_error", "recall_at_fpr", "specificity_at_sensitivity"})
"""Functions whose error the jackknife does not estimate (Efron 1979, Ann. Stat. 7:1)."""
_ON_PROBABILITIES = frozenset({"d2_log_loss_score", "log_loss"})
"""Functions of scikit-learn that name probabilities ``y_pred``."""


@dataclass(frozen=True)
class MetricFunction:
    """A function with the predictions that it gets.

    Attributes:
        function: Takes labels and predictions.
        on: The predictions that it gets.
        parameter: Name of its second parameter; ``None`` if it has none.
        guessed: Whether neither the configuration nor the parameter's name decides which predictions it gets.
        weighted: Whether it takes ``sample_weight``.
        smooth: Whether the jackknife may estimate its error.
    """

    function: Function
    on: On
    parameter: str | None = None
    guessed: bool = False
    weighted: bool = False
    smooth: bool = True


def find_function(metric: RowMetric, *, task: str, classes: int) -> MetricFunction:
    """Return the function of a metric.

    Raises:
        InputError: if the function does not exist, can't be imported, or takes predictions before labels.
    """
    own = ":" in metric.function
    on: On | None
    if own:
        function = _import_custom(metric.function)
        names = _parameters(function)
        if is_reversed(names):
            raise InputError(
                f"metric `{metric.function}` takes ({names[0]}, {names[1]}), and mlci calls function(labels, "
                "predictions); swap the two parameters"
            )
        on = predictions_by_name(names)
    else:
        given = score_functions.FUNCTIONS.get(metric.function)
        function, on = (given, "score") if given is not None else scikit_learns(metric.function, classes)
        names = _parameters(function)
    chosen: On = "score" if task == "regression" else metric.on or on or "decision"
    guessed = own and task != "regression" and metric.on is None and on is None
    bound = functools.partial(function, **metric.params) if metric.params else function
    return MetricFunction(
        bound,
        chosen,
        names[1] if len(names) > 1 else None,
        guessed,
        weighted=_takes_weights(function) and "sample_weight" not in metric.params,
        smooth=own or _name_of(function) not in NOT_SMOOTH,
    )


def choose_method(metric: RowMetric, function: MetricFunction, *, task: str, classes: int) -> Method:
    """Return how a metric is resampled: as the configuration says, else by the function's signature.

    A function that takes ``sample_weight`` is a function of weighted sums, and smooth. Its error is the jackknife's:
    over cells for decisions, over groups of rows for scores. Medians and extremes are not smooth.
    """
    if metric.resampling == "bootstrap" or (metric.resampling is None and not (function.weighted and function.smooth)):
        return "row bootstrap"
    by_cells = function.weighted and function.on == "decision" and task != "regression" and classes <= MOST_CLASSES
    return "cell jackknife" if by_cells else "group jackknife"


def _takes_weights(function: Function) -> bool:
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _name_of(function: Function) -> str:
    return str(getattr(inspect.unwrap(function), "__name__", ""))


def _import_custom(written: str) -> Function:
    module, _, attribute = written.partition(":")
    try:
        member: object = importlib.import_module(module)
        for part in attribute.split("."):
            member = getattr(member, part)
    except (Exception, SystemExit) as error:  # a script without a `__main__` guard may call sys.exit(0)
        raise InputError(f"metric {written!r} can't be imported: {type(error).__name__}: {error}") from error
    return _callable(written, member)


def scikit_learns(name: str, classes: int) -> tuple[Function, On]:
    """Return a function of ``sklearn.metrics``, or the function and sign of a scorer, and the predictions that it gets.

    Raises:
        InputError: if scikit-learn is not installed or has no such metric.
    """
    try:
        from sklearn import metrics  # noqa: PLC0415 (seconds, and only for such a metric)
    except ImportError as error:
        raise InputError(
            f"metric `{name}` is one of scikit-learn's, which is not installed: pip install 'mlci[metrics]'"
        ) from error
    if name in KAPPA:
        labels = list(range(classes))
        return functools.partial(metrics.cohen_kappa_score, weights=KAPPA[name], labels=labels), "decision"
    if (attribute := getattr(metrics, name, None)) is not None and name.islower():
        function = _callable(name, attribute)
        named = "score" if name in _ON_PROBABILITIES else predictions_by_name(_parameters(function))
        return function, named or "decision"
    if name in metrics.get_scorer_names():
        return _from_scorer(metrics.get_scorer(name))
    raise InputError(f"metric `{name}` is not in the installed version of scikit-learn")


def _from_scorer(scorer: Any) -> tuple[Function, On]:  # noqa: ANN401 (scikit-learn's own type is private)
    function, sign, options = scorer._score_func, scorer._sign, scorer._kwargs  # noqa: SLF001 (no public way)

    @functools.wraps(function)
    def signed(labels: Any, predictions: Any, **params: Any) -> float:  # noqa: ANN401 (arrays)
        return float(sign * function(labels, predictions, **{**options, **params}))

    return signed, "decision" if scorer._response_method == "predict" else "score"  # noqa: SLF001 (as above)


def _callable(name: str, member: object) -> Function:
    if not callable(member):
        raise InputError(f"metric `{name}` is not a function; it has to take (labels, predictions) and return a number")
    return member


def _parameters(function: Function) -> list[str]:
    try:
        return [name for name, item in inspect.signature(function).parameters.items() if item.kind in _BY_POSITION]
    except (TypeError, ValueError):
        return []


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def as_written(codes: Array, classes: Array | None, task: str) -> Array:
    """Return the class values of codes: the codes as integers without values, a regression's numbers unchanged."""
    if classes is not None:
        return classes[codes]
    return codes if task == "regression" else codes.astype("int64")
