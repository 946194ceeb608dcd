"""Smallest addition to a repository: lines of a training script that write its test part, or a ``predict.py``."""

import ast
import keyword
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlci.operations.init.scripts.batches import COLLECTED_DECISIONS, COLLECTED_LABELS
from mlci.operations.init.scripts.script_facts import EvaluationPoint, ScriptFacts
from mlci.operations.init.scripts.traced_values import trace
from mlci.operations.init.scripts.values import UNKNOWN, TracedValue

Task = Literal["binary", "multiclass", "regression"]
SEED = 42
_WITHOUT_PROBABILITIES = {
    "SVC", "LinearSVC", "NuSVC", "Perceptron", "RidgeClassifier", "RidgeClassifierCV", "PassiveAggressiveClassifier",
    "NearestCentroid", "SGDClassifier",
}  # fmt: skip
_RAW_OUTPUT = ("keras.", "xgboost.Booster", "lightgbm.Booster")
"""Beginnings of classes whose ``predict`` returns probabilities."""
_COLUMN_OUTPUT = ("CatBoost", *_RAW_OUTPUT)
"""Beginnings of classes whose predictions may have more than one dimension."""
_COMMENT = "# mlci: the rows kept for the test, and the model's predictions for them"
_READ = {".parquet": "read_parquet", ".pq": "read_parquet"}


@dataclass(frozen=True, kw_only=True)
class HoldoutRows:
    """The evaluation set that a script can write.

    Attributes:
        expression: Python for a data frame with the rows of the test part and their labels.
        label: Column of the label.
        columns: Columns of the file that it has; ``None`` if the script does not show them.
        key: Column that identifies a row; ``None`` if the frame's index has to become one.
        only: Python for the labels, if nothing else is known of the rows.
    """

    expression: str
    label: str
    columns: frozenset[str] | None
    key: str | None = None
    only: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScriptAddition:
    """The changed script, with what its two new files contain.

    Attributes:
        text: The whole script after the change.
        line: Line of the old script after which lines were inserted.
        seeded: Lines of the old script to which a seed was added.
        key, label: Columns of the evaluation set.
        score, decision: Columns of the predictions.
    """

    text: str
    line: int
    seeded: tuple[int, ...]
    key: str
    label: str
    score: str | None = None
    decision: str | None = None


def find_rows(
    point: EvaluationPoint,
    columns: Sequence[str] | None,
    *,
    splits: Sequence[ast.Call],
    pandas: str,
    label: str | None,
) -> HoldoutRows:
    """Return the evaluation set that is known at a point: with as many columns of the file as possible.

    Args:
        point: Place at which labels are known.
        columns: Columns of the file that the script reads; ``None`` if it is not known.
        splits: Calls of ``train_test_split`` in the script.
        pandas: Name under which the script has pandas.
        label: Column of the label, if the user named it.
    """
    labels = point.label_value
    name = label or _label_name(labels, columns)
    home = point.names.get(labels.frame or "", UNKNOWN)
    if home.kind == "frame" and home.part == "test" and labels.frame and labels.kind in {"series", "frame"}:
        coded = labels.encoded and name not in home.changed
        given = _assign(name, point.labels) if coded else ""
        return HoldoutRows(expression=f"{labels.frame}{given}", label=name, columns=_left(home, columns))
    index = _indexed(point)
    if index and not home.intact and (complete := _complete_frame(point)) is not None:
        variable, frame = complete
        expression = f"{variable}.loc[{index}.index]{_assign(name, point.labels)}"
        return HoldoutRows(expression=expression, label=name, columns=_left(frame, columns))
    if home.kind == "frame" and home.part is None and labels.frame and index:
        given = "" if _is_column(labels, home, name) else _assign(name, point.labels)
        return HoldoutRows(
            expression=f"{labels.frame}.loc[{index}.index]{given}", label=name, columns=_left(home, columns)
        )
    if home.kind == "frame" and home.part is None and (again := _same_split_of(point, splits, labels.frame or "")):
        kept = _left(home, columns)
        return HoldoutRows(expression=f"{again}{_assign(name, point.labels)}", label=name, columns=kept)
    features = point.names.get(point.features or "", UNKNOWN)
    if features.kind == "frame" and labels.kind in {"series", "array"}:
        kept = _left(features, columns)
        return HoldoutRows(expression=f"{point.features}{_assign(name, point.labels)}", label=name, columns=kept)
    listed = point.labels if point.batches is None else COLLECTED_LABELS
    squeezed = f"{listed}.squeeze()" if labels.kind == "frame" else listed
    expression = f"{pandas}.DataFrame({{{name!r}: {squeezed}}})"
    return HoldoutRows(expression=expression, label=name, columns=frozenset(), only=squeezed)


