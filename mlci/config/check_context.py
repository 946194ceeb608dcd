"""Context of configuration checks: the configuration with its lines, and the metric catalogue."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from mlci.config import models
from mlci.config.loader import LoadedConfig
from mlci.config.messages import nearest_word
from mlci.config.models import Config
from mlci.config.types import clip_text
from mlci.errors import Problem
from mlci.metrics.catalogue import Direction, MetricInfo, for_task
from mlci.metrics.external import LACKING, TASKS, SklearnMetric, guess_direction, sklearn_metric

FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")

AVERAGE = re.compile(r"_(macro|micro|weighted)$")


class Metrics(Protocol):
    """The part of the metric catalogue that checks need; :mod:`mlci.metrics.catalogue` is one."""

    def find(self, name: str) -> MetricInfo | None:
        """Return the entry of a metric; ``None`` if the catalogue has none."""

    def names(self) -> list[str]:
        """Return every name that a configuration can use."""

    def canonical(self, name: str) -> str:
        """Return the catalogue's name of an alias."""

    def find_disparity(self, name: str) -> Any:  # noqa: ANN401 - an object with ``bases``, or None
        """Return the base metrics of a disparity; ``None`` for other metrics."""


@dataclass(frozen=True)
class CheckContext:
    """The configuration and the catalogue that every check reads."""

    loaded: LoadedConfig
    catalogue: Metrics

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.loaded.config

    @property
    def totals(self) -> bool:
        """Whether the only values are totals of a metrics file, whose names and ranges are the user's."""
        return self.config.predict.metrics is not None

    @cached_property
    def slices(self) -> list[str]:
        """Names of the slices."""
        return models.slice_names(self.config.evaluation.slices) if self.config.evaluation else []

    def find(self, name: str) -> MetricInfo | SklearnMetric | None:
        """Return a metric's direction and tasks, from the catalogue, scikit-learn's names or a custom metric."""
        if self.totals:
            return self._find_total(name)
        if FUNCTION.fullmatch(name):
            return SklearnMetric(None, "none")
        return self._find_known(name)

    def _find_known(self, name: str) -> MetricInfo | SklearnMetric | None:
        if (info := self.catalogue.find(name)) is not None:
            return for_task(info, self.config.task)
        return sklearn_metric(name) or sklearn_metric(self.catalogue.canonical(name))

    def _find_total(self, name: str) -> MetricInfo | SklearnMetric:
        """Return the direction that a total's name implies; without one, limits in both directions are allowed."""
        info = self._find_known(name) or self._find_known(name.rpartition(".")[2])
        return info or SklearnMetric(None, guess_direction(name, self._direction))

    def _direction(self, name: str) -> Direction | None:
        info = self._find_known(name)
        return info.direction if info else None


def metric_known(context: CheckContext, name: str, *where: str | int) -> Iterator[Problem]:
    """Check that a metric exists and is defined for this task."""
    if context.totals:
        return
    info = context.find(name)
    if info is None:
        yield context.loaded.problem(_describe_unknown(context, name), *where)
    elif info.tasks is not None and context.config.task not in info.tasks:
        of = " and ".join(sorted(info.tasks))
        instead = _suggest_counterpart(context, name)
        message = f"`{name}` is a metric of {of} models, this one is {context.config.task}{instead}"
        yield context.loaded.problem(message, *where)


def _describe_unknown(context: CheckContext, name: str) -> str:
    if ":" in name:
        return f"`{clip_text(name)}` is neither a metric nor `module:function`"
    if name in LACKING:
        return f"`{name}` {LACKING[name]}"
    guess = nearest_word(name, [*context.catalogue.names(), *TASKS])
    return f"unknown metric `{clip_text(name)}`; " + (
        f"did you mean `{guess}`?"
        if guess
        else "`mlci metrics` lists all metrics; write a custom metric as `module:function`"
    )


def _suggest_counterpart(context: CheckContext, name: str) -> str:
    """Return the metric of the right task with the most similar name."""
    task = context.config.task
    every = context.catalogue.names()
    plain = [
        metric
        for metric in every
        if context.catalogue.canonical(metric) == metric and not context.catalogue.find_disparity(metric)
    ]
    fitting = [metric for metric in plain if (info := context.catalogue.find(metric)) and task in info.tasks]
    averaged = {f"{name}_macro", AVERAGE.sub("", name)}
    guess = next((metric for metric in fitting if metric in averaged), None) or nearest_word(name, fitting)
    return f"; did you mean `{guess}`?" if guess else ""
