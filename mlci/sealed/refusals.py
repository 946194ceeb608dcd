"""Settings that sealed mode refuses, each by name with its remedy.

The trusted side starts no process of the user and believes no number of the training job. A setting that needs one of
them can't be judged there.
"""

import glob
import re
from collections.abc import Iterator

from mlci.config.loader import CheckedConfig
from mlci.config.models import Baseline, Config, Evaluation, Gate, MetricsConfig, Reported, ScoresConfig
from mlci.errors import Problem
from mlci.metrics import catalogue

_URL = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def find_refusals(loaded: CheckedConfig) -> list[Problem]:
    """Return the refused settings of a configuration, with their lines; an empty list if it can be judged."""
    config = loaded.config
    if isinstance(config, MetricsConfig):
        return [loaded.problem(_METRICS, "predict", "metrics")]
    if isinstance(config, ScoresConfig):
        return [loaded.problem(_LOG, "predict", "log")]
    found = [
        *_refuse_rows(loaded, config.evaluation),
        *_refuse_baseline(loaded, config),
        *_refuse_ranking(loaded, config),
        *_refuse_tests(loaded, config),
        *_refuse_request(loaded, config),
        *_refuse_budget(loaded, config),
        *_refuse_metrics(loaded, config, config.evaluation),
    ]
    return sorted(found, key=lambda problem: problem.line or 0)


_METRICS = (
    "sealed mode recomputes every number from predictions, and a metrics file holds only what the training job claims; "
    "predict row by row: `predict: {run: python predict.py, score: score}`"
)
_LOG = (
    "sealed mode recomputes every number, and the scores in an evaluation log are what the training job claims; let "
    "the pull request upload answers, and score them in a workflow of the default branch"
)
_NO_KEY = (
    "sealed mode joins predictions by key, because their order is the training job's choice; name the column that "
    "identifies a row: `key: id`"
)
_ADDRESS = (
    "sealed mode reads the evaluation set from the default branch, and what is at an address can change unseen; commit "
    "the file, or its Git LFS pointer"
)
_PATTERN = "sealed mode reads one file, and a pattern can match others; name the file"
_REFERENCE = (
    "sealed mode runs no commands, and a baseline by `ref` has to be trained; write `baseline: production`, or "
    "`baseline: none`"
)
_FILE = (
    "sealed mode takes the baseline's predictions from the registry, where each file has its digest; write "
    "`baseline: production`, or `baseline: none`"
)
_RANKING = "sealed mode does not support `task: ranking`; evaluate it with `mlci run`"
_TESTS = (
    "sealed mode runs none of the pull request's tests, and would have to believe their outcome; remove `tests`, and "
    "require them as a check of their own"
)
_BUDGET = (
    "sealed mode measures no cost, so a budget can't block here; write `over: warn`, and limit the training job by "
    "`timeout-minutes`"
)
_REQUEST = (
    "sealed mode trains in a workflow that the pull request can change, so `when` decides nothing; remove it, and "
    "write a condition into the training workflow: `if: contains(github.event.pull_request.labels.*.name, '{label}')`"
)


def _refuse_rows(loaded: CheckedConfig, evaluation: Evaluation) -> Iterator[Problem]:
    if evaluation.key is None:
        yield loaded.problem(_NO_KEY, "evaluation")
    for name in ("data", "labels"):
        place = getattr(evaluation, name)
        if place is not None and (_URL.match(place) or glob.has_magic(place)):
            yield loaded.problem(_ADDRESS if _URL.match(place) else _PATTERN, "evaluation", name)


def _refuse_baseline(loaded: CheckedConfig, config: Config) -> Iterator[Problem]:
    if isinstance(config.baseline, Baseline):
        yield loaded.problem(_FILE if config.baseline.ref is None else _REFERENCE, "baseline")


def _refuse_ranking(loaded: CheckedConfig, config: Config) -> Iterator[Problem]:
    if config.task == "ranking":
        yield loaded.problem(_RANKING, "task")


def _refuse_tests(loaded: CheckedConfig, config: Config) -> Iterator[Problem]:
    if config.tests is not None:
        yield loaded.problem(_TESTS, "tests")


def _refuse_request(loaded: CheckedConfig, config: Config) -> Iterator[Problem]:
    if config.train is not None and config.train.when == "asked":
        yield loaded.problem(_REQUEST.format(label=config.train.label), "train", "when")


def _refuse_budget(loaded: CheckedConfig, config: Config) -> Iterator[Problem]:
    if config.cost is not None and config.cost.over == "block":
        yield loaded.problem(_BUDGET, "cost", "over")


def _refuse_metrics(loaded: CheckedConfig, config: Config, evaluation: Evaluation) -> Iterator[Problem]:
    for at, item in enumerate(evaluation.reported or ()):
        if (words := _metric_refusal(item)) is not None:
            yield loaded.problem(words, "evaluation", "metrics", at)
    for at, gate in enumerate(config.gates):
        if (words := _metric_refusal(gate)) is not None:
            yield loaded.problem(words, "gates", at)


def _metric_refusal(item: Gate | Reported) -> str | None:
    """Return why a metric can't be computed on the trusted side; ``None`` for one of mlci's own."""
    info = catalogue.find(catalogue.shown_name(catalogue.shown_metric(item.metric), item.params or {}))
    if info is None:
        return (
            f"sealed mode calls no function of the repository or of scikit-learn, and `{item.metric}` is one; gate on "
            "a metric that `mlci metrics` lists"
        )
    if info.kind == "operation":
        return (
            f"sealed mode measures no run time, size or cost, and `{item.metric}` would be the training job's claim; "
            "remove it, or judge it in a workflow for the repository's own pull requests"
        )
    return None
