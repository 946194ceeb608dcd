"""Checks before training: columns, classes, groups and custom metrics that a configuration names exist.

Columns and classes are checked before any step runs if the evaluation set exists, and right after training if training
makes it. Groups are known once the rows are read.
"""

import contextlib
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from mlci.config import slices
from mlci.config.loader import Loaded
from mlci.config.models import Baseline, RowsConfig
from mlci.config.slices import Slice, SliceColumnConfig
from mlci.engine.encode import classes as naming
from mlci.engine.encode.binder import describe_same_class, missing_file
from mlci.engine.interface import Source, Survey
from mlci.engine.tables.files import is_missing
from mlci.engine.tables.table_path import files_of
from mlci.errors import InputError, Problem, yaml_value
from mlci.inference.result import EvaluationResult
from mlci.metrics.catalogue import PER_CLASS
from mlci.operations import evaluation_plan
from mlci.operations.context import RowsContext, resolve_path

_LISTED = 8
Where = tuple[str | int, ...]


def survey_before_steps(context: RowsContext) -> bool:
    """Refuse names that the evaluation set lacks before a step spends time; return whether the set exists.

    Columns of a predictions file that no training writes are checked too, if the baseline's steps may run. If no step
    runs at all, the rows are read at once, and the classes of the configuration alone are checked here.

    Raises:
        InputError: if such a name exists; the message has all of them with their lines.
    """
    config = context.config
    runs = config.train or config.predict.run or config.predict.model or getattr(config.baseline, "ref", None)
    for name, path in zip(("data", "labels"), files_of(context.data), strict=False):
        if config.train is None and is_missing(path):
            raise InputError(_at_its_line(context.loaded, missing_file(path, ("evaluation", name))))
    if same := [*_same_classes(context.loaded)]:
        raise InputError.of(same)
    if context.survey is None or not runs or not Path(context.data).is_file():
        return False
    try:
        surveyed = context.survey(context.data, config.evaluation.label)
    except InputError:
        return False  # training may rewrite it; a later reader reports errors
    problems = [
        *_columns(context.loaded, surveyed.columns),
        *_classes(context.loaded, surveyed),
        *_positive(context.loaded, surveyed),
        *_improbable(context.loaded, surveyed),
        *_predicted(context),
    ]
    if problems:
        raise InputError.of(problems)
    return True


@contextlib.contextmanager
def at_their_lines(loaded: Loaded[RowsConfig]) -> Iterator[None]:
    """Add lines of the configuration to problems, or the line that the remedy changes.

    Raises:
        InputError: if the block raised one; it has the same problems with lines.
    """
    try:
        yield
    except InputError as error:
        raise InputError.of(_at_its_line(loaded, problem) for problem in error.problems) from error


def _at_its_line(loaded: Loaded[RowsConfig], problem: Problem) -> Problem:
    if problem.remedy:
        line = loaded.lines.of(*(_written_at(loaded, problem.remedy) or problem.remedy))
        return replace(problem, message=f"{problem.message} ({loaded.path}:{line})", remedy=())
    where = _written_at(loaded, problem.setting)
    return problem if where is None else loaded.problem(f"`{problem.path}` {problem.message}", *where)


def _written_at(loaded: Loaded[RowsConfig], setting: tuple[str, ...]) -> Where | None:
    """Return the path of an entry in the file; ``None`` for an entry of another configuration."""
    if not setting:
        return None
    if setting[0] == "candidate":
        return ("predict", *setting[1:])
    if setting[0] == "baseline":
        chosen = loaded.config.baseline
        return ("baseline", *setting[1:]) if isinstance(chosen, Baseline) and chosen.file else None
    evaluation = loaded.config.evaluation
    if setting[:2] == ("evaluation", "slices"):
        named = (i for i, item in enumerate(evaluation.slices) if setting[2] in _parts(item))
        return ("evaluation", "slices", *list(named)[:1])
    return setting


def _parts(item: Slice) -> list[str]:
    return [column.column for column in slices.slice_columns(item)]


