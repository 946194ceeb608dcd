"""Checks of ``task: ranking``: keys that a ranking needs, and keys that have no effect or no support there."""

from collections.abc import Iterator
from typing import Any

from mlci.config.loader import LoadedConfig
from mlci.config.models import Evaluation, Gate, Reported
from mlci.errors import Problem
from mlci.metrics.rankings.names import parse_ranking_metric

_QUERY = "`task: ranking` ranks the documents of each query; name the column with the query: `query: query_id`"
_SECTIONS = {
    "tests": "get decisions for rows, and a ranking has scores of documents",
    "monitor": "compares rows with their labels, and does not rank the documents of queries",
    "probe": "counts evaluations on sealed labels, which `task: ranking` does not support",
    "engine": "does not evaluate `task: ranking`, which needs all documents of a query in one place",
}


def check_ranking(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check a configuration with ``task: ranking``, and that no other one names a query."""
    config, evaluation = loaded.config, loaded.config.evaluation
    if config.task != "ranking":
        if evaluation is not None and evaluation.query is not None:
            message = f"`evaluation.query` is for `task: ranking`, and this task is {config.task}; remove it"
            yield loaded.problem(message, "evaluation", "query")
        return
    if config.predict.metrics is not None:
        return
    if evaluation is not None:
        yield from _check_evaluation(loaded, evaluation)
    if config.predict.model is not None:
        message = "`predict.model` has no scores of documents; write them with `predict.run`, or name them by `file`"
        yield loaded.problem(message, "predict", "model")
    for section, why in _SECTIONS.items():
        if getattr(config, section) is not None:
            yield loaded.problem(f"`{section}` {why}; remove it", section)
    if config.report.rows:
        message = "`report.rows` lists rows by their loss, and a ranking has values of queries; remove it"
        yield loaded.problem(message, "report", "rows")


def _check_evaluation(loaded: LoadedConfig, evaluation: Evaluation) -> Iterator[Problem]:
    if evaluation.query is None:
        yield loaded.problem(_QUERY, "evaluation")
        return
    for key in ("label", "key"):
        if getattr(evaluation, key) == evaluation.query:
            message = f"`evaluation.query` and `{key}` are the same column, `{evaluation.query}`"
            yield loaded.problem(message, "evaluation", "query")
    if evaluation.searched is not None:
        key = "slices" if evaluation.slice_search is None else "slice_search"
        message = (
            f"`evaluation.{key}` searches rows by their loss, and a ranking has values of queries; name the slices"
        )
        yield loaded.problem(message, "evaluation", key)
    for key in ("cluster", "weight"):
        if getattr(evaluation, key) is not None:
            message = f"`evaluation.{key}` is for rows, and a ranking has one value of each query; remove it"
            yield loaded.problem(message, "evaluation", key)
    if evaluation.labels is not None and evaluation.labels.endswith(".sealed"):
        message = "`task: ranking` does not support sealed labels; name them in plain text, or leave them in `data`"
        yield loaded.problem(message, "evaluation", "labels")


def ranking_faults(item: Gate | Reported) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the cutoff and the gain of a ranking metric, by key."""
    for key in ("on", "method"):
        if getattr(item, key) is not None:
            yield key, f"is for custom and scikit-learn functions; `{item.metric}` is built in, remove it"
    params: dict[str, Any] = dict(item.params or {})
    k, gain = params.pop("k", params.pop("top_k", None)), params.pop("gain", None)
    named = parse_ranking_metric(item.metric)
    if params or isinstance(k, bool) or not (k is None or (isinstance(k, int) and k >= 1)):
        yield "params", f"of `{item.metric}` is a whole number of at least 1, as `params: {{k: 10}}`"
    elif gain is not None and (gain not in {"linear", "exponential"} or named is None or named.measure != "ndcg"):
        yield "params", "has a `gain` for `ndcg` only, which is `linear` or `exponential`"
    elif named is not None and named.k is not None and k is not None:
        yield "params", f"has `k`, and so has the name `{item.metric}`; keep one"
    elif named is not None and named.lacks_cutoff and k is None:
        yield "", f"names `{item.metric}`, which needs a cutoff; write `{named.measure}@10`"
