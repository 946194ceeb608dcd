"""On-ramp of a saved model: `predict.py` scores rows that are a table of their own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from mlci.engine.tables.column_summary import TableSummary
from mlci.errors import InputError
from mlci.operations.init.check_options import check_columns, refuse_positive, refuse_unfit_positive
from mlci.operations.init.columns import EVALUATED_NAME, find_label
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
from mlci.operations.init.proposal import ConfigurationParts, FileChange, Proposal, SetupAnswers
from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.addition import (
    HoldoutRows,
    SavedModel,
    has_probabilities,
    predict_script,
    saved_model,
    takes_columns,
    trace_features,
)
from mlci.operations.init.scripts.script_facts import EvaluationPoint, ScriptFacts
from mlci.operations.init.training_command import resolve_read

HELPER_NAME = re.compile(r"scal|encod|vector|tfidf|preproc|transform|imput|column|feature|mapping|label", re.IGNORECASE)
"""Name of a saved file that is a step before the model, such as a scaler."""
PICKLE_NOTE = "A pickle runs code when it is loaded; only your predict step loads it."
_SHARED = (
    "{script} does not read {data}, so it was assumed that none of its rows are among those that the model is trained "
    "on; a model that has seen them looks better than it is."
)
_PAGE = "docs/how-to/start/score-a-saved-model.md"


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A model that a script trains and saves, and that it evaluates nowhere.

    Attributes:
        facts: The script.
        training: Place at which the model is fitted.
        saved: The saved file.
        home: Folder of the script's relative paths.
        source: Table that it is trained on, if that is known.
    """

    facts: ScriptFacts
    training: EvaluationPoint
    saved: SavedModel
    home: str
    source: str | None


def propose_model(repository: Repository) -> Proposal | None:
    """Return the proposal for a model that a script trains and saves, and labelled rows that it does not read.

    Raises:
        InputError: if the user named rows that can't be used.
    """
    for model in trained_models(repository):
        if (table := _evaluation_table(repository, model)) is not None and (
            proposal := _propose(repository, model, table)
        ) is not None:
            return proposal
    if repository.options.data and (reason := explain_untested(repository)):
        raise InputError(reason)
    return None


def explain_untested(repository: Repository) -> str:
    """Return why a model that a script saves can't be evaluated, and what to do; empty without such a model."""
    model = next(trained_models(repository), None)
    if model is None:
        return ""
    script, path = model.facts.path, model.saved.path
    if trace_features(model.training).kind == "unknown":
        return (
            f"{script} trains on {model.training.features}, and init can't tell which columns of a table these are, so "
            f"{path} alone can't predict: write predict.py as in {_PAGE}; or let {script} write its test part and "
            "predictions, as in docs/how-to/start/gate-a-script-that-splits.md"
        )
    if not takes_columns(model.training):
        return (
            f"{script} changes the columns before it trains, so {path} alone can't predict from a table: save a "
            f"Pipeline that has these steps, or write predict.py as in {_PAGE}"
        )
    if model.training.label_value.encoded and model.training.label_value.equals is None:
        return (
            f"{script} replaces the labels by codes before it trains, so what {path} predicts can't be compared with "
            f"the labels of a table: write predict.py, which turns codes back into labels, as in {_PAGE}"
        )
    label = model.training.label_value.column
    named = f" --label {label}" if isinstance(label, str) else " --label COLUMN"
    trained = f" on {model.source}" if model.source else ""
    return (
        f"{script} trains{trained} and saves {path}, and evaluates it on no rows. Name a table of labelled rows that "
        f"it is not trained on: `mlci init --data holdout.csv{named}`; or let {script} keep rows back with "
        "train_test_split and print a score of them, then run `mlci init` again, which adds the lines that write them"
    )


def trained_models(repository: Repository) -> Iterator[TrainedModel]:
    """Yield the models that scripts train and save, the most likely script first."""
    wanted = repository.options.script
    for facts in repository.scripts:
        if wanted not in {None, facts.path} or not facts.trainings:
            continue
        home = repository.training(facts)[1]
        for item in facts.saved:
            same = [one for one in facts.trainings if one.model == item.variable] or facts.trainings
            training = replace(same[-1], model=item.variable)
            if (saved := saved_model(facts, training, home)) is None or saved.path.endswith(tuple(_helpers(facts))):
                continue
            path = training.label_value.path
            source = resolve_read(repository.inventory, path, home) if path and ":" not in path else None
            yield TrainedModel(facts=facts, training=training, saved=saved, home=home, source=source)


def _helpers(facts: ScriptFacts) -> list[str]:
    """Return saved files that are not models, by their names, if the script saves others, too."""
    paths = [item.path for item in facts.saved if item.path]
    helpers = [path for path in paths if HELPER_NAME.search(PurePosixPath(path).stem)]
    return helpers if len(helpers) < len(paths) else []


