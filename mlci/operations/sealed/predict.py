"""Untrusted half of sealed mode: train and predict in the pull request's checkout, and write two files.

It runs beside the pull request's code, without a token, and needs no labels. Nothing that it writes is believed: the
gate reads the predictions as data, and the manifest only appears in messages.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from mlci.config.models import RowsConfig
from mlci.engine.export.predictions_csv import write_predictions_csv
from mlci.engine.tables.table_path import LabelFile, labels_of, table_path
from mlci.errors import InputError
from mlci.operations.context import RowsContext, RunContext, resolve_path
from mlci.operations.models import predictions
from mlci.sealed.artifact import MANIFEST, PREDICTIONS, artifact_of

FILES = (PREDICTIONS, MANIFEST)
SCHEMA = 1
_NO_ROWS = (
    "sealed mode compares predictions row by row, and a metrics file has no rows; predict with "
    "`predict: {run: python predict.py}`"
)
_NO_RANKING = "sealed mode does not support `task: ranking`; evaluate it with `mlci run`"
_NO_KEY = (
    "sealed mode joins predictions to the evaluation set of the base branch by a key; name the column that identifies "
    "a row: `key: id`"
)


@dataclass(frozen=True, kw_only=True)
class SealedFiles:
    """The two files for the gate.

    Attributes:
        folder: Folder that holds nothing else.
        artifact: Name under which a workflow uploads the folder.
        rows: Number of predictions.
    """

    folder: Path
    artifact: str
    rows: int


def predict_sealed(context: RunContext, out: Path, *, run_id: str | None) -> SealedFiles:
    """Train, predict on the features of the evaluation set, and write the files for the gate.

    Args:
        context: The run, without a registry.
        out: Folder for the files; it is created, and may hold those of an earlier run only.
        run_id: The workflow run, for messages.

    Raises:
        InputError: if the configuration has no rows or no key, the evaluation set or a prediction is missing, or the
            folder has other files.
        StepError: if a step of the user failed.
    """
    config = context.config
    if not isinstance(config, RowsConfig):
        raise InputError(context.loaded.problem(_NO_ROWS, "predict", "metrics"))
    if config.task == "ranking":
        raise InputError(context.loaded.problem(_NO_RANKING, "task"))
    rows, key = context.with_config(config), config.evaluation.key
    if key is None:
        raise InputError(context.loaded.problem(_NO_KEY, "evaluation"))
    predictions.check_model_file(rows)
    data = _features_path(rows, key)
    prepare_folder(out)
    made = predictions.make_predictions(rows, predictions.candidate_steps(context), data=data)
    written = context.scratch / PREDICTIONS
    count = write_predictions_csv(data, made.source, key, written)
    shutil.move(written, out / PREDICTIONS)
    (out / MANIFEST).write_text(_manifest(context, count, run_id), encoding="utf-8", newline="\n")
    return SealedFiles(folder=out, artifact=artifact_of(config.model), rows=count)


def prepare_folder(out: Path) -> None:
    """Create the folder, without the files of an earlier run.

    Raises:
        InputError: if it holds other files, which would be uploaded too, or can't be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        others = sorted(path.name for path in out.iterdir() if path.name not in FILES)
        if others:
            found = f"{out} holds {others[0]!r}, and everything in it would be uploaded"
            raise InputError(f"{found}; choose an empty folder with --out")
        for name in FILES:
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"can't write to {out}: {error.strerror}; choose another folder with --out") from error


def _features_path(context: RowsContext, key: str) -> str:
    """Return the path of the evaluation set; one without the label's column counts as features alone.

    Raises:
        InputError: if the file or its key is missing.
    """
    evaluation = context.config.evaluation
    where = resolve_path(evaluation.data, context.folder)
    names = _columns(context, table_path(where, table=evaluation.table, columns=(key,)))
    if key not in names:
        listed = ", ".join(map(repr, names[:10]))
        message = f"`{evaluation.data}` has no column {key!r}; there are {listed}"
        raise InputError(context.loaded.problem(message, "evaluation", "key"))
    apart = labels_of(context.data) or (None if evaluation.label in names else LabelFile("", key, evaluation.label))
    columns = (key, None if apart else evaluation.label)
    return table_path(where, table=evaluation.table, labels=apart, columns=columns)


def _columns(context: RowsContext, path: str) -> tuple[str, ...]:
    if context.survey is None:
        raise ValueError("the run context has no survey")
    return context.survey(path, "").columns


def _manifest(context: RunContext, rows: int, run_id: str | None) -> str:
    document = {
        "schema": SCHEMA,
        "model": context.config.model,
        "commit": context.facts.candidate.commit,
        "run_id": run_id,
        "rows": rows,
        "mlci": context.version,
    }
    return json.dumps(document, indent=2) + "\n"
