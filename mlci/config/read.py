"""Read and check ``mlci.yml``, its gates and metrics included; all problems are reported at once.

If parts of a file are refused, the rest is still checked: every refused part is replaced in place by a valid one, so
that indices and lines stay. If other checks depend on the replacement (the task, the source of predictions), every
possible one is tried, and only problems that occur with all of them are reported.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, cast, get_args

from pydantic import ValidationError

from mlci.config.base import fields
from mlci.config.checks.gates import check_functions, check_gates
from mlci.config.checks.sections import CheckContext, Metrics, check_sections
from mlci.config.loader import (
    CheckedConfig,
    Lines,
    Loaded,
    LoadedConfig,
    config_error,
    parse_draft,
    read_bounded_config,
    with_lines,
)
from mlci.config.models import (
    SOURCES,
    Config,
    Evaluation,
    MetricsConfig,
    RowsConfig,
    RowsTask,
    ScoresConfig,
    rows_evaluation,
)
from mlci.config.types import Path
from mlci.config.yaml_tree import YamlTree
from mlci.errors import Problem


def load(file: FilePath, catalogue: Metrics) -> CheckedConfig:
    """Read and check a configuration file, including its gates and metrics.

    Args:
        file: The file; problems name it by this path.
        catalogue: The metric catalogue: :mod:`mlci.metrics.catalogue`.

    Raises:
        InputError: if the file is missing, can't be read, or has problems; all of them at once, ordered by line.
    """
    return load_text(read_bounded_config(file), catalogue, path=str(file))


def check_configuration(loaded: LoadedConfig, catalogue: Metrics) -> list[Problem]:
    """Return all problems of a configuration beyond its single values, ordered by line.

    Args:
        loaded: The configuration with its lines.
        catalogue: The metric catalogue: :mod:`mlci.metrics.catalogue`.
    """
    context = CheckContext(loaded, catalogue)
    problems = [*check_sections(context), *check_gates(context), *check_functions(context)]
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)


def load_text(text: str | bytes, catalogue: Metrics, *, path: str) -> CheckedConfig:
    """Check the text of a configuration file as :func:`load` does.

    Raises:
        InputError: if the text has problems; all of them, ordered by line, each with a line.
    """
    tree, config = parse_draft(text, path=path)
    if config is None:
        raise config_error([*tree.problems, *recover_and_check(tree, catalogue)])
    loaded = with_lines(tree, config)
    if problems := check_configuration(loaded, catalogue):
        raise config_error(problems)
    return Loaded(checked_config(loaded.config), loaded.lines, loaded.path)


def checked_config(config: Config) -> RowsConfig | MetricsConfig | ScoresConfig:
    """Return a configuration without problems as the kind that its task and ``predict`` decide."""
    values = {name: getattr(config, name) for name in Config.model_fields}
    if config.task == "scores":
        values["evaluation"] = config.evaluation or Evaluation()
        return ScoresConfig.model_construct(_fields_set=config.model_fields_set, **values)
    if config.predict.metrics is not None:
        return MetricsConfig.model_construct(_fields_set=config.model_fields_set, **values)
    values["evaluation"] = rows_evaluation(config.evaluation)
    return RowsConfig.model_construct(_fields_set=config.model_fields_set, **values)


Data = dict[str, Any]
PRODUCTION_SECTIONS = ("experiment",)
"""Optional sections about production, on which no other check depends."""
_SUPPRESSED = Problem("")
_GATE = {"metric": "refused:refused", "min": 0}
_TRAIN = {"run": "refused", "model": "refused"}
_COLUMNS = {
    "score": "refused score",
    "decision": "refused decision",
    "probabilities": {"a": "refused class", "b": "refused other class"},
}
_PREDICTS: tuple[Data, ...] = ({"run": "refused", **_COLUMNS}, {"metrics": "refused"})
_LABEL, _SLICE = "refused label", "a slice"


@dataclass(frozen=True)
class RecoveredConfig(LoadedConfig):
    """A configuration with replacements, about which no problem is reported."""

    replaced: frozenset[Path]

    def problem(self, message: str, *where: str | int) -> Problem:
        """Return a problem with its line, or :data:`_SUPPRESSED` if it is about a replacement."""
        if any(where[:end] in self.replaced for end in range(len(where) + 1)):
            return _SUPPRESSED
        return super().problem(message, *where)


def recover_and_check(tree: YamlTree, catalogue: Metrics) -> list[Problem]:
    """Return the problems that checks find in the valid parts of a file; nothing if too little is valid."""
    if not tree.whole or not isinstance(tree.data, dict) or () in tree.faulty:
        return []
    mended = _RecoveredData(cast("Data", json.loads(json.dumps(tree.data))), tree.faulty)
    variants = [_check_variant(data, tree, mended, catalogue) for data in mended.variants()]
    return [
        problem for problem in variants[0] if problem != _SUPPRESSED and all(problem in other for other in variants[1:])
    ]


def _check_variant(data: Data, tree: YamlTree, mended: "_RecoveredData", catalogue: Metrics) -> list[Problem]:
    try:
        config = Config.model_validate_json(json.dumps(data), strict=True)
    except ValidationError:
        return []
    partial = RecoveredConfig(config, Lines(tree.lines), tree.path, frozenset(mended.replaced))
    return check_configuration(partial, catalogue)


class _RecoveredData:
    """Data whose refused parts are replaced, section by section."""

    def __init__(self, data: Data, faulty: set[Path]) -> None:
        self.data = data
        self.faulty = faulty
        self.replaced: set[Path] = set()
        allowed = fields(Config)
        odd = [key for key in data if key not in allowed]
        # A misspelt key may be any of those that are absent.
        self.absent = {key for key in allowed if odd and key not in data}
        for key in odd:
            del data[key]
        self._gates()
        self._evaluation()
        plain = {"model": "refused", "train": _TRAIN, "baseline": "none", "registry": "refused", "policy": {}}
        for key, value in {**plain, "tests": {"run": "refused"}, "report": {}, "card": {}, "cost": {}}.items():
            if self._at_fault(key):
                self._replace(value, key)
        for key in PRODUCTION_SECTIONS:
            if self._at_fault(key):
                self.data.pop(key, None)
                self.replaced.add((key,))

    def variants(self) -> Iterator[Data]:
        """Yield the data with every possible task and source of predictions."""
        tasks = self._tasks() if self._at_fault("task") else (self.data["task"],)
        predicts = self._predicts() if self._at_fault("predict") else (self.data["predict"],)
        self.replaced |= {(key,) for key in ("task", "predict") if self._at_fault(key)}
        for task in tasks:
            for predict in predicts:
                yield {**self.data, "task": task, "predict": predict}

    def _at_fault(self, *where: str | int) -> bool:
        """Return whether a value, a part of it or a value around it was refused."""
        inside = any(path[: len(where)] == where or where[: len(path)] == path for path in self.faulty)
        return inside or (len(where) == 1 and where[0] in self.absent)

    def _replace(self, value: Any, *where: str | int) -> None:  # noqa: ANN401 - whatever stands there
        home: Any = self.data
        for part in where[:-1]:
            home = home[part]
        home[where[-1]] = value
        self.replaced.add(where)

    def _gates(self) -> None:
        gates = self.data.get("gates")
        if ("gates",) in self.faulty or not isinstance(gates, list):
            self._replace([_GATE], "gates")
            return
        for index in range(len(gates)):
            if self._at_fault("gates", index):
                self._replace(_GATE, "gates", index)

    def _evaluation(self) -> None:
        evaluation = self.data.get("evaluation")
        if not self._at_fault("evaluation"):
            return
        if ("evaluation",) in self.faulty or not isinstance(evaluation, dict):
            self._replace({"data": "refused", "label": _LABEL, "slices": self._scopes()}, "evaluation")
            return
        allowed = fields(Evaluation)
        odd = [key for key in evaluation if key not in allowed]
        for key in odd:
            del evaluation[key]
        for key in [key for key in allowed if self._at_fault("evaluation", key)]:
            self.replaced.add(("evaluation", key))
            evaluation.pop(key, None)
        for key in ("data", "label"):
            evaluation.setdefault(key, _LABEL)
        if ("evaluation", "slices") in self.replaced or (odd and "slices" not in evaluation):
            self._replace(self._scopes(), "evaluation", "slices")

    def _scopes(self) -> list[Any]:
        """Return the slices that gates use, since they may be the refused ones, and one more."""
        scopes = [gate.get(key) for gate in self.data["gates"] for key in ("each", "across")]
        return [scope[0] if isinstance(scope, list) and len(scope) == 1 else scope for scope in scopes if scope] + [
            _SLICE
        ]

    def _tasks(self) -> tuple[str, ...]:
        """Return the possible tasks, by the source of predictions."""
        predict = self.data.get("predict")
        return ("scores",) if isinstance(predict, dict) and "log" in predict else get_args(RowsTask)

    def _predicts(self) -> tuple[Data, ...]:
        """Return the possible sources: the one that is set, with columns, or one of either kind."""
        predict = self.data.get("predict")
        given = [key for key in SOURCES if isinstance(predict, dict) and key in predict]
        if len(given) != 1:
            return _PREDICTS
        return ({given[0]: "refused", **({} if given[0] == "metrics" else _COLUMNS)},)
