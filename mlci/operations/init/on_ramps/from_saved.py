"""On-ramp of a model in the repository that no script was seen to train."""

from dataclasses import replace
from pathlib import PurePosixPath

from mlci.engine.tables.column_summary import ColumnSummary, TableSummary
from mlci.operations.init.columns import find_key
from mlci.operations.init.margins import propose_gates
from mlci.operations.init.on_ramps.from_model import (
    HELPER_NAME,
    PICKLE_NOTE,
    evaluated_tables,
    free_script,
    named_label,
    trained_models,
)
from mlci.operations.init.on_ramps.labelled_table import count_positives, describe_table
from mlci.operations.init.proposal import FileChange, Proposal, SetupAnswers
from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.addition import SavedModel, predict_script

_PICKLES = (".pkl", ".pickle", ".joblib")
_GUESSED = (
    "No script was seen to train {model}: {script} assumes that it is a scikit-learn model that was fitted on a frame, "
    "whose columns are in `feature_names_in_`; change that line if it is another one."
)


def propose_saved(repository: Repository) -> Proposal | None:
    """Return the proposal for the one saved model of a repository, and a labelled table; ``None`` without both."""
    models = [path for path in repository.inventory.models if path.endswith(_PICKLES)]
    models = [path for path in models if not HELPER_NAME.search(PurePosixPath(path).stem)]
    if len(models) != 1 or next(trained_models(repository), None) is not None:
        return None
    options = repository.options
    table = repository.table(options.data or next(iter(evaluated_tables(repository)), None))
    label = table.find(options.label or named_label(table) or "") if table else None
    return None if table is None or label is None else _propose(repository, models[0], table, label)


def _propose(repository: Repository, model: str, table: TableSummary, label: ColumnSummary) -> Proposal:
    answers = SetupAnswers()
    key = find_key(table, frozenset(table.names) - {label.name})
    parts, slices = describe_table(repository, answers, table, label,
                                   key=(key, "it is different in every row") if key else None)  # fmt: skip
    train = answers.take("train", repository.options.train, None)
    column = "score" if parts.task == "regression" else "decision"
    saved = SavedModel(path=model, library="joblib" if model.endswith(".joblib") else "pickle")
    text = predict_script(model, saved, key=parts.key, task=parts.rows_task, column=column, data=table.path,
                          positive=None, trained=False)  # fmt: skip
    positives = count_positives(label, parts.positive) if parts.task == "binary" else None
    gates = propose_gates(parts.rows_task, rows=table.rows, positives=positives, scored=False, slices=slices, share=1.0)
    answers.gates(gates)
    script = free_script(repository)
    predict = {"run": f"python {script}", column: column}
    return Proposal(
        on_ramp="model",
        parts=replace(parts, train=train, predict=predict, gates=tuple(gates)),
        answers=tuple(answers.found),
        created=(FileChange(path=script, before=None, after=text, reason="predicts with the saved model"),),
        notes=(PICKLE_NOTE, _GUESSED.format(script=script, model=model)),
    )