def _label_name(labels: TracedValue, columns: Sequence[str] | None) -> str:
    column = labels.column
    if isinstance(column, int) and columns and -len(columns) <= column < len(columns):
        return columns[column]
    return column if isinstance(column, str) else "label"


def _left(frame: TracedValue, columns: Sequence[str] | None) -> frozenset[str] | None:
    """Return the columns of the file that a frame still has with their cells; ``None`` if that is not known."""
    if columns is None or not frame.intact:
        return None
    return frozenset(columns) - frame.removed - frame.changed


def _indexed(point: EvaluationPoint) -> str | None:
    """Return a variable of the test part that still has the index of the file's rows."""
    labels = point.label_value
    features = point.names.get(point.features or "", UNKNOWN)
    if labels.kind in {"series", "frame"} and labels.part == "test" and point.labels.isidentifier():
        return point.labels
    if features.kind in {"series", "frame"} and features.part == "test" and features.frame == labels.frame:
        return point.features
    return None


def _complete_frame(point: EvaluationPoint) -> tuple[str, TracedValue] | None:
    """Return a variable that has the columns of the file where the labels' frame has not, such as one-hot columns.

    The index of both has to be that of the file.
    """
    labels = point.label_value
    fitting = [
        (name, value)
        for name, value in point.names.items()
        if (value.kind, value.part, value.path, value.reindexed) == ("frame", None, labels.path, labels.reindexed)
        and value.intact
        and labels.path
    ]
    return min(fitting, key=lambda item: len(item[1].removed | item[1].changed), default=None)


def _same_split_of(point: EvaluationPoint, splits: Sequence[ast.Call], frame: str) -> str | None:
    """Return Python that splits a frame as its arrays were split, because arrays have no index; ``None`` if unsure.

    The same seed and number of rows choose the same rows.
    """
    whole = point.label_value.whole
    if len(splits) != 1 or whole is None or whole.kind != "array" or point.helper:
        return None
    call = splits[0]
    keywords = [item for item in call.keywords if item.arg not in {"random_state", None}]
    given = next((item.value for item in call.keywords if item.arg == "random_state"), None)
    fixed = given is not None and not (isinstance(given, ast.Constant) and given.value is None)
    seed = given if fixed and given is not None else ast.Constant(value=SEED)
    if not any(item.arg == "shuffle" for item in keywords):
        keywords.append(ast.keyword(arg="random_state", value=seed))
    again = ast.Call(func=call.func, args=[ast.Name(id=frame, ctx=ast.Load())], keywords=keywords)
    return f"{ast.unparse(again)}[1]"


def _is_column(labels: TracedValue, home: TracedValue, name: str) -> bool:
    return labels.kind == "series" and labels.column == name and not labels.encoded and name not in home.removed


def _assign(name: str, value: str) -> str:
    if name.isidentifier() and not keyword.iskeyword(name):
        return f".assign({name}={value})"
    return f".assign(**{{{name!r}: {value}}})"


def write_addition(
    facts: ScriptFacts,
    point: EvaluationPoint,
    rows: HoldoutRows,
    *,
    task: Task,
    positive: str | None,
    files: tuple[str, str],
) -> ScriptAddition:
    """Return the script with the lines that write the evaluation set and the predictions.

    Args:
        facts: The script.
        point: Place after which the lines are inserted.
        rows: The evaluation set.
        task: Task of the model, which decides if scores or decisions are written.
        positive: Python for the positive class if it is not the last one; ``None`` uses the last one.
        files: Names of the evaluation set and of the predictions.
    """
    column, predicted = _predictions(point, task, positive)
    predicted = COLLECTED_DECISIONS if point.batches is not None else predicted
    key = rows.key or "row"
    if facts.pandas is None and rows.only is not None:
        lines = _plain_lines(rows, column, predicted, files)
    else:
        lines = _pandas_lines(facts, rows, column, predicted, files)
    if any(f"{facts.numpy or 'numpy'}.ravel" in line for line in lines) and facts.numpy is None:
        lines.insert(0, "import numpy")
    text = _insert(_seed(facts), point, [_COMMENT, *lines])
    return ScriptAddition(
        text=text,
        line=_last_line(point.statement),
        seeded=tuple(sorted({call.node.lineno for call in facts.unseeded})),
        key=key,
        label=rows.label,
        **{column: column},
    )


