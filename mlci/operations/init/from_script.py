"""On-ramp of a training script: it writes its test part and its predictions, or a saved model predicts."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath
from shlex import quote

from mlci.engine.tables.column_summary import ColumnSummary, TableSummary
from mlci.errors import InputError
from mlci.operations.init.check_options import check_columns, refuse_positive, refuse_unfit_positive
from mlci.operations.init.columns import find_key, find_positive, find_slices, find_task
from mlci.operations.init.margins import propose_gates
from mlci.operations.init.notes import line_of, shuffle_notes, source_notes
from mlci.operations.init.proposal import ConfigurationParts, FileChange, Proposal, SetupAnswers
from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.addition import (
    HoldoutRows,
    SavedModel,
    ScriptAddition,
    Task,
    find_rows,
    has_probabilities,
    predict_script,
    saved_model,
    takes_columns,
    write_addition,
)
from mlci.operations.init.scripts.notebook import write_notebook
from mlci.operations.init.scripts.script_facts import REGRESSION_METRICS, EvaluationPoint, ScriptFacts, choose_point
from mlci.operations.init.scripts.traced_values import SAMPLE_ROWS, sample_task
from mlci.operations.init.scripts.values import UNKNOWN
from mlci.operations.init.training_command import resolve_read

_REGRESSOR = re.compile(r"(Regressor|SVR|Ridge|RidgeCV|Lasso|LassoCV|ElasticNet|ElasticNetCV|LinearRegression)$")
_MOST_OTHERS = 5
_LAST_EPOCH = (
    "Each epoch writes both files again, so the last epoch counts. If your script keeps the model of the best epoch, "
    "move the added lines to where that model predicts."
)
_TEST_SHARE = 0.25
"""Share that ``train_test_split`` keeps for the test by default."""


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What is known about the rows of a script."""

    facts: ScriptFacts
    point: EvaluationPoint
    rows: HoldoutRows
    table: TableSummary | None
    source: str | None
    home: str

    @property
    def label(self) -> ColumnSummary | None:
        """Summary of the label as the evaluation set has it; ``None`` if it was encoded or is not in a file."""
        return None if self.point.label_value.encoded else self.raw_label

    @property
    def raw_label(self) -> ColumnSummary | None:
        """Summary of the label as the file has it; ``None`` if it is not in a file."""
        return None if self.table is None else self.table.find(self.rows.label)

    @property
    def share(self) -> float:
        """Share of the file's rows that are evaluated."""
        return 1.0 if self.from_test_file else _test_share(self.facts, self.table)

    @property
    def from_test_file(self) -> bool:
        """Whether the evaluated rows are a file of their own."""
        home = self.point.names.get(self.point.label_value.frame or "", UNKNOWN)
        return home.kind == "frame" and home.part == "test" and home.whole is None and home.path is not None

    @property
    def size(self) -> int | None:
        """Number of evaluated rows; ``None`` if it is not known."""
        if self.point.batches is not None and not self.facts.splits:
            return None
        total = self.table.rows if self.table else SAMPLE_ROWS.get(self.source or "")
        return None if total is None else round(total * self.share)


def propose_script(repository: Repository) -> Proposal | None:
    """Return the proposal for the most likely training script that can be followed; ``None`` if none can.

    Raises:
        InputError: if an option names a column or a label that does not exist.
    """
    wanted = repository.options.script
    points = ((facts, choose_point(facts)) for facts in repository.scripts)
    found = [(facts, point) for facts, point in points if point is not None and wanted in {None, facts.path}]
    if not found:
        return None
    proposal = _propose(repository, *found[0])
    others = _other_models(found[0][0], [facts for facts, _ in found[1:]])
    return replace(proposal, notes=(*proposal.notes, *others))


def _other_models(chosen: ScriptFacts, others: Sequence[ScriptFacts]) -> list[str]:
    """Return notes about scripts in other folders, each of which may train a model of its own."""
    folders = {PurePosixPath(chosen.path).parent: chosen.path}
    for facts in others:
        if facts.path.endswith(".py"):
            folders.setdefault(PurePosixPath(facts.path).parent, facts.path)
    return [
        f"{path} trains a model, too. For its configuration, and a job in the workflow: mlci init {quote(str(folder))}"
        for folder, path in islice(folders.items(), 1, 1 + _MOST_OTHERS)
    ]