def _predicted(context: RowsContext) -> Iterator[Problem]:
    """Yield a problem for each column of ``predict`` that a file of predictions does not have."""
    predict = context.config.predict
    path = None if predict.file is None or context.config.train else Path(resolve_path(predict.file, context.folder))
    if path is None or context.survey is None or not path.is_file():
        return
    try:
        columns = context.survey(Source.of(str(path), predict).path, "").columns
    except InputError:
        return  # the reader of the predictions reports the error
    pairs = (predict.probabilities or {}).values()
    named = [("score", predict.score), ("decision", predict.decision), *(("probabilities", name) for name in pairs)]
    for key, name in named:
        if name is not None and name not in columns:
            hint = _hint(name, columns, "" if key == "probabilities" else f"{key}: ")
            yield context.loaded.problem(f"`{predict.file}` has no column {name!r}; {hint}", "predict", key)


def refuse_unknown(loaded: Loaded[RowsConfig], result: EvaluationResult) -> None:
    """Refuse classes and reference groups that the rows do not have.

    Raises:
        InputError: if such a name exists; the message has all of them with their lines.
    """
    classes = result.classes
    problems = [*_unknown_classes(loaded, classes)] if classes else []
    if problems := [*problems, *_references(loaded, result)]:
        raise InputError.of(problems)