def _pandas_lines(
    facts: ScriptFacts, rows: HoldoutRows, column: str, predicted: str, files: tuple[str, str]
) -> list[str]:
    key = rows.key or "row"
    needed = facts.pandas is None and rows.expression.startswith("pandas.")
    return [
        *(["import pandas"] if needed else []),
        f"holdout = {rows.expression}" + ("" if rows.key else '.rename_axis("row").reset_index()'),
        f'holdout.to_csv("{files[0]}", index=False)',
        f'holdout[["{key}"]].assign({column}={predicted}).to_csv("{files[1]}", index=False)',
    ]


def _plain_lines(rows: HoldoutRows, column: str, predicted: str, files: tuple[str, str]) -> list[str]:
    """Return lines that need nothing but the standard library."""
    lines = ["import csv"]
    for name, head, values in ((files[0], rows.label, rows.only), (files[1], column, predicted)):
        lines.append(f'with open("{name}", "w", newline="") as file:')
        lines.append(f'    csv.writer(file).writerows([("row", "{head}"), *enumerate({values})])')
    return lines


def _predictions(point: EvaluationPoint, task: Task, positive: str | None) -> tuple[Literal["score", "decision"], str]:
    """Return the column of the predictions, and Python for them."""
    estimator = point.estimator or ""
    values = point.decision or point.score or ""
    if task == "regression":
        return "score", _flat(values, estimator)
    raw = estimator.startswith(_RAW_OUTPUT) and point.features is not None
    if task == "binary" and raw:
        return "score", _flat(values, estimator)
    if task == "binary" and point.model and point.features and has_probabilities(estimator):
        chosen = "1" if positive is None else f"list({point.model}.classes_).index({positive})"
        return "score", f"{point.model}.predict_proba({point.features})[:, {chosen}]"
    if task == "binary" and point.score and not point.decision:
        return "score", _flat(point.score, estimator)
    if point.decision is None and point.model and point.features:
        return "decision", f"{point.model}.predict({point.features})"
    return "decision", f"{values}.argmax(axis=1)" if raw else _flat(values, estimator)


def has_probabilities(estimator: str) -> bool:
    """Return whether a classifier has ``predict_proba``, by the name of its class."""
    classifier = estimator.endswith(("Classifier", "NB", "DiscriminantAnalysis", "LogisticRegressionCV"))
    return (classifier or estimator == "LogisticRegression") and estimator not in _WITHOUT_PROBABILITIES


def _flat(expression: str, estimator: str) -> str:
    return f"{expression}.ravel()" if estimator.startswith(_COLUMN_OUTPUT) else expression


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _seed(facts: ScriptFacts) -> list[str]:
    """Return the lines of the script with a fixed seed in every call that chooses rows."""
    lines = facts.text.splitlines(keepends=True)
    for call in sorted((found.node for found in facts.unseeded), key=_last_place, reverse=True):
        end, column = (call.end_lineno or call.lineno) - 1, (call.end_col_offset or 1) - 1
        given = next((item for item in call.keywords if item.arg == "random_state"), None)
        if given is not None:
            at, start = given.value.lineno - 1, given.value.col_offset
            lines[at] = _replaced(lines[at], start, given.value.end_col_offset or start, str(SEED))
            continue
        lines[end] = _with_argument(lines, call, end, column)
    return lines


def _last_place(node: ast.Call) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _with_argument(lines: list[str], call: ast.Call, end: int, column: int) -> str:
    """Return the last line of a call with one more argument before its closing parenthesis."""
    before = lines[end].encode()[:column].decode()
    argument = f"random_state={SEED}"
    if before.strip():
        comma = "" if before.rstrip().endswith((",", "(")) else ","
        blank = "" if before.endswith((" ", "(")) else " "
        return _replaced(lines[end], column, column, f"{comma}{blank}{argument}")
    previous = lines[end - 1]
    indent = previous[: len(previous) - len(previous.lstrip())]
    body, ending = previous.rstrip("\r\n"), previous[len(previous.rstrip("\r\n")) :]
    if not body.rstrip().endswith(","):
        last = max((*call.args, *(item.value for item in call.keywords)), key=lambda node: node.end_col_offset or 0)
        lines[end - 1] = _replaced(previous, last.end_col_offset or len(body), last.end_col_offset or len(body), ",")
    return f"{indent}{argument},{ending}{lines[end]}"