def _propose(repository: Repository, facts: ScriptFacts, point: EvaluationPoint) -> Proposal:
    command, home, reason = repository.training(facts)
    found = _look(repository, facts, point, home)
    _check(repository, found)
    answers = SetupAnswers()
    model = answers.take("model", repository.options.model, repository.model_name)
    train = answers.take("train", repository.options.train, (command, reason)) or command
    task = _task(answers, repository, found)
    label = answers.take("label", repository.options.label, (found.rows.label, _label_reason(found)))
    saved = saved_model(facts, point, home)
    from_file = _is_evaluated_file(found, task, repository.options.positive)
    coded = point.label_value.encoded and not from_file
    refuse_unfit_positive(task, repository.options.positive, coded_by=facts.path if coded else None)
    positive = _positive(answers, repository, found, task, from_file=from_file)
    names = frozenset(found.rows.columns or ()) - {label}
    key = _key(answers, repository, found, names)
    slices = _slices(answers, repository, found, names - {key})
    parts = ConfigurationParts(model=model or "model", task=task, label=label, positive=positive, slices=slices,
                               train=train, key=key)  # fmt: skip
    if saved and from_file:
        return _with_model(repository, found, parts, answers, saved)
    proposal = _with_addition(repository, found, replace(parts, artifact=saved.path if saved else None), answers)
    if saved is None or not found.from_test_file:
        return proposal
    why = (
        f"{facts.path} writes the rows of {found.source}, because it changes their labels or columns first, and "
        f"{saved.path} alone can't be compared with the file."
    )
    return replace(proposal, notes=(*proposal.notes, why))


def _is_evaluated_file(found: _Found, task: Task, positive: str | None) -> bool:
    """Return whether the test part is a file whose columns the model gets and whose labels it predicts.

    The scores of `label == value` are those of that value, if the file has one other value.
    """
    if not (found.from_test_file and found.source and takes_columns(found.point)):
        return False
    wanted, raw = found.point.label_value.equals, found.raw_label
    if not found.point.label_value.encoded:
        return True
    if wanted is None or raw is None or raw.distinct != 2 or wanted not in dict(raw.counts):
        return False
    scored = task == "binary" and has_probabilities(found.point.estimator or "")
    return scored and positive in {None, wanted}


def _look(repository: Repository, facts: ScriptFacts, point: EvaluationPoint, home: str) -> _Found:
    path = point.label_value.path or next(iter(facts.reads), None)
    sample = path is not None and path.startswith("sklearn:")
    source = path if sample or path is None else resolve_read(repository.inventory, path, home)
    table = None if sample else repository.table(source)
    rows = find_rows(
        point,
        table.names if table else None,
        splits=facts.splits,
        pandas=facts.pandas or "pandas",
        label=repository.options.label,
    )
    return _Found(facts=facts, point=point, rows=rows, table=table, source=source, home=home)


def _check(repository: Repository, found: _Found) -> None:
    """Check the columns that the user named, as far as the script shows which ones there are."""
    options, kept = repository.options, found.rows.columns
    where = f"the test part of {found.facts.path}"
    if found.table is not None and found.point.label_value.path:
        made = {name for value in found.point.names.values() for name in value.changed}
        check_columns("label", [options.label], [*found.table.names, *sorted(made)], found.table.path)
    if found.table is not None and kept is not None:
        columns = [name for name in found.table.names if name in kept | {found.rows.label}] or [found.rows.label]
        check_columns("key", [options.key], [*columns, "row"], where)
        check_columns("slices", options.slices or (), columns, where)
    refuse_positive(options.positive, found.label)


def _test_share(facts: ScriptFacts, table: TableSummary | None) -> float:
    share = 1.0
    for call in facts.splits[:2]:
        given = {item.arg: item.value for item in call.keywords}
        size, kept = _number(given.get("test_size")), _number(given.get("train_size"))
        if size is None and kept is not None:
            size = 1 - kept if kept < 1 else None
        if size is not None and size >= 1:
            return min(1.0, size / table.rows) if table else _TEST_SHARE
        share *= _TEST_SHARE if size is None else size
    return share


def _number(node: ast.AST | None) -> float | None:
    return float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None


def _label_reason(found: _Found) -> str:
    if found.point.label_value.column is None:
        return f"line {found.point.statement.lineno} of {found.facts.path} has the labels in `{found.point.labels}`"
    return f"{found.facts.path} uses it as the label"


