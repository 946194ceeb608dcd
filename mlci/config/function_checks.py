"""Checks of what functions of rows are given: ``on`` and ``params`` of gates and of ``evaluation.metrics``."""

from collections.abc import Iterator

from mlci.config.context import FUNCTION, Context
from mlci.config.models import Gate, Reported
from mlci.errors import Problem
from mlci.metrics.info import MetricInfo

WITH_PARAMETERS = frozenset({"cohen_kappa_score", "mean_pinball_loss"})
"""Metrics of the catalogue that scikit-learn evaluates where ``params`` is set."""
_NEEDED = {"fbeta_score": ("beta", "2")}
_MULTICLASS_AVERAGE = frozenset({"fbeta_score"})


def functions(context: Context) -> Iterator[Problem]:
    """Check every entry that names a metric, and that all entries of one function agree."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for item, here, where in _entries(context):
        for key, words in _words(context, item):
            yield context.loaded.problem(f"`{here}{key and f'.{key}'}` {words}", *where, *([key] if key else ()))
        if item.on is None:
            continue
        same = (context.catalogue.canonical(item.metric), repr(sorted((item.params or {}).items())))
        first = seen.setdefault(same, (item.on, here))
        if first[0] != item.on:
            words = f"`{here}.on` is `{item.on}`, but `{first[1]}` evaluates the same function on {first[0]}; keep one"
            yield context.loaded.problem(words, *where, "on")


def _entries(context: Context) -> Iterator[tuple[Gate | Reported, str, tuple[str | int, ...]]]:
    for index, gate in enumerate(context.config.gates):
        yield gate, f"gates[{index}]", ("gates", index)
    evaluation = context.config.evaluation
    for index, item in enumerate((evaluation.reported if evaluation else None) or ()):
        yield item, f"evaluation.metrics[{index}]", ("evaluation", "metrics", index)


def _words(context: Context, item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an entry, by key."""
    given = [key for key in ("on", "params") if getattr(item, key) is not None]
    if context.totals:
        yield from ((key, "means nothing with `predict.metrics`, which has no rows; remove it") for key in given)
        return
    known = context.catalogue.find(item.metric)
    name = context.catalogue.canonical(item.metric)
    own = isinstance(known, MetricInfo) and not (name in WITH_PARAMETERS and item.params)
    if own:
        words = f"is for functions of yours or of scikit-learn; `{item.metric}` is mlci's own, remove it"
        yield from ((key, words) for key in given)
    elif item.on is not None:
        yield from (("on", words) for words in _on(context, item.on))
    if not own and not FUNCTION.fullmatch(item.metric):
        yield from _lacking(context, name, item)


def _on(context: Context, on: str) -> Iterator[str]:
    config = context.config
    if config.task == "regression":
        yield "is for classes; a regression has one predicted value, remove it"
    elif on == "scores" and config.predict.score is None and config.predict.model is None:
        yield "needs scores; name their column in `predict.score`"


def _lacking(context: Context, name: str, item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield the parameters that a function of scikit-learn can't be called without."""
    params = item.params or {}
    if name in _NEEDED and _NEEDED[name][0] not in params:
        key, example = _NEEDED[name]
        yield "", f"names `{item.metric}`, which needs a parameter; add `params: {{{key}: {example}}}`"
    elif name in _MULTICLASS_AVERAGE and context.config.task == "multiclass" and "average" not in params:
        yield "params", f"lacks `average`, which `{item.metric}` needs for more than two classes, e.g. `average: macro`"
