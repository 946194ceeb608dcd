"""Checks of a configuration as a whole: its sections against each other and the metric catalogue."""

from collections import Counter
from collections.abc import Iterator

from mlci.config import models
from mlci.config.check_context import CheckContext, Metrics, metric_known
from mlci.config.gate_checks import check_functions, check_gates
from mlci.config.loader import LoadedConfig
from mlci.config.models import Baseline, Config, Predict, SliceColumnConfig
from mlci.errors import Problem

ROWS_ADD = "predictions (`run` or `file`) would add slices, fairness and intervals"


def check_configuration(loaded: LoadedConfig, catalogue: Metrics) -> list[Problem]:
    """Return all problems of a configuration beyond its single values, ordered by line.

    Args:
        loaded: The configuration with its lines.
        catalogue: The metric catalogue: :mod:`mlci.metrics.catalogue`.
    """
    context = CheckContext(loaded, catalogue)
    problems = [
        *_check_evaluation(context),
        *_check_slices(context),
        *_check_reported(context),
        *_check_predict(loaded),
        *_check_columns(loaded),
        *_check_baseline(loaded),
        *check_gates(context),
        *check_functions(context),
        *_check_tests(context),
        *_check_report(loaded),
    ]
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)


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
    if evaluation.labels is not None and evaluation.key is None:
        message = "`evaluation.labels` needs `key`: the column of both files that rows are joined by"
        yield loaded.problem(message, "evaluation", "labels")
    if evaluation.labels_table is not None and evaluation.labels is None:
        yield loaded.problem("`evaluation.labels_table` is for `labels`; remove it", "evaluation", "labels_table")
    if evaluation.key == evaluation.label:
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
        parts = [column.column for column in models.slice_columns(item)]
        name = models.slice_name(item)
        if name in seen:
            cut = " (a column can be cut in one way only)" if len(parts) == 1 else ""
            message = f"{here} is `{models.slice_as_written(item)}` again, after `slices[{seen[name]}]`{cut}; keep one"
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
    missing = _missing_column(config)
    if missing:
        yield loaded.problem(missing, "predict")


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
        elif isinstance(section, Predict) and section.model is not None:
            yield loaded.problem("`predict.probabilities` is for `run` and `file`; remove it", *where)
        for column, count in Counter(section.probabilities.values()).items():
            if count > 1:
                yield loaded.problem(f"`{name}.probabilities` names column `{column}` for two classes", *where)


def _missing_column(config: Config) -> str | None:
    predict = config.predict
    if config.task == "regression":
        if predict.decision is not None:
            return "`predict.decision` is for classes; a regression's prediction goes in `score`"
        return None if predict.score else "`predict.score` is missing: the column with the predicted value"
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