def _task(answers: SetupAnswers, repository: Repository, found: _Found) -> Task:
    proposed = _guess_task(found)
    answers.take("task", repository.options.task, proposed)
    return repository.options.task or proposed[0]


def _guess_task(found: _Found) -> tuple[Task, str]:
    point, estimator = found.point, found.point.estimator or ""
    if point.metric in REGRESSION_METRICS or _REGRESSOR.search(estimator):
        shown = point.metric if point.metric in REGRESSION_METRICS else estimator
        return "regression", f"{found.facts.path} uses {shown}"
    if found.label is not None:
        task, reason = find_task(found.label)
        return (task, reason) if task != "regression" or not estimator else ("multiclass", f"{estimator} classifies")
    if (sample := sample_task(found.source)) is not None:
        return sample, f"the data set {(found.source or '').removeprefix('sklearn:')} is known"
    if found.facts.binary:
        return "binary", f"{found.facts.path} computes metrics of two classes, 0 and 1"
    raw = found.raw_label if point.label_value.encoded else None
    named = raw.name if raw is not None and raw.distinct == 2 else None
    if compared := f"`{point.labels}`" if point.label_value.equals is not None else named:
        return "binary", f"{compared} has two values"
    return "multiclass", "the script shows classes, and not how many; binary models can be judged as multiclass, too"


def _positive(
    answers: SetupAnswers, repository: Repository, found: _Found, task: Task, *, from_file: bool
) -> str | None:
    if task != "binary":
        return None
    proposed = find_positive(found.label) if found.label else None
    if from_file and (wanted := found.point.label_value.equals) is not None:
        proposed = wanted, f"{found.facts.path} compares the labels with it"
    return answers.take("positive", repository.options.positive, proposed)


def _key(answers: SetupAnswers, repository: Repository, found: _Found, names: frozenset[str]) -> str:
    named = find_key(found.table, names) if found.table else None
    number = "the number of the row in the data; it stays the same as long as the data only grows at its end"
    position = "the position in the test part; it stays the same while the split and the data do"
    unnamed = ("row", position if _by_position(found) else number)
    proposed = (named, "it is different in every row") if named else unnamed
    return answers.take("key", repository.options.key, proposed) or "row"


def _by_position(found: _Found) -> bool:
    """Return whether the labels have no index, so that the only number of a row is its position in the test part."""
    indexed = found.facts.pandas is not None and found.point.label_value.kind in {"series", "frame"}
    return found.rows.only is not None and not indexed


def _slices(answers: SetupAnswers, repository: Repository, found: _Found, names: frozenset[str]) -> tuple[str, ...]:
    given = repository.options.slices
    proposed = find_slices(found.table, names, share=found.share) if found.table else []
    if given is not None:
        answers.take("slices", ", ".join(given) or "none", None)
        return given
    for item in proposed:
        answers.take("slices", None, (item.column.name, item.reason))
    return tuple(item.column.name for item in proposed)


def _add_gates(found: _Found, parts: ConfigurationParts, answers: SetupAnswers, *, scored: bool) -> ConfigurationParts:
    size = found.size
    positives = None
    label = found.raw_label if parts.positive else found.label
    if label is not None and parts.task == "binary" and size:
        counts = {value.lower(): count for value, count in label.counts}
        wanted = [parts.positive.lower()] if parts.positive else ["1", "1.0", "true"]
        positives = round(sum(counts.get(value, 0) for value in wanted) * found.share)
    slices = find_slices(found.table, frozenset(parts.slices), share=found.share) if found.table else []
    gates = propose_gates(parts.task, rows=size, positives=positives, scored=scored, slices=slices, share=found.share)
    answers.gates(gates)
    return replace(parts, gates=tuple(gates))


def _with_model(
    repository: Repository, found: _Found, parts: ConfigurationParts, answers: SetupAnswers, saved: SavedModel
) -> Proposal:
    named = found.table is not None and parts.key in found.table.names
    parts = replace(parts, data=found.source, artifact=saved.path, key=parts.key if named else None)
    scored = parts.task == "regression" or (parts.task == "binary" and has_probabilities(found.point.estimator or ""))
    column = "score" if scored else "decision"
    text = predict_script(found.point, saved, key=parts.key, task=parts.task, column=column, data=found.source or "",
                          positive=_positive_code(found, parts))  # fmt: skip
    path = next(
        name for name in ("predict.py", "mlci_predict.py", "predict_mlci.py") if name not in repository.inventory.files
    )
    parts = _add_gates(found, replace(parts, predict={"run": f"python {path}", column: column}), answers, scored=scored)
    answers.take("data", repository.options.data, (found.source or "", f"{found.facts.path} evaluates on it"))
    created = FileChange(path=path, before=None, after=text, reason="predicts with the saved model")
    return Proposal(on_ramp="model", parts=parts, answers=tuple(answers.found), created=(created,), made=(saved.path,),
                    notes=("A pickle runs code when it is loaded; only your predict step loads it.",))  # fmt: skip