def _evaluation_table(repository: Repository, model: TrainedModel) -> TableSummary | None:
    """Return the named table, or one by its name that has the label and the columns that the model is trained on.

    Raises:
        InputError: if the named one is that of the training.
    """
    given = repository.options.data
    label = repository.options.label or model.training.label_value.column
    if given is not None and given == model.source:
        raise InputError(
            f"--data {given}: {model.facts.path} trains on it, and rows that a model has seen say nothing about it; "
            "name a table of other labelled rows"
        )
    if given is not None:
        table = repository.summarize(given)
        check_columns("label", [repository.options.label], table.names, given)
        return table
    trained = repository.table(model.source)
    needed = set(trained.names) - trace_features(model.training).removed if trained else set()
    for path in evaluated_tables(repository):
        if path == model.source or (found := repository.table(path)) is None:
            continue
        column = found.find(str(label)) if isinstance(label, str) else None
        if column is not None and not column.missing and needed <= set(found.names):
            return found
    return None


def evaluated_tables(repository: Repository) -> list[str]:
    """Return tables whose names are those of evaluation sets, the nearest first."""
    tables = [
        path for path in repository.inventory.tables if EVALUATED_NAME.search(PurePosixPath(path).name.split(".")[0])
    ]
    return sorted(tables, key=lambda path: (path.count("/"), path))


def _propose(repository: Repository, model: TrainedModel, table: TableSummary) -> Proposal | None:
    """Return the proposal; ``None`` if the saved model does not predict the table's labels from its columns."""
    options, value = repository.options, model.training.label_value
    label = options.label or (value.column if isinstance(value.column, str) else None) or named_label(table)
    if label is None or table.find(label) is None:
        return None
    rows = HoldoutRows(expression="", label=label, columns=frozenset(table.names))
    found = ScriptRows(facts=model.facts, point=model.training, rows=rows, table=table, source=table.path,
                       home=model.home, apart=True)  # fmt: skip
    answers = SetupAnswers()
    name = answers.take("model", options.model, repository.model_name)
    command, _, reason = repository.training(model.facts)
    train = answers.take("train", options.train, (command, reason)) or command
    task = choose_task(answers, repository, found)
    if not is_evaluated_file(found, task, options.positive):
        return None
    answers.take("label", options.label, (label, label_reason(found)))
    refuse_unfit_positive(task, options.positive)
    refuse_positive(options.positive, found.label)
    positive = choose_positive(answers, repository, found, task, from_file=True)
    names = found.rows.columns or frozenset()
    key = choose_key(answers, repository, found, names - {label}, from_file=True)
    slices = choose_slices(answers, repository, found, names - {label, key or ""})
    parts = ConfigurationParts(model=name or "model", task=task, label=label, positive=positive, slices=slices,
                               train=train, key=key)  # fmt: skip
    why = f"its name is that of an evaluation set, and {model.facts.path} does not read it"
    proposal = predict_with_model(repository, found, parts, answers, model.saved, why=why)
    shared = _SHARED.format(script=model.facts.path, data=table.path)
    return replace(proposal, notes=(*proposal.notes, shared))


def named_label(table: TableSummary) -> str | None:
    """Return the column whose name is that of a label."""
    found = find_label(table)
    return found[0] if found else None


def predict_with_model(
    repository: Repository,
    found: ScriptRows,
    parts: ConfigurationParts,
    answers: SetupAnswers,
    saved: SavedModel,
    *,
    why: str,
) -> Proposal:
    """Return the proposal with a `predict.py` that scores the rows by the model that training saves.

    Args:
        repository: The repository.
        found: The rows.
        parts: The configuration without data, predictions and gates.
        answers: Answers so far.
        saved: The saved model.
        why: Reason for the evaluation set.
    """
    named = found.table is not None and parts.key in found.table.names
    parts = replace(parts, data=found.source, artifact=saved.path, key=parts.key if named else None)
    scored = parts.task == "regression" or (parts.task == "binary" and has_probabilities(found.point.estimator or ""))
    column = "score" if scored else "decision"
    text = predict_script(found.point.model or "the model", saved, key=parts.key, task=parts.rows_task, column=column,
                          data=found.source or "", positive=positive_code(found, parts))  # fmt: skip
    path = free_script(repository)
    parts = add_gates(found, replace(parts, predict={"run": f"python {path}", column: column}), answers, scored=scored)
    answers.take("data", repository.options.data, (found.source or "", why))
    created = FileChange(path=path, before=None, after=text, reason="predicts with the saved model")
    return Proposal(on_ramp="model", parts=parts, answers=tuple(answers.found), created=(created,), made=(saved.path,),
                    notes=(PICKLE_NOTE,))  # fmt: skip


def free_script(repository: Repository) -> str:
    """Return a name for the new script that no file has."""
    names = ("predict.py", "mlci_predict.py", "predict_mlci.py")
    return next(name for name in names if name not in repository.inventory.files)
