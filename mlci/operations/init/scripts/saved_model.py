"""Prediction with a pickled model: the lines of ``predict.py``."""

import ast
from dataclasses import dataclass
from typing import Literal

from mlci.operations.init.scripts.addition import Task
from mlci.operations.init.scripts.script_facts import EvaluationPoint, ScriptFacts
from mlci.operations.init.scripts.traced_values import UNKNOWN, trace

_READ = {".parquet": "read_parquet", ".pq": "read_parquet"}


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """A model that training pickles: its path, and the library that loads it."""

    path: str
    library: Literal["pickle", "joblib"]


def saved_model(facts: ScriptFacts, point: EvaluationPoint, home: str) -> SavedModel | None:
    """Return the pickle of the evaluated model; ``None`` if the script saves none at a path that its tree shows."""
    for item in facts.saved:
        library = item.writer.rpartition(".")[2]
        if item.variable == point.model and item.path and library in {"pickle", "joblib"}:
            path = item.path.removeprefix("./")
            return SavedModel(
                path=f"{home}/{path}" if home else path, library="joblib" if library == "joblib" else "pickle"
            )
    return None


def takes_columns(point: EvaluationPoint) -> bool:
    """Return whether the model gets the file's own columns, so that it can predict from the file alone."""
    features = trace(ast.parse(point.features, mode="eval").body, point.names) if point.features else UNKNOWN
    return features.kind == "frame" and not features.encoded and not features.changed and features.intact


def predict_script(
    point: EvaluationPoint,
    saved: SavedModel,
    *,
    key: str | None,
    task: Task,
    column: str,
    data: str,
    positive: str | None,
) -> str:
    """Return the text of ``predict.py``."""
    scored = task == "binary" and column == "score"
    chosen = "1" if positive is None else f"list(model.classes_).index({positive})"
    call = f"model.predict_proba(features)[:, {chosen}]" if scored else "model.predict(features)"
    suffix = f".{data.rpartition('.')[2]}"
    read = _READ.get(suffix, "read_csv")
    arguments = ', sep="\\t"' if suffix == ".tsv" else ""
    table = f'rows[["{key}"]].assign({column}=predictions)' if key else f"pandas.DataFrame({{{column!r}: predictions}})"
    lines = [
        f'"""Predictions of {point.model} for the rows that mlci evaluates."""',
        "",
        "import os",
        *(["import pickle"] if saved.library == "pickle" else []),
        "",
        *(["import joblib"] if saved.library == "joblib" else []),
        "import pandas",
        "",
        *(
            ['with open(os.getenv("MLCI_MODEL"), "rb") as file:', "    model = pickle.load(file)"]
            if saved.library == "pickle"
            else ['model = joblib.load(os.getenv("MLCI_MODEL"))']
        ),
        f'rows = pandas.{read}(os.getenv("MLCI_DATA"){arguments})',
        "features = rows[list(model.feature_names_in_)]",
        f"predictions = {call}",
        f'{table}.to_csv(os.getenv("MLCI_PREDICTIONS"), index=False)',
    ]
    return "\n".join(lines) + "\n"
