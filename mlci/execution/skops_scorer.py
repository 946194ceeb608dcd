"""Score a skops model; run as ``python -m mlci.execution.skops_scorer request.json`` in a child process.

The request is written by :mod:`mlci.execution.skops_stage`. The answer is a JSON file: columns, seconds and notes, or
problems in words for the user. Every other failure ends with a traceback and a status that is not 0.
"""

import difflib
import json
import re
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlci.errors import InputError, Problem
from mlci.execution.stages import file_kind

_PASSIVE = re.compile(  # types of those packages that are plain data, and pure functions
    r"_?io\.(BytesIO|StringIO)|pathlib\.(Pure)?(Posix|Windows)?Path|types\.(SimpleNamespace|MappingProxyType)"
    r"|_?operator\.(?!attrgetter$|methodcaller$|call$|setitem$|delitem$)\w+"
    r"|builtins\.(abs|all|any|bool|bytearray|bytes|complex|dict|divmod|enumerate|float|frozenset|int|len|list|max|min"
    r"|object|pow|range|reversed|round|set|slice|sorted|str|sum|tuple|zip)"
)
_RUNS = re.compile(  # functions of other packages that read code or pickles, or call their arguments
    r"numpy\.(load|fromfile|memmap|save\w*|f2py\..*|distutils\..*|testing\..*|ctypeslib\..*|lib\._?npyio\..*)"
    r"|pandas\.(eval|read_\w+|io\..*|core\.computation\..*)|scipy\.io\..*"
    r"|sklearn\.(datasets\..*|utils\._testing\..*|externals\..*)|torch\.(load|hub\..*|jit\..*)"
    r"|functools\.(partialmethod|reduce)",
    re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_ACTS = re.compile(  # packages with side effects; their names are never proposed for trust
    r"_*(asyncio|bdb|builtins|cProfile|cffi|cloudpickle|code|codecs|codeop|commands|concurrent|copyreg|ctypes|dbm|dill"
    r"|distutils|doctest|faulthandler|fcntl|frozen_importlib(_external)?|ftplib|gc|genericpath|glob|http|imp|importlib"
    r"|inspect|interpreters|io|joblib|linecache|loky|marshal|mlci|mmap|modulefinder|multiprocessing|nt|ntpath"
    r"|operator|os|pathlib|pdb|pickle|pickletools|pip|pkg_resources|pkgutil|platform|posix|posixpath|posixshmem"
    r"|posixsubprocess|profile|pty|pyclbr|pydoc|pyio|requests|resource|rlcompleter|runpy|sched|setuptools|shelve|shutil"
    r"|signal|site|sitecustomize|skops|smtplib|socket|socketserver|sqlite3|ssl|subprocess|sys|telnetlib|tempfile|thread"
    r"|threading|timeit|trace|types|unittest|urllib|urllib3|venv|webbrowser|weakref|winapi|winreg|xmlrpc|zipfile"
    r"|zipimport)(\..*)?",
    re.DOTALL,
)


def main(request: Path) -> None:
    """Score the request and write the answer."""
    content = json.loads(request.read_text("utf-8"))
    result = Path(content["result"])
    try:
        answer = _score(content)
    except InputError as error:
        answer = {"problems": [problem.message for problem in error.problems]}
    except ImportError as error:
        if error.name is None or error.name.split(".")[0] not in {"skops", "sklearn", "pandas", "scipy"}:
            raise
        answer = {"problems": [f"scoring it needs {error.name.split('.')[0]}: `pip install 'mlci[model]'`"]}
    result.write_text(json.dumps(answer, allow_nan=False), "utf-8")


def _score(request: dict[str, Any]) -> dict[str, Any]:
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        model = load_skops(
            request["path"], trusted=request["trusted"], folder=request["folder"], section=request.get("section")
        )
    versions = [str(item.message) for item in raised if type(item.message).__name__ == "InconsistentVersionWarning"]
    notes = sorted({text.split(". ")[0] for text in versions})
    table = FeatureTable(request["features"])
    features = _check_model(model, table, request)
    begun = time.perf_counter()
    settings = {name: request[name] for name in ("task", "positive", "threshold")}
    columns = predictions(model, features, **settings, probabilities=request.get("probabilities"))
    seconds = time.perf_counter() - begun
    table.write(request["target"], key=request["key"], columns=columns)
    named = {name: name if name in columns else None for name in ("score", "decision")}
    return {"seconds": seconds, "notes": notes, **named}


def _check_model(model: Any, table: "FeatureTable", request: dict[str, Any]) -> Any:  # noqa: ANN401 - any model, a pandas frame
    """Return the features that a model takes.

    Raises:
        InputError: if model, evaluation set and configuration do not fit, with every problem.
    """
    problems: list[Problem] = []
    features = None

    def features_of() -> None:
        nonlocal features
        features = table.columns(_feature_names(model))

    checks: list[Callable[[], object]] = [features_of, lambda: table.check_key(request["key"])]
    if request["task"] == "binary":
        checks.append(lambda: _positive(model, request["positive"]))
    for check in checks:
        try:
            check()
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return features


def load_skops(
    path: str,
    *,
    trusted: list[str],
    folder: str,
    section: dict[str, Any] | None = None,
) -> Any:  # noqa: ANN401 - a model can be of any type
    """Load the model if it contains only harmless and trusted types.

    Raises:
        InputError: if it contains others; the message has the lines that trust them, except for types with side
            effects.
    """
    import skops.io  # noqa: PLC0415 - seconds, and only here

    try:
        types = set(skops.io.get_untrusted_types(file=path))
    except Exception as error:
        raise InputError(f"skops can't read it ({type(error).__name__}); was it copied whole?") from error
    if acting := sorted(name for name in types if acting_types(name)):
        why = "which no model needs and which can run code: don't use this file"
        raise InputError(*(f"asks for {name[:100]!a}, {why}" for name in acting[:20]))
    if unknown := sorted(types - set(trusted)):
        raise InputError(*_untrusted_problems(unknown, section or {}, trusted))
    if trusted:
        sys.path.append(folder)  # for the user's trusted types; last, so that they shadow nothing
    return skops.io.load(path, trusted=trusted)


def acting_types(name: str) -> bool:
    """Return whether a type or function can have side effects, even if `trusted` lists it."""
    if _PASSIVE.fullmatch(name):
        return False
    return bool(_ACTS.fullmatch(name) or _RUNS.fullmatch(name) or ".." in name or "\n" in name)


def _untrusted_problems(names: list[str], section: dict[str, Any], trusted: list[str]) -> list[str]:
    """Return the problems of untrusted types, with the part of mlci.yml that trusts them.

    Args:
        names: The types.
        section: Other settings of ``predict``.
        trusted: Types that are trusted already.
    """
    acting = [name for name in names if _ACTS.fullmatch(name) or not _NAME.fullmatch(name)]
    if acting:
        why = "which no model needs and which can run code: don't use this file"
        return [f"asks for {name[:100]!a}, {why}" for name in acting[:20]]
    listed = "\n".join(f"    - {name}" for name in [*trusted, *names])
    settings = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in section.items())
    count = f"{len(names)} type{'s' * (len(names) > 1)}"
    advice = f"if you know them, let `predict` in mlci.yml be:\npredict:\n{settings}  trusted:\n{listed}"
    return [f"contains {count} that skops does not trust by default; {advice}"]


