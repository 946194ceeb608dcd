"""Checks of a configuration's sections against each other and the metric catalogue, and the context of all checks."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from posixpath import normpath
from typing import Any, Protocol

from mlci.config import slices
from mlci.config.checks.ranking import check_ranking
from mlci.config.checks.scores import check_score_task, refuse_score_keys, score_direction
from mlci.config.lifecycle.monitor_checks import check_monitor
from mlci.config.lifecycle.reuse import LEAST_ALPHA
from mlci.config.loader import LoadedConfig
from mlci.config.messages import nearest_word
from mlci.config.models import Baseline, Config, Evaluation, Predict
from mlci.config.slices import SliceColumnConfig
from mlci.config.types import clip_text
from mlci.errors import Problem
from mlci.metrics.catalogue import for_task
from mlci.metrics.entries import Direction, MetricInfo
from mlci.metrics.external import LACKING, TASKS, SklearnMetric, guess_direction, sklearn_metric

FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")

AVERAGE = re.compile(r"_(macro|micro|weighted)$")
ROWS_ADD = "predictions (`run` or `file`) would add slices, fairness and intervals"


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

    @property
    def scored(self) -> bool:
        """Whether the values come from an evaluation log, whose scorers name the metrics."""
        return self.config.task == "scores"

    @cached_property
    def slices(self) -> list[str]:
        """Names of the slices."""
        return slices.slice_names(self.config.evaluation.slices) if self.config.evaluation else []

    def find(self, name: str) -> MetricInfo | SklearnMetric | None:
        """Return a metric's direction and tasks, from the catalogue, scikit-learn's names or a custom metric."""
        if self.scored:
            return SklearnMetric(None, score_direction(name))
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
    if context.totals or context.scored:
        return
    info = context.find(name)
    if context.config.task == "ranking" and FUNCTION.fullmatch(name):
        message = f"`{clip_text(name)}` is a function of rows, and a ranking has values of queries"
        yield context.loaded.problem(f"{message}; `mlci metrics --task ranking` lists its metrics", *where)
    elif info is None:
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


def check_sections(context: CheckContext) -> Iterator[Problem]:
    """Yield the problems of all sections but the gates."""
    if context.scored:
        yield from check_score_task(context.loaded)
    else:
        yield from _check_evaluation(context)
        yield from _check_reported(context)
        yield from _check_predict(context.loaded)
        yield from _check_columns(context.loaded)
        yield from refuse_score_keys(context.loaded)
    yield from _check_slices(context)
    yield from _check_baseline(context.loaded)
    yield from _check_tests(context)
    yield from _check_report(context.loaded)
    yield from _check_experiment(context.loaded)
    yield from check_monitor(context.loaded)
    yield from _check_cost(context.loaded)
    yield from _check_engine(context.loaded)
    yield from _check_reuse(context.loaded)
    yield from check_ranking(context.loaded)


def _check_cost(loaded: LoadedConfig) -> Iterator[Problem]:
    cost = loaded.config.cost
    if cost is not None and cost.budget_usd_per_month is not None and loaded.config.baseline != "production":
        message = "`cost.budget_usd_per_month` is compared with the registry's records; it needs `baseline: production`"
        yield loaded.problem(message, "cost", "budget_usd_per_month")


def _check_engine(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check that Spark finds tables where its rows are: nothing that a run writes on this machine."""
    config = loaded.config
    if config.engine is None:
        return
    here = "or remove `engine` to evaluate on this machine"
    if config.predict.file is None:
        message = "`engine: spark` reads predictions that executors can reach; write them there and name them by `file`"
        yield loaded.problem(f"{message}, {here}", "predict")
    if not (config.baseline == "none" or (isinstance(config.baseline, Baseline) and config.baseline.file)):
        message = "`engine: spark` compares with predictions that executors can reach: write `baseline: {file: …}` or"
        yield loaded.problem(f"{message} `baseline: none`, {here}", "baseline")
    if config.tests is not None:
        message = "`tests` get both models' predictions as files of this machine, which `engine: spark` does not have"
        yield loaded.problem(f"{message}; remove it, {here}", "tests")


