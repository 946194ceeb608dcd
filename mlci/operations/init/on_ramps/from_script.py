"""On-ramp of a training script: it writes its test part and its predictions, or a saved model predicts."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath
from shlex import quote

from mlci.errors import InputError
from mlci.operations.init.check_options import check_columns, refuse_positive, refuse_unfit_positive
from mlci.operations.init.notes import line_of, shuffle_notes, source_notes
from mlci.operations.init.on_ramps.evaluated_rows import (
    ScriptRows,
    add_gates,
    choose_key,
    choose_positive,
    choose_slices,
    choose_task,
    is_evaluated_file,
    label_reason,
    positive_code,
)
from mlci.operations.init.on_ramps.from_model import predict_with_model
from mlci.operations.init.proposal import ConfigurationParts, FileChange, Proposal, SetupAnswers
from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.addition import (
    ScriptAddition,
    find_rows,
    saved_model,
    write_addition,
)
from mlci.operations.init.scripts.notebook import write_notebook
from mlci.operations.init.scripts.script_facts import EvaluationPoint, ScriptFacts, choose_point
from mlci.operations.init.training_command import resolve_read

_MOST_OTHERS = 5
_LAST_EPOCH = (
    "Each epoch writes both files again, so the last epoch counts. If your script keeps the model of the best epoch, "
    "move the added lines to where that model predicts."
)


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
    task = choose_task(answers, repository, found)
    label = answers.take("label", repository.options.label, (found.rows.label, label_reason(found)))
    saved = saved_model(facts, point, home)
    from_file = is_evaluated_file(found, task, repository.options.positive)
    coded = point.label_value.encoded and not from_file
    refuse_unfit_positive(task, repository.options.positive, coded_by=facts.path if coded else None)
    positive = choose_positive(answers, repository, found, task, from_file=from_file)
    names = frozenset(found.rows.columns or ()) - {label}
    key = choose_key(answers, repository, found, names, from_file=from_file)
    slices = choose_slices(answers, repository, found, names - {key or ""})
    parts = ConfigurationParts(model=model or "model", task=task, label=label, positive=positive, slices=slices,
                               train=train, key=key)  # fmt: skip
    if saved and from_file:
        return predict_with_model(repository, found, parts, answers, saved, why=f"{facts.path} evaluates on it")
    proposal = _with_addition(repository, found, replace(parts, artifact=saved.path if saved else None), answers)
    if saved is None or not found.from_test_file:
        return proposal
    why = (
        f"{facts.path} writes the rows of {found.source}, because it changes their labels or columns first, and "
        f"{saved.path} alone can't be compared with the file."
    )
    return replace(proposal, notes=(*proposal.notes, why))


def _look(repository: Repository, facts: ScriptFacts, point: EvaluationPoint, home: str) -> ScriptRows:
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
    return ScriptRows(facts=facts, point=point, rows=rows, table=table, source=source, home=home)


def _check(repository: Repository, found: ScriptRows) -> None:
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


def _with_addition(
    repository: Repository, found: ScriptRows, parts: ConfigurationParts, answers: SetupAnswers
) -> Proposal:
    files = _free(repository, "holdout.csv"), _free(repository, "predictions.csv")
    rows = replace(found.rows, key=None if parts.key == "row" else parts.key, label=parts.label or found.rows.label)
    added = write_addition(found.facts, found.point, rows, task=parts.rows_task, positive=positive_code(found, parts),
                           files=files)  # fmt: skip
    prefix = f"{found.home}/" if found.home else ""
    made = tuple(f"{prefix}{name}" for name in files)
    column = "score" if added.score else "decision"
    parts = replace(parts, data=made[0], key=added.key, predict={"file": made[1], column: column})
    parts = add_gates(found, parts, answers, scored=bool(added.score))
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