def _positive_code(found: _Found, parts: ConfigurationParts) -> str | None:
    """Return Python for the positive class if it is not the one with the last column of probabilities."""
    if parts.positive is None or found.label is None:
        return None
    values = [value for value, _ in found.label.counts]
    numbers = found.label.kind in {"integer", "real"}
    if parts.positive == (max(values, key=float) if numbers else max(values)):
        return None
    return (
        parts.positive if numbers else parts.positive.title() if found.label.kind == "boolean" else repr(parts.positive)
    )


def _with_addition(repository: Repository, found: _Found, parts: ConfigurationParts, answers: SetupAnswers) -> Proposal:
    files = _free(repository, "holdout.csv"), _free(repository, "predictions.csv")
    rows = replace(found.rows, key=None if parts.key == "row" else parts.key, label=parts.label or found.rows.label)
    added = write_addition(found.facts, found.point, rows, task=parts.task, positive=_positive_code(found, parts),
                           files=files)  # fmt: skip
    prefix = f"{found.home}/" if found.home else ""
    made = tuple(f"{prefix}{name}" for name in files)
    column = "score" if added.score else "decision"
    parts = replace(parts, data=made[0], key=added.key, predict={"file": made[1], column: column})
    parts = _add_gates(found, parts, answers, scored=bool(added.score))
    script = _change(repository, found.facts, added, files)
    note = (
        "Training chooses and labels the rows that it is judged on: the report notes it, and reviewers have to read "
        "changes to the split."
    )
    data = repository.options.data
    unused = f"--data {data} is not used: {found.facts.path} writes the rows that it tests on to {made[0]}."
    model = f"The model is `{found.point.model}`; if another one is yours, change the added lines."
    return Proposal(
        on_ramp="script",
        parts=parts,
        answers=tuple(answers.found),
        made=(*made, parts.artifact) if parts.artifact else made,
        script=script,
        notes=(
            note,
            *([unused] if data else ()),
            *([model] if found.point.model else ()),
            *([_LAST_EPOCH] if found.point.repeated else ()),
            *shuffle_notes(repository, found.facts),
            *source_notes(repository, found.facts, parts.train or "", found.home),
        ),
    )


def _change(repository: Repository, facts: ScriptFacts, added: ScriptAddition, files: tuple[str, str]) -> FileChange:
    """Return the change to the script, or to the notebook that it came from."""
    _check_python(facts.path, added.text)
    notebook = repository.notebooks.get(facts.path)
    before, after = facts.text, added.text
    if notebook is not None:
        before = repository.inventory.scripts[facts.path]
        after = write_notebook(before, notebook, added.text)
    places = [line_of(repository, facts, line) for line in (added.line, *added.seeded)]
    seeds = f", and a fixed seed in {', '.join(places[1:])}" if added.seeded else ""
    reason = f"writes {files[0]} and {files[1]} after {places[0]}{seeds}"
    source = repository.inventory.sources[facts.path]
    try:
        return FileChange(path=facts.path, before=source.stored(before), after=source.stored(after), reason=reason)
    except UnicodeEncodeError as error:
        raise InputError(
            f"{facts.path}: its encoding {source.encoding} lacks {error.object[error.start]!r}, which the lines that "
            "write predictions need; save the file as UTF-8, then run `mlci init` again"
        ) from error


def _free(repository: Repository, name: str) -> str:
    taken = any(path.rpartition("/")[2] == name for path in repository.inventory.files)
    return f"mlci_{name}" if taken else name


def _check_python(path: str, text: str) -> None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise InputError(
            f"{path}: the lines that write predictions could not be added (line {error.lineno}); add those of "
            "docs/how-to/start/gate-a-script-that-splits.md, then name the files with `--data` and `--predictions`"
        ) from None