def _check_evaluation(context: CheckContext) -> Iterator[Problem]:
    loaded, config, evaluation = context.loaded, context.config, context.config.evaluation
    if evaluation is None:
        if not context.totals:
            yield loaded.problem(
                "`evaluation` is missing: predictions need labelled rows to be judged on (`data` and `label`)",
                "evaluation",
            )
        return
    if context.totals:
        yield loaded.problem(f"`evaluation` is not read with `predict.metrics`; remove it, or {ROWS_ADD}", "evaluation")
    if evaluation.positive is not None and config.task != "binary":
        instead = " and list all labels in `classes`" if config.task == "multiclass" else ""
        yield loaded.problem(
            f"`evaluation.positive` is for binary models, this one is {config.task}; remove it{instead}",
            "evaluation",
            "positive",
        )
    if evaluation.classes is not None:
        yield from _check_classes(loaded)
    yield from _check_grouping(loaded, evaluation)
    yield from _check_labels(loaded, evaluation)


def _check_grouping(loaded: LoadedConfig, evaluation: Evaluation) -> Iterator[Problem]:
    """Check the columns of clusters and weights: they are not the label, and a cluster has several rows."""
    for setting in ("cluster", "weight"):
        if getattr(evaluation, setting) is not None and getattr(evaluation, setting) == evaluation.label:
            yield loaded.problem(f"`evaluation.{setting}` and `label` are the same column", "evaluation", setting)
    searched = evaluation.searched is not None
    for setting in ("cluster", "weight"):
        if searched and getattr(evaluation, setting) is not None:
            message = f"a search for slices takes rows as independent and of equal weight; remove it or `{setting}`"
            yield loaded.problem(message, "evaluation", "slice_search" if evaluation.slice_search else "slices")
    if evaluation.cluster is not None and evaluation.cluster == evaluation.key:
        message = "`evaluation.cluster` is the key, so that every row would be its own cluster; remove it"
        yield loaded.problem(message, "evaluation", "cluster")


def _check_labels(loaded: LoadedConfig, evaluation: Evaluation) -> Iterator[Problem]:
    if evaluation.labels is not None and evaluation.key is None:
        message = "`evaluation.labels` needs `key`: the column of both files that rows are joined by"
        yield loaded.problem(message, "evaluation", "labels")
    if evaluation.labels_table is not None and evaluation.labels is None:
        yield loaded.problem("`evaluation.labels_table` is for `labels`; remove it", "evaluation", "labels_table")
    if evaluation.key is not None and evaluation.key == evaluation.label:
        yield loaded.problem(
            f"`evaluation.key` and `label` are the same column, `{evaluation.key}`", "evaluation", "key"
        )


def _check_classes(loaded: LoadedConfig) -> Iterator[Problem]:
    config = loaded.config
    if config.task != "multiclass":
        instead = " and name the positive label in `positive`" if config.task == "binary" else ""
        yield loaded.problem(
            f"`evaluation.classes` is for multiclass models, this one is {config.task}; remove it{instead}",
            "evaluation",
            "classes",
        )
    classes = (config.evaluation.classes if config.evaluation else None) or ()
    # `1` and `"1"` are different labels because their types differ; 1 and 1.0 are one label.
    texts = Counter((isinstance(item, str), isinstance(item, bool), item) for item in classes)
    for (_, _, item), count in texts.items():
        if count > 1:
            yield loaded.problem(f"`evaluation.classes` lists `{item}` twice", "evaluation", "classes")


def _check_slices(context: CheckContext) -> Iterator[Problem]:
    evaluation = context.config.evaluation
    seen: dict[str, int] = {}
    for index, item in enumerate(evaluation.slices if evaluation else ()):
        here = f"`evaluation.slices[{index}]`"
        parts = [column.column for column in slices.slice_columns(item)]
        name = slices.slice_name(item)
        if name in seen:
            cut = " (a column can be cut in one way only)" if len(parts) == 1 else ""
            message = f"{here} is `{slices.slice_as_written(item)}` again, after `slices[{seen[name]}]`{cut}; keep one"
            yield context.loaded.problem(message, "evaluation", "slices", index)
        seen.setdefault(name, index)
        for column, count in Counter(parts).items():
            if count > 1:
                message = f"{here} crosses `{column}` with itself"
                yield context.loaded.problem(message, "evaluation", "slices", index)
        if evaluation and evaluation.key in parts:
            message = f"{here} slices by the key `{evaluation.key}`, so that every row would be its own group"
            yield context.loaded.problem(message, "evaluation", "slices", index)
        if isinstance(item, tuple) and any(
            isinstance(part, SliceColumnConfig) and part.reference is not None for part in item
        ):
            message = f"{here}: a column in a crossing takes no `reference`; set it on the column's own slice"
            yield context.loaded.problem(message, "evaluation", "slices", index)