def _columns(loaded: Loaded[RowsConfig], known: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each column of ``evaluation`` that the evaluation set does not have."""
    evaluation = loaded.config.evaluation
    named: list[tuple[str, Where]] = [(evaluation.label, ("evaluation", "label"))]
    if evaluation.key is not None:
        named.append((evaluation.key, ("evaluation", "key")))
    grouping = (("cluster", evaluation.cluster), ("weight", evaluation.weight))
    named += [(column, ("evaluation", setting)) for setting, column in grouping if column is not None]
    if evaluation.query is not None:
        named.append((evaluation.query, ("evaluation", "query")))
    for index, item in enumerate(evaluation.slices):
        named += [(column.column, ("evaluation", "slices", index)) for column in slices.slice_columns(item)]
    for name, where in named:
        if name not in known:
            key = f"{where[-1]}: " if isinstance(where[-1], str) else ""
            words = f"`{evaluation.data}` has no column {name!r}; {_hint(name, known, key)}"
            yield loaded.problem(words + _outdated(loaded), *where)


def _outdated(loaded: Loaded[RowsConfig]) -> str:
    """Return the remedy if training may replace the file."""
    return ". If training makes this file, remove the old one first" if loaded.config.train else ""


def _classes(loaded: Loaded[RowsConfig], found: Survey) -> Iterator[Problem]:
    evaluation = loaded.config.evaluation
    if loaded.config.task != "multiclass":
        return
    if evaluation.classes is not None:
        yield from _unknown_classes(loaded, naming.multiclass_classes((), evaluation.classes))
    elif found.classes:
        yield from _unknown_classes(loaded, found.classes)


def _positive(loaded: Loaded[RowsConfig], found: Survey) -> Iterator[Problem]:
    """Yield the problem of a positive class that is ambiguous, or is not one of the two labels."""
    evaluation = loaded.config.evaluation
    if loaded.config.task != "binary" or not found.classes or len(found.classes) > 2:
        return
    where = {"path": evaluation.data, "column": evaluation.label}
    try:
        naming.check_positive(found.classes, positive=evaluation.positive, **where)
    except InputError as error:
        for problem in error.problems:
            placed = _at_its_line(loaded, problem)
            yield replace(placed, message=placed.message + _outdated(loaded))


def _same_classes(loaded: Loaded[RowsConfig]) -> Iterator[Problem]:
    """Yield the problem of two classes with a column of probabilities that are one number."""
    if message := describe_same_class(loaded.config.predict.probabilities or ()):
        yield loaded.problem(f"predictions {message}", "predict", "probabilities")


def _improbable(loaded: Loaded[RowsConfig], found: Survey) -> Iterator[Problem]:
    """Yield the problem of labels without a column for their probability."""
    pairs = loaded.config.predict.probabilities
    if pairs is None or found.classes is None:
        return
    named = naming.multiclass_classes((), tuple(pairs))
    lacking = [name for name in found.classes if name not in named]
    if lacking:
        words = (
            f"`{loaded.config.evaluation.data}` has the label {lacking[0]!r}, without a column under `probabilities`"
        )
        yield loaded.problem(f"{words}; add `{yaml_value(lacking[0])}: …`", "predict", "probabilities")


def _unknown_classes(loaded: Loaded[RowsConfig], known: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each metric of one class whose class does not exist."""
    for name, where in _metrics(loaded):
        if (match := PER_CLASS.match(name)) and match[2] not in known:
            hint = _hint(match[2], known, "metric: ", f"{match[1]}[{{}}]")
            yield loaded.problem(f"`{name}`: no class is called {match[2]!r}; {hint}", *where)


def _metrics(loaded: Loaded[RowsConfig]) -> Iterator[tuple[str, Where]]:
    """Yield every metric in the configuration, with its path."""
    evaluation = loaded.config.evaluation
    for index, item in enumerate(evaluation.metrics or ()):
        yield item if isinstance(item, str) else item.metric, ("evaluation", "metrics", index)
    for index, gate in enumerate(loaded.config.gates):
        yield gate.metric, ("gates", index, "metric")


def _references(loaded: Loaded[RowsConfig], result: EvaluationResult) -> Iterator[Problem]:
    evaluation = loaded.config.evaluation
    groups = _groups(result)
    wanted = evaluation_plan.reference_groups(evaluation)
    for index, item in enumerate(evaluation.slices):
        if not isinstance(item, SliceColumnConfig) or item.column not in wanted or item.column not in groups:
            continue
        name, groups_of_column = wanted[item.column], tuple(groups[item.column])
        if name not in groups_of_column:
            words = f"no group of `{item.column}` is called {name!r}; {_hint(name, groups_of_column, 'reference: ')}"
            yield loaded.problem(words, "evaluation", "slices", index, "reference")


def _groups(result: EvaluationResult) -> dict[str, dict[str, None]]:
    """Return the names of the groups by slice, in order."""
    groups: dict[str, dict[str, None]] = {}
    for item in result.comparisons:
        if item.scope.slice is not None:
            groups.setdefault(item.scope.slice, {})[str(item.scope.group)] = None
    for spread in result.disparities:
        groups.setdefault(spread.across, {}).update(dict.fromkeys(group.group for group in spread.groups))
    return groups


def _hint(name: str, known: Iterable[str], key: str = "", form: str = "{}") -> str:
    """Return the closest name, with the text to write, and the names that exist."""
    names = list(known)
    plain = {item.strip().casefold(): item for item in names}
    guess = plain.get(name.strip().casefold()) or plain.get(_as_number(name))
    close = [guess] if guess else difflib.get_close_matches(name, names, n=1)
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    listed = ", ".join(map(repr, names[:_LISTED])) + more
    if not close:
        return f"there are {listed}"
    return f"did you mean {close[0]!r}? Write `{key}{yaml_value(form.format(close[0]))}`; there are {listed}"


def _as_number(name: str) -> str:
    """Return a number as the name of a class: ``2`` for ``2.0`` and ``02``."""
    try:
        value = float(name)
    except ValueError:
        return name
    return str(int(value)) if value.is_integer() else repr(value)


def check_custom_metrics(context: RowsContext) -> None:
    """Refuse a configuration with a metric that can't be found.

    Raises:
        InputError: if there is such a metric; the message has all of them with their lines.
    """
    lacking = (
        (metric.name, context.metric_lack(metric.function))
        for metric in evaluation_plan.required_statistics(context.config).custom
    )
    problems = [context.loaded.problem(words, *_place(context.loaded, name)) for name, words in lacking if words]
    if problems:
        raise InputError.of(problems)


def _place(loaded: Loaded[RowsConfig], name: str) -> tuple[str | int, ...]:
    """Return the path at which a configuration first names a metric: in a gate, or in the list of metrics."""
    for index, gate in enumerate(loaded.config.gates):
        if evaluation_plan.metric_name(gate) == name:
            return ("gates", index, "metric")
    asked = loaded.config.evaluation.reported
    return ("evaluation", "metrics", [evaluation_plan.metric_name(item) for item in asked or ()].index(name))
