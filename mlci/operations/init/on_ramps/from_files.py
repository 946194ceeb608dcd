"""On-ramp of files that exist: predictions beside labelled rows."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from mlci.engine.tables.column_summary import ColumnSummary, TableSummary
from mlci.errors import InputError
from mlci.operations.init.check_options import check_columns, refuse_unfit_positive, refuse_untold_task
from mlci.operations.init.columns import EVALUATED_NAME, doubt_task, find_key, find_label, find_task
from mlci.operations.init.margins import propose_gates
from mlci.operations.init.on_ramps.labelled_table import count_positives, describe_table
from mlci.operations.init.proposal import InitOptions, Proposal, SetupAnswers
from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.addition import Task
from mlci.operations.init.scripts.script_facts import ScriptFacts

_PREDICTIONS = re.compile(r"(^|[_-])(pred\w*|submission|forecast\w*|y_?hat|scored|candidate)([_-]|$)", re.IGNORECASE)
_SCORE = re.compile(r"score|prob|p_|^p$", re.IGNORECASE)
_DECISION = re.compile(r"pred|decision|class|label|y_?hat", re.IGNORECASE)


def propose_predictions(repository: Repository) -> Proposal | None:
    """Return the proposal for a table of predictions beside labelled rows; ``None`` without such tables.

    Raises:
        InputError: if the user named a table that does not fit.
    """
    options = repository.options
    path = options.predictions or _named(repository, _PREDICTIONS)
    data = options.data or _named(repository, EVALUATED_NAME)
    if path is None or data is None:
        if options.predictions:
            raise InputError(f"--predictions {path} needs the labelled rows, too; name them: `mlci init --data PATH`")
        return None
    if options.predictions or options.data:  # errors of files that the user named are the user's to see
        predictions, rows = repository.summarize(path), repository.summarize(data)
    else:
        found, labelled = repository.table(path), repository.table(data)
        if found is None or labelled is None:
            return None
        if found.rows != labelled.rows:
            return None
        predictions, rows = found, labelled
    return _propose(repository, predictions, rows)


def _named(repository: Repository, pattern: re.Pattern[str]) -> str | None:
    tables = [path for path in repository.inventory.tables if pattern.search(PurePosixPath(path).name.split(".")[0])]
    return min(tables, key=lambda path: (path.count("/"), path), default=None)


def _propose(repository: Repository, predictions: TableSummary, rows: TableSummary) -> Proposal | None:
    options, answers = repository.options, SetupAnswers()
    _check_options(options, predictions, rows)
    label = options.label or _label(rows, predictions)
    summary = rows.find(label) if label else None
    if summary is None:
        if options.label or options.predictions:
            raise InputError(f"{rows.path} has no column that is the label; name it: `mlci init --label COLUMN`")
        return None
    if options.task is None:
        refuse_untold_task(doubt_task(summary, rows))
    task = options.task or find_task(summary)[0]
    refuse_unfit_positive(task, options.positive)
    score, decision = _columns(repository, predictions, rows, task)
    named = options.label or options.decision or options.predictions
    if (score is None and decision is None) or (
        not named and not _are_classes(predictions.find(decision or ""), summary)
    ):
        return None
    shared = frozenset(predictions.names) & frozenset(rows.names) - {summary.name}
    found = find_key(rows, shared) or _unique(rows, shared)
    key = (found, "both tables have it, different in every row") if found else None
    parts, slices = describe_table(repository, answers, rows, summary, key=key)
    answers.take("predictions", options.predictions, (predictions.path, "its name is that of predictions"))
    answers.take("score", options.score, (score, "its values or its name are those of scores") if score else None)
    answers.take("decision", options.decision, (decision, "its values are those of the label") if decision else None)
    facts, made = _writer(repository, predictions.path, rows.path)
    command = repository.training(facts) if facts else ("", "", "")
    writes = (command[0], f"{facts.path} writes {predictions.path}") if facts else None
    train = answers.take("train", options.train, writes)
    positives = count_positives(summary, parts.positive) if task == "binary" else None
    gates = propose_gates(task, rows=rows.rows, positives=positives, scored=bool(score), slices=slices, share=1.0)
    answers.gates(gates)
    columns = {name: column for name, column in (("score", score), ("decision", decision)) if column}
    predict = {"file": predictions.path, **columns}
    parts = replace(parts, train=train, predict=predict, gates=tuple(gates))
    return Proposal(on_ramp="predictions", parts=parts, answers=tuple(answers.found), made=made)


def _check_options(options: InitOptions, predictions: TableSummary, rows: TableSummary) -> None:
    """Refuse columns that the tables lack."""
    for option, named in (("label", [options.label]), ("key", [options.key]), ("slices", options.slices or ())):
        check_columns(option, named, rows.names, rows.path)
    for option, column in (("key", options.key), ("score", options.score), ("decision", options.decision)):
        check_columns(option, [column], predictions.names, predictions.path)


def _label(rows: TableSummary, predictions: TableSummary) -> str | None:
    found = find_label(rows)
    if found:
        return found[0]
    if find_label(predictions):  # rows to predict without labels, as competitions give them
        return None
    only = [name for name in rows.names if name not in predictions.names]
    return only[-1] if only and not EVALUATED_NAME.search(only[-1]) else None


def _are_classes(decision: ColumnSummary | None, label: ColumnSummary) -> bool:
    """Return whether the decisions can be those of a label, as far as the values of both are listed."""
    if decision is None or not decision.counts or not label.counts or decision.distinct > len(decision.counts):
        return True
    classes = {value.strip().lower().removesuffix(".0") for value, _ in label.counts}
    return any(value.strip().lower().removesuffix(".0") in classes for value, _ in decision.counts)


def _unique(rows: TableSummary, shared: frozenset[str]) -> str | None:
    unique = [item.name for item in rows.columns if item.name in shared and item.distinct == rows.rows]
    return unique[0] if unique else None


def _columns(
    repository: Repository, predictions: TableSummary, rows: TableSummary, task: Task
) -> tuple[str | None, str | None]:
    """Return the columns of scores and decisions."""
    options = repository.options
    if options.score or options.decision:
        return options.score, options.decision
    own = [column for column in predictions.columns if column.name not in rows.names]
    numbers = [column for column in own if column.kind in {"real", "integer"}]
    if task == "regression":
        return next((column.name for column in numbers), None), None
    scores = [column for column in numbers if _SCORE.search(column.name) or column.kind == "real"]
    decisions = [column for column in own if column not in scores]
    named = [column for column in decisions if _DECISION.search(column.name)] or decisions
    score = scores[0].name if scores and task == "binary" else None
    return score, named[0].name if named else None


def _writer(repository: Repository, *paths: str) -> tuple[ScriptFacts | None, tuple[str, ...]]:
    """Return the script that writes the predictions, and which of the files it writes."""
    for facts in repository.scripts:
        home = repository.training(facts)[1]
        written = {_in(home, item.path) for item in facts.tables if item.path}
        if paths[0] in written:
            return facts, tuple(path for path in paths if path in written)
    return None, ()


def _in(home: str, path: str) -> str:
    plain = path.removeprefix("./")
    return f"{home}/{plain}" if home else plain