def _check_reported(context: CheckContext) -> Iterator[Problem]:
    """Check ``evaluation.metrics``."""
    evaluation = context.config.evaluation
    seen: dict[tuple[str, str], int] = {}
    for index, item in enumerate((evaluation.reported if evaluation else None) or ()):
        name = item.metric
        where = ("evaluation", "metrics", index)
        yield from metric_known(context, name, *where)
        same = (context.catalogue.canonical(name), repr(sorted((item.params or {}).items())))
        if same in seen:
            again = f"`evaluation.metrics[{index}]` is `{name}` again, after `metrics[{seen[same]}]`"
            yield context.loaded.problem(again, *where)
        seen.setdefault(same, index)
        if evaluation and not evaluation.slices and context.catalogue.find_disparity(name):
            message = f"`{name}` is a disparity between groups, and `evaluation.slices` names none"
            yield context.loaded.problem(message, *where)


def _check_predict(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check that every key of ``predict`` applies to its source."""
    config, predict = loaded.config, loaded.config.predict
    written = predict.model_fields_set
    if predict.metrics is not None:
        for key in ("score", "decision", "probabilities", "threshold"):
            if key in written:
                message = f"`predict.{key}` has no effect with `predict.metrics`, which has no rows; remove it"
                yield loaded.problem(message, "predict", key)
    if "timeout" in written and predict.run is None and predict.model is None:
        yield loaded.problem("`predict.timeout` is for `predict.run`; nothing is run here", "predict", "timeout")
    if "trusted" in written and predict.model is None:
        yield loaded.problem("`predict.trusted` is for `predict.model`; no model is opened here", "predict", "trusted")
    if "threshold" in written and predict.metrics is None:
        if config.task != "binary":
            message = f"`predict.threshold` is for binary models, this one is {config.task}; remove it"
            yield loaded.problem(message, "predict", "threshold")
        elif predict.decision is not None:
            message = "`predict.threshold` is not used if `decision` names a column; keep one of them"
            yield loaded.problem(message, "predict", "threshold")
        elif predict.score is None and predict.model is None:
            yield loaded.problem("`predict.threshold` needs `predict.score`", "predict", "threshold")


def _check_columns(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check that predictions have the columns that the task needs."""
    config, predict = loaded.config, loaded.config.predict
    yield from _check_probabilities(loaded)
    if predict.table is not None and predict.file is None:
        yield loaded.problem("`predict.table` is for a `file` of predictions; remove it", "predict", "table")
    if predict.run is None and predict.file is None:
        return
    if predict.score is not None and predict.score == predict.decision:
        message = f"`predict.score` and `decision` are the same column, `{predict.score}`; keep one"
        yield loaded.problem(message, "predict", "decision")
    if config.evaluation is not None and (name := _label_as_prediction(config.evaluation, predict)):
        message = (
            f"`predict.{name}` is the label of the same file, `{config.evaluation.label}`; name the model's column"
        )
        yield loaded.problem(message, "predict", name)
    missing = _missing_column(config)
    if missing:
        yield loaded.problem(missing, "predict")


def _label_as_prediction(evaluation: Evaluation, predict: Predict) -> str | None:
    """Return the key of ``predict`` that names the labels themselves, which every gate would pass."""
    labelled = [normpath(path) for path in (evaluation.data, evaluation.labels) if path is not None]
    if predict.file is None or normpath(predict.file) not in labelled:
        return None
    return next((name for name in ("score", "decision") if getattr(predict, name) == evaluation.label), None)


def _check_probabilities(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check that a column for each class applies to the task, and that no two classes have one column."""
    config = loaded.config
    sections: list[tuple[str, Predict | Baseline]] = [("predict", config.predict)]
    sections += [] if isinstance(config.baseline, str) else [("baseline", config.baseline)]
    for name, section in sections:
        if section.probabilities is None:
            continue
        where = (name, "probabilities")
        if config.task != "multiclass":
            instead = "; name the positive class's column in `score`" if config.task == "binary" else ""
            message = f"`{name}.probabilities` is for multiclass models, this one is {config.task}; remove it{instead}"
            yield loaded.problem(message, *where)
        for column, count in Counter(section.probabilities.values()).items():
            if count > 1:
                yield loaded.problem(f"`{name}.probabilities` names column `{column}` for two classes", *where)


_SCORED = {
    "regression": ("a regression's prediction", "with the predicted value"),
    "ranking": ("the score of a document", "by which the documents of a query are ordered"),
}
"""Meaning of the score for tasks without decisions, and the column that it is compared with."""


def _missing_column(config: Config) -> str | None:
    predict = config.predict
    if config.task in _SCORED:
        what, column = _SCORED[config.task]
        if predict.decision is not None:
            return f"`predict.decision` is for classes; {what} goes in `score`"
        return None if predict.score else f"`predict.score` is missing: the column {column}"
    if config.task == "multiclass":
        if predict.decision or predict.probabilities:
            return None
        return "`predict.decision` is missing: the column with the predicted class (or `probabilities`, by class)"
    if predict.score or predict.decision:
        return None
    return "`predict` names no column: `score` (a probability) or `decision` (the predicted class), or both"


def _check_baseline(loaded: LoadedConfig) -> Iterator[Problem]:
    config = loaded.config
    if not isinstance(config.baseline, str):
        for key in ("table", "score", "decision", "probabilities"):
            if key in config.baseline.model_fields_set and (config.baseline.ref or config.predict.metrics):
                message = f"`baseline.{key}` is for a `file` of predictions; remove it"
                yield loaded.problem(message, "baseline", key)


def _check_tests(context: CheckContext) -> Iterator[Problem]:
    if context.config.tests is not None and context.totals:
        message = f"`tests` get both models' predictions, and `predict.metrics` has none; remove it, or {ROWS_ADD}"
        yield context.loaded.problem(message, "tests")


def _check_report(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check that there are rows of two models to show."""
    if not loaded.config.report.rows:
        return
    if loaded.config.predict.metrics is not None:
        message = f"`report.rows` needs rows, and `predict.metrics` has only totals; remove it, or {ROWS_ADD}"
        yield loaded.problem(message, "predict", "metrics")
    elif loaded.config.baseline == "none":
        message = "`report.rows` shows what changed against the baseline, and `baseline` is `none`; remove one of them"
        yield loaded.problem(message, "baseline")


def _check_experiment(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check that arms differ, that no metric is named twice, and that none is its own covariate."""
    experiment = loaded.config.experiment
    if experiment is None:
        return
    if experiment.control == experiment.treatment:
        message = f"`experiment.treatment` is `{experiment.treatment}`, as the control; name the other arm"
        yield loaded.problem(message, "experiment", "treatment")
    for name, count in Counter(metric.name for metric in experiment.metrics).items():
        if count > 1:
            yield loaded.problem(f"`experiment` names the metric `{name}` twice; keep one of them", "experiment")
    for metric in experiment.metrics:
        if metric.covariate == metric.name:
            message = (
                f"`covariate` of `{metric.name}` is the metric itself, which leaves nothing to compare; name a column "
                "with a number from before the experiment, or remove it"
            )
            yield loaded.problem(message, "experiment")


def _check_reuse(loaded: LoadedConfig) -> Iterator[Problem]:
    """Check that looks can be counted, and that the level of one look is one that intervals hold at."""
    config, reuse = loaded.config, loaded.config.reuse
    if reuse is None:
        return
    if config.predict.metrics is not None:
        message = f"`reuse` counts looks at an evaluation set, and `predict.metrics` has none; remove it, or {ROWS_ADD}"
        yield loaded.problem(message, "reuse")
        return
    alpha, most = reuse.look_alpha(config.policy.confidence), reuse.largest_budget(config.policy.confidence)
    if alpha < LEAST_ALPHA:
        remedy = f"write `budget: {most}` or less" if most else "lower `policy.confidence`"
        remedy += ", or `adaptivity: first_change`" if reuse.adaptivity == "full" else ""
        message = (
            f"`reuse.budget: {reuse.budget}` with `adaptivity: {reuse.adaptivity}` leaves each look a level of "
            f"{alpha:.1g}, and intervals are not known to hold below {LEAST_ALPHA:g}; {remedy}"
        )
        yield loaded.problem(message, "reuse", "budget" if "budget" in reuse.model_fields_set else "adaptivity")