def _feature_names(model: Any) -> list[str]:  # noqa: ANN401 - a model can be of any type
    """Return the names of the columns that the model was fitted with.

    Raises:
        InputError: if it can't predict, or was fitted without names.
    """
    if not hasattr(model, "predict"):
        raise InputError(f"holds a {type(model).__name__}, which has no `predict`")
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        raise InputError(
            f"the {type(model).__name__} doesn't know its columns' names: fit it with a pandas DataFrame instead of "
            "an array, or score it yourself with `predict.run`"
        )
    return [str(name) for name in names]


def predictions(
    model: Any,  # noqa: ANN401 - a model can be of any type
    features: Any,  # noqa: ANN401 - a pandas frame, not imported here
    *,
    task: str,
    positive: Any,  # noqa: ANN401 - any YAML scalar
    threshold: float,
    probabilities: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return the columns of predictions, one value for each row.

    Raises:
        InputError: if the model does not fit the task.
    """
    if task == "regression":
        return {"score": _one_column(model.predict(features), "predict")}
    if task == "multiclass":
        named = _class_probabilities(model, features, probabilities) if probabilities else {}
        if "decision" in named:
            raise InputError(
                "`predict.probabilities` names a column `decision`, which the decided class has; rename it"
            )
        return {"decision": _one_column(model.predict(features), "predict"), **named}
    index, classes = _positive(model, positive)
    if not hasattr(model, "predict_proba"):
        columns = {"decision": _one_column(model.predict(features), "predict")}
        if hasattr(model, "decision_function"):
            values = _one_column(model.decision_function(features), "decision_function")
            columns["score"] = values if index == 1 else -values
        return columns
    table = model.predict_proba(features)
    if getattr(table, "ndim", 0) != 2 or table.shape[1] != 2:
        raise InputError("`predict_proba` doesn't return two columns, as a binary model's should")
    score = table[:, index]
    decision = [classes[index] if value >= threshold else classes[1 - index] for value in score]
    return {"score": score, "decision": decision}


def _class_probabilities(model: Any, features: Any, columns: dict[str, str]) -> dict[str, Any]:  # noqa: ANN401 - any model and frame
    """Return the probability of each class by the name of its column.

    Raises:
        InputError: if the model has none, or has other classes than those that are named.
    """
    if not hasattr(model, "predict_proba"):
        raise InputError(f"the {type(model).__name__} has no `predict_proba`; remove `predict.probabilities`")
    classes = [_class_name(item) for item in getattr(model, "classes_", [])]
    table = model.predict_proba(features)
    if sorted(classes) != sorted(columns) or getattr(table, "shape", ())[1:] != (len(classes),):
        listed = ", ".join(repr(name)[:60] for name in classes[:20])
        raise InputError(f"`predict.probabilities` needs a column for each class of the model, which are {listed}")
    return {columns[name]: table[:, index] for index, name in enumerate(classes)}


def _class_name(item: Any) -> str:  # noqa: ANN401 - any label
    """Return a class as mlci.yml names it: 7 for 7.0."""
    value = item.item() if hasattr(item, "item") else item
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _positive(model: Any, positive: Any) -> tuple[int, list[Any]]:  # noqa: ANN401 - any model, any scalar
    """Return the index of the positive class among the model's two."""
    classes = list(getattr(model, "classes_", []))
    if len(classes) != 2:
        raise InputError(f"has {len(classes)} classes, but `task: binary` needs two")
    classes = [item.item() if hasattr(item, "item") else item for item in classes]
    wanted = 1 if positive is None else positive
    places = [place for place, item in enumerate(classes) if item == wanted]
    if not places:
        shown = " and ".join(repr(item)[:60] for item in classes)
        raise InputError(f"`evaluation.positive: {json.dumps(wanted)}` is not one of the model's classes, {shown}")
    return places[0], classes


def _one_column(values: Any, method: str) -> Any:  # noqa: ANN401 - a NumPy-like array
    if getattr(values, "ndim", 1) == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if getattr(values, "ndim", 1) != 1:
        raise InputError(f"`{method}` returns {values.ndim} dimensions; models with one output are scored")
    return values


class FeatureTable:
    """The features, read by DuckDB so that they have the evaluation's types and exact keys."""

    def __init__(self, path: str) -> None:
        """Read the file; its content determines the format."""
        import duckdb  # noqa: PLC0415 - half a second, and only here

        readers = {
            "Parquet": "read_parquet(?)",
            "JSON Lines": "read_json(?, format = 'newline_delimited')",
            "CSV": "read_csv(?, header = true)",
        }
        self._path = path
        self._base = duckdb.connect(config={"autoinstall_known_extensions": False})
        self._base.execute(f"CREATE TABLE given AS SELECT * FROM {readers[file_kind(Path(path))]}", [path])  # noqa: S608 - ours
        self._names = [str(row[0]) for row in self._base.execute("DESCRIBE given").fetchall()]

    def columns(self, names: list[str]) -> Any:  # noqa: ANN401 - a pandas frame, not imported here
        """Return the columns as a pandas frame, in this order.

        Raises:
            InputError: if columns are missing; the message has the most similar name for each.
        """
        missing = [name for name in names if name not in self._names]
        if missing:
            near = {name: difflib.get_close_matches(name, self._names, 1) for name in missing[:20]}
            listed = ", ".join(f"`{name}`" + (f" (there is `{hit[0]}`)" if hit else "") for name, hit in near.items())
            more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
            raise InputError(f"was fitted with columns that the evaluation set doesn't have: {listed}{more}")
        return self._base.execute(f"SELECT {', '.join(map(_quote, names))} FROM given").df()  # noqa: S608 - quoted

    def check_key(self, key: str | None) -> None:
        """Refuse a key that is not among the features.

        Raises:
            InputError: if the key is not among them.
        """
        if key is not None and key not in self._names:
            raise InputError(f"the key `{key}` is not in the features")

    def write(self, target: str, *, key: str | None, columns: dict[str, Any]) -> None:
        """Write key and columns as Parquet, in the order of the rows.

        Raises:
            InputError: if the key is missing or named like one of the columns, or the number of values is wrong.
        """
        import pandas as pd  # noqa: PLC0415 - a second, and only here

        if key is not None and key in columns:
            raise InputError(f"the key `{key}` has the name of a column of predictions; rename it")
        self.check_key(key)
        frame = pd.DataFrame(columns)
        counted = self._base.execute("SELECT count(*) FROM given").fetchall()[0][0]
        if counted != len(frame):
            raise InputError(f"returned {len(frame):,} predictions for {counted:,} rows")
        self._base.register("made", frame)
        chosen = ", ".join(
            [f"given.{_quote(name)}" for name in [key] if name is not None]
            + [f"made.{_quote(name)}" for name in columns]
        )
        place = target.replace("'", "''")
        self._base.execute(
            f"COPY (SELECT {chosen} FROM given POSITIONAL JOIN made) TO '{place}' (FORMAT parquet)"  # noqa: S608 - quoted
        )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


if __name__ == "__main__":
    main(Path(sys.argv[1]))