def _replaced(line: str, start: int, end: int, text: str) -> str:
    """Replace a part of a line by its positions in UTF-8, which syntax trees have."""
    data = line.encode()
    return data[:start].decode() + text + data[end:].decode()


def _insert(lines: list[str], point: EvaluationPoint, added: list[str]) -> str:
    """Return the script with lines after a point; after the loop over batches if it is in one, which fills lists."""
    ending, statement, loop = "\r\n" if lines[0].endswith("\r\n") else "\n", point.statement, point.batches

    def block(like: ast.stmt, texts: list[str]) -> list[str]:
        first = lines[like.lineno - 1]
        indent = first[: len(first) - len(first.lstrip())]
        return [f"{indent}{text}{ending}" for text in texts]

    parts: list[tuple[int, list[str]]] = []
    if loop is None:
        at = statement.lineno - 1 if isinstance(statement, ast.Return) else _last_line(statement)
        parts.append((at, block(statement, added)))
    else:
        filled = [f"{COLLECTED_LABELS}.extend({point.labels})", f"{COLLECTED_DECISIONS}.extend({point.decision})"]
        parts.append((loop.lineno - 1, block(loop, [f"{COLLECTED_LABELS}, {COLLECTED_DECISIONS} = [], []"])))
        parts.append((_last_line(statement), block(statement, filled)))
        parts.append((_last_line(loop), block(loop, added)))
    if parts[-1][0] and not lines[parts[-1][0] - 1].endswith("\n"):
        lines[parts[-1][0] - 1] += ending
    parts.sort(key=lambda part: part[0])
    for at, texts in reversed(parts):
        lines[at:at] = texts
    return "".join(lines)


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
            place = f"{home}/{path}" if home else path
            if ".." in path.split("/"):  # from the script's own folder, as `os.path.dirname(__file__)` begins
                place = posixpath.normpath(posixpath.join(posixpath.dirname(facts.path), path))
            return SavedModel(path=place, library="joblib" if library == "joblib" else "pickle")
    return None


def trace_features(point: EvaluationPoint) -> TracedValue:
    """Return what the features of a point are."""
    return trace(ast.parse(point.features, mode="eval").body, point.names) if point.features else UNKNOWN


def takes_columns(point: EvaluationPoint) -> bool:
    """Return whether the model gets the file's own columns, so that it can predict from the file alone."""
    features = trace_features(point)
    return features.kind == "frame" and not features.encoded and not features.changed and features.intact


def predict_script(
    model: str,
    saved: SavedModel,
    *,
    key: str | None,
    task: Task,
    column: str,
    data: str,
    positive: str | None,
    trained: bool = True,
) -> str:
    """Return the text of ``predict.py``; ``trained`` is whether mlci names the model that training just wrote."""
    scored = task == "binary" and column == "score"
    chosen = "1" if positive is None else f"list(model.classes_).index({positive})"
    call = f"model.predict_proba(features)[:, {chosen}]" if scored else "model.predict(features)"
    suffix = f".{data.rpartition('.')[2]}"
    read = _READ.get(suffix, "read_csv")
    arguments = ', sep="\\t"' if suffix == ".tsv" else ""
    table = f'rows[["{key}"]].assign({column}=predictions)' if key else f"pandas.DataFrame({{{column!r}: predictions}})"
    where = 'os.getenv("MLCI_MODEL")' if trained else f'"{saved.path}"'
    lines = [
        f'"""Predictions of {model} for the rows that mlci evaluates."""',
        "",
        "import os",
        *(["import pickle"] if saved.library == "pickle" else []),
        "",
        *(["import joblib"] if saved.library == "joblib" else []),
        "import pandas",
        "",
        *(
            [f'with open({where}, "rb") as file:', "    model = pickle.load(file)"]
            if saved.library == "pickle"
            else [f"model = joblib.load({where})"]
        ),
        f'rows = pandas.{read}(os.getenv("MLCI_DATA"){arguments})',
        "features = rows[list(model.feature_names_in_)]",
        f"predictions = {call}",
        f'{table}.to_csv(os.getenv("MLCI_PREDICTIONS"), index=False)',
    ]
    return "\n".join(lines) + "\n"
