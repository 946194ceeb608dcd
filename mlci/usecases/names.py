"""Names in a configuration that do not exist in the data: columns, classes and groups, refused with their lines.

Columns and classes are looked up before anything runs, where the evaluation set is there already, and right after
training, where training makes it. Groups are known once the rows are read.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mlci.config import slices
from mlci.config.load import Loaded
from mlci.config.models import Column
from mlci.engine import classes as naming
from mlci.engine.interface import Survey
from mlci.errors import InputError, Problem
from mlci.inference.evaluation import EvaluationResult
from mlci.metrics.catalogue import PER_CLASS
from mlci.usecases import plan
from mlci.usecases.paths import located
from mlci.usecases.tools import Tools

_LISTED = 8
Where = tuple[str | int, ...]


def survey_before_steps(loaded: Loaded, tools: Tools, *, data: str, folder: Path) -> bool:
    """Refuse names that the evaluation set does not have, before a step spends time; return whether it was there.

    So are columns of predictions in a file that no training writes, while the baseline's steps may still run. Where no
    step runs at all, the rows are read at once and nothing is gained.

    Raises:
        InputError: if there is such a name; the message has all of them with their lines.
    """
    config = loaded.config
    runs = config.train or config.predict.run or config.predict.model or getattr(config.baseline, "ref", None)
    if tools.survey is None or not runs or config.evaluation is None or not Path(data).is_file():
        return False
    try:
        found = tools.survey(data, config.evaluation.label)
    except InputError:
        return False  # training may write it again; a later reader reports what is wrong
    problems = [*_columns(loaded, found.columns), *_classes(loaded, found), *_predicted(loaded, tools, folder)]
    if problems:
        raise InputError.of(problems)
    return True


def _predicted(loaded: Loaded, tools: Tools, folder: Path) -> Iterator[Problem]:
    """Yield a problem for each column of ``predict`` that a file of predictions does not have."""
    predict = loaded.config.predict
    path = None if predict.file is None or loaded.config.train else Path(located(predict.file, folder))
    if path is None or tools.survey is None or not path.is_file():
        return
    try:
        known = tools.survey(str(path), "").columns
    except InputError:
        return  # the reader of the predictions names what is wrong
    named: list[tuple[str, Where]] = [
        (name, ("predict", key)) for key in ("score", "decision") if isinstance(name := getattr(predict, key), str)
    ]
    several = getattr(predict, "probabilities", None)
    if isinstance(several, Mapping):
        named += [(str(name), ("predict", "probabilities")) for name in several.values()]
    for name, where in named:
        if name not in known:
            yield loaded.problem(f"`{predict.file}` has no column {name!r}; {_hint(name, known)}", *where)


def refuse_unknown(loaded: Loaded, result: EvaluationResult) -> None:
    """Refuse classes and reference groups that the rows do not have.

    Raises:
        InputError: if there is such a name; the message has all of them with their lines.
    """
    known = result.classes
    problems = [*_unknown_classes(loaded, known)] if known else []
    if problems := [*problems, *_references(loaded, result)]:
        raise InputError.of(problems)


def _columns(loaded: Loaded, known: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each column of ``evaluation`` that the evaluation set does not have."""
    evaluation = loaded.config.evaluation
    if evaluation is None:
        return
    named: list[tuple[str, Where]] = [
        (name, ("evaluation", key))
        for key in ("label", "key", "weight", "cluster")
        if isinstance(name := getattr(evaluation, key, None), str)
    ]
    for index, item in enumerate(evaluation.slices):
        named += [(column.column, ("evaluation", "slices", index)) for column in slices.columns(item)]
    for name, where in named:
        if name not in known:
            words = f"`{evaluation.data}` has no column {name!r}; {_hint(name, known)}"
            yield loaded.problem(words + _outdated(loaded), *where)


def _outdated(loaded: Loaded) -> str:
    """Return the remedy if training may be about to replace the file."""
    return ". If training makes this file, remove the old one first" if loaded.config.train else ""


def _classes(loaded: Loaded, found: Survey) -> Iterator[Problem]:
    evaluation = loaded.config.evaluation
    if loaded.config.task != "multiclass" or evaluation is None:
        return
    if evaluation.classes is not None:
        yield from _unknown_classes(loaded, naming.multiclass((), evaluation.classes))
    elif found.classes:
        yield from _unknown_classes(loaded, found.classes)


def _unknown_classes(loaded: Loaded, known: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each metric of one class whose class does not exist."""
    for name, where in _metrics(loaded):
        if (match := PER_CLASS.match(name)) and match[2] not in known:
            yield loaded.problem(f"`{name}`: no class is called {match[2]!r}; {_hint(match[2], known)}", *where)


def _metrics(loaded: Loaded) -> Iterator[tuple[str, Where]]:
    """Yield every metric that is written in the configuration, with its place."""
    evaluation = loaded.config.evaluation
    for index, item in enumerate((evaluation.metrics if evaluation else None) or ()):
        yield item if isinstance(item, str) else item.metric, ("evaluation", "metrics", index)
    for index, gate in enumerate(loaded.config.gates):
        yield gate.metric, ("gates", index, "metric")


def _references(loaded: Loaded, result: EvaluationResult) -> Iterator[Problem]:
    evaluation = loaded.config.evaluation
    if evaluation is None:
        return
    groups = _groups(result)
    wanted = plan.references(evaluation)
    for index, item in enumerate(evaluation.slices):
        if not isinstance(item, Column) or item.column not in wanted or item.column not in groups:
            continue
        name, known = wanted[item.column], tuple(groups[item.column])
        if name not in known:
            words = f"no group of `{item.column}` is called {name!r}; {_hint(name, known)}"
            yield loaded.problem(words, "evaluation", "slices", index, "reference")


def _groups(result: EvaluationResult) -> dict[str, dict[str, None]]:
    """Return the names of the groups by slice, in order."""
    found: dict[str, dict[str, None]] = {}
    for item in result.comparisons:
        if item.scope.slice is not None:
            found.setdefault(item.scope.slice, {})[str(item.scope.group)] = None
    for spread in result.disparities:
        found.setdefault(spread.across, {}).update(dict.fromkeys(group.group for group in spread.groups))
    return found


def _hint(name: str, known: Iterable[str]) -> str:
    """Return the name that was probably meant, or the names that exist."""
    names = list(known)
    plain = {item.strip().casefold(): item for item in names}
    guess = plain.get(name.strip().casefold()) or plain.get(_as_number(name))
    close = [guess] if guess else difflib.get_close_matches(name, names, n=1)
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    listed = ", ".join(map(repr, names[:_LISTED])) + more
    return (f"did you mean {close[0]!r}? " if close else "") + f"there are {listed}"


def _as_number(name: str) -> str:
    """Return a number as a class would be called: ``2`` for ``2.0`` and ``02``."""
    try:
        value = float(name)
    except ValueError:
        return name
    return str(int(value)) if value.is_integer() else repr(value)
