"""Custom metrics: their check before training starts, and the stage that evaluates them in a child process.

The check parses the user's modules and does not import them: no code of a pull request runs before the baseline is
made. One process per run gets all arrays and computes point values and resamples. Its answer is bounded and read as
data: a process that dies, hangs or writes an invalid answer is a failed step.
"""

import ast
import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import numpy as np

from mlci.errors import InputError, StepError, UserCodeError
from mlci.execution import environment
from mlci.execution.interface import Runner, Step
from mlci.execution.sanitize import sanitize
from mlci.execution.stages import make_empty_folder
from mlci.metrics.external import KAPPA, OWN_DIRECTIONS
from mlci.metrics.resampling import count_resamples
from mlci.metrics.row_metrics import METHODS, Array, Method, On, RowMetric, RowSample, RowValues
from mlci.util.bounds import ANSWER_BYTES

REQUEST, ANSWER, VALUES, CURRENT = "request.json", "answer.json", "values.bin", "current"
"""Files of the process, in its folder."""
_REASON = 2_000  # bytes of the answer for each metric in each scope
_ANSWER = ANSWER_BYTES.value
_KINDS: tuple[On, ...] = ("score", "decision")


class MetricProcess:
    """Implements :class:`mlci.metrics.row_metrics.RowMetricEvaluator` in a child process."""

    def __init__(
        self, runner: Runner, *, folder: Path, scratch: Path, python_path: str = "", user_code: bool = True
    ) -> None:
        """Run in ``folder``, which has the user's modules; ``scratch`` takes arrays and the answer.

        ``python_path`` is the job's ``PYTHONPATH``, whose folders are searched after that one. Without ``user_code``
        only functions of scikit-learn are evaluated.
        """
        self._runner, self._folder, self._scratch, self._user_code = runner, folder, scratch, user_code
        self._folders = [str(folder.absolute()), *filter(None, python_path.split(os.pathsep))]

    def evaluate(
        self, metrics: Sequence[RowMetric], sample: RowSample, *, draws: int, seed: int, timeout: float
    ) -> RowValues:
        """Evaluate every metric on every scope and on resamples of it.

        Raises:
            InputError: if a function can't be imported, or takes predictions that do not exist.
            StepError: if the process died, hung, or left an invalid answer.
            UserCodeError: if a function is the user's and this job must not run user code.
        """
        own = [metric.function for metric in metrics if metric.is_users]
        if own and not self._user_code:
            raise UserCodeError(f"the custom metric `{own[0]}` would have to run")
        make_empty_folder(self._scratch)
        folder = self._scratch.resolve()
        settings = {"draws": draws, "seed": seed, "timeout": timeout, "folders": self._folders if own else []}
        _write(folder, metrics, sample, settings)
        shape = AnswerShape(
            models=len(sample.scores),
            scopes=sample.units,
            classes=len(sample.classes),
            draws=draws,
            lacking=frozenset(_lacking(sample)),
        )
        step = Step(
            name="metric " + ", ".join(metric.name for metric in metrics),
            command=environment.isolated_command("mlci.execution.metric_process", str(folder)),
            cwd=self._folder,
            timeout=timeout,
            fix="the function, or `evaluation.timeout` if it needs longer",
        )
        try:
            self._runner.run(step)
            return _read(folder, metrics, shape)
        except StepError as error:
            raise StepError(f"{_current_metric(folder, metrics)}: {error}") from error
        finally:
            make_empty_folder(self._scratch)


@dataclass(frozen=True, kw_only=True)
class AnswerShape:
    """Sizes by which an answer is checked.

    Attributes:
        models: Number of models.
        scopes: Rows, or clusters, of each scope.
        classes: Number of classes; 0 for regression.
        draws: Resamples of a bootstrap.
        lacking: Predictions that a model does not have.
    """

    models: int
    scopes: tuple[int, ...]
    classes: int
    draws: int
    lacking: frozenset[On] = frozenset()

    def check(self, on: Sequence[On], methods: Sequence[Method]) -> None:
        """Check which predictions the metrics got, and how they were resampled.

        Raises:
            ValueError: if a model does not have those predictions, or they have no cells.
        """
        for kind, method in zip(on, methods, strict=True):
            by_cells = method == "cell jackknife"
            if kind in self.lacking or (by_cells and (kind == "score" or self.classes == 0)):
                raise ValueError(kind, method)

    def split(self, flat: Array, methods: Sequence[Method]) -> list[list[Array]]:
        """Return the values of each metric in each scope, shape (models, 1 + resamples).

        Raises:
            ValueError: if there are too few or too many of them.
        """
        tables: list[list[Array]] = []
        start = 0
        for method in methods:
            tables.append([])
            for rows in self.scopes:
                width = 1 + count_resamples(method, rows=rows, classes=self.classes, draws=self.draws)
                part = flat[start : start + self.models * width]
                tables[-1].append(part.reshape(self.models, width))
                start += part.size
        if start != flat.size:
            raise ValueError(flat.size)
        return tables

    def most_bytes(self, methods: Sequence[Method]) -> int:
        """Return the size of the values' file."""
        return 8 * sum(
            self.models * (1 + count_resamples(method, rows=rows, classes=self.classes, draws=self.draws))
            for method in methods
            for rows in self.scopes
        )


def _write(folder: Path, metrics: Sequence[RowMetric], sample: RowSample, settings: dict[str, Any]) -> None:
    lacking = _lacking(sample)
    for kind, arrays in zip(_KINDS, (sample.scores, sample.decisions), strict=True):
        for model, array in enumerate(() if kind in lacking else arrays):
            np.save(folder / f"{kind}{model}.npy", np.asarray(array), allow_pickle=False)
    np.save(folder / "labels.npy", sample.labels, allow_pickle=False)
    for name, column in (("clusters", sample.clusters), ("weights", sample.weights)):
        if column is not None:
            np.save(folder / f"{name}.npy", column, allow_pickle=False)
    np.save(folder / "rows.npy", np.concatenate(sample.scopes), allow_pickle=False)
    edges = np.cumsum([0, *(len(rows) for rows in sample.scopes)])
    np.save(folder / "edges.npy", edges, allow_pickle=False)
    request = {
        "metrics": [asdict(metric) for metric in metrics],
        "task": sample.task,
        "classes": sample.classes,
        "lacking": lacking,
        "models": len(sample.scores),
        "units": sample.units,
        "clustered": sample.clusters is not None,
        "weighted": sample.weights is not None,
        **settings,
    }
    (folder / REQUEST).write_text(json.dumps(request), "utf-8")


def _lacking(sample: RowSample) -> list[On]:
    """Return the predictions that one of the models does not have."""
    kinds = zip(_KINDS, (sample.scores, sample.decisions), strict=True)
    return [kind for kind, arrays in kinds if any(array is None for array in arrays)]


def _read(folder: Path, metrics: Sequence[RowMetric], shape: AnswerShape) -> RowValues:
    """Read the answer.

    Raises:
        InputError: if the process found problems; the message has all of them.
        StepError: if it is not an answer of the right shape.
    """
    try:
        answer = json.loads(_bytes(folder / ANSWER, most=_ANSWER + _REASON * len(metrics) * len(shape.scopes)))
        if "problems" in answer:
            raise InputError(*(sanitize(str(text)) for text in answer["problems"]))
        methods = tuple(METHODS[METHODS.index(answer["methods"][index])] for index in range(len(metrics)))
        data = _bytes(folder / VALUES, most=shape.most_bytes(methods))
        values = shape.split(np.frombuffer(data, "<f8").astype(np.float64), methods)
        on = tuple(_KINDS[_KINDS.index(answer["on"][index])] for index in range(len(metrics)))
        shape.check(on, methods)
        reasons = {(int(index), int(scope)): sanitize(str(text)) for index, scope, text in answer["reasons"]}
        notes = _notes(metrics, answer)
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise StepError("its process ended well but left no result that can be read") from error
    return RowValues(values=values, methods=methods, reasons=_add_reasons(values, reasons), on=on, notes=notes)


def _add_reasons(values: Sequence[Sequence[Array]], reasons: dict[tuple[int, int], str]) -> dict[tuple[int, int], str]:
    """Add a reason for every sample without a finite value, even if the process wrote none."""
    undefined = [
        (metric, scope)
        for metric, tables in enumerate(values)
        for scope, table in enumerate(tables)
        if not np.isfinite(table[:, 0]).all()
    ]
    return dict.fromkeys(undefined, "the metric returned nan") | reasons


def _notes(metrics: Sequence[RowMetric], answer: dict[str, Any]) -> tuple[str, ...]:
    guessed = [
        f"`{metrics[index].name}` got decisions, a guess: the name of its parameter "
        f"`{sanitize(str(parameter))[:60]}` leaves it open; set `on: scores` or `on: decisions` beside the metric"
        for index, parameter in answer["guessed"]
    ]
    unsteady = [
        f"`{metrics[index].name}` draws random numbers: two calls on the same rows differ, so its change is partly "
        "chance; let the function seed its own generator"
        for index in answer["random"]
    ]
    unweighted = [
        f"`{metrics[index].name}` takes `sample_weight`, but weights do not count as repeated rows in it: its interval "
        "is that of a row bootstrap"
        for index in answer["unweighted"]
    ]
    return (*guessed, *unsteady, *unweighted)


def _bytes(path: Path, *, most: int) -> bytes:
    """Read a regular file of at most ``most`` bytes; links and pipes are not followed or waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(path)
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(path)
    return data


def _current_metric(folder: Path, metrics: Sequence[RowMetric]) -> str:
    """Return the metric that was being evaluated, if it is known, with its line."""
    named = list(metrics)
    with contextlib.suppress(OSError, ValueError, IndexError):
        named = [named[int(_bytes(folder / CURRENT, most=16))]]
    lines = {f" (line {metric.line} of the configuration)" if metric.line else "" for metric in named}
    shown = ", ".join(f"`{metric.name}`" for metric in named)
    return f"metric {shown}{lines.pop() if len(lines) == 1 else ''}"


def missing_metric_reason(folder: Path) -> Callable[[str], str | None]:
    """Return a function from a metric to the reason why it can't be imported; ``None`` if it can.

    Args:
        folder: Folder of ``mlci.yml``, which has the user's modules.
    """

    def find(name: str) -> str | None:
        if ":" in name:
            module, _, function = name.partition(":")
            return _find_function(module, function, folder.resolve())
        return _find_sklearn(name)

    return find


def _find_sklearn(name: str) -> str | None:
    if name in OWN_DIRECTIONS or name in _names_of_sklearn():
        return None
    try:
        from sklearn import metrics  # noqa: PLC0415 (seconds, and only for such a metric)
    except ImportError:
        return f"`{name}` is one of scikit-learn's metrics, which is not installed: pip install 'mlci[metrics]'"
    if name in KAPPA or hasattr(metrics, name) or name in metrics.get_scorer_names():
        return None
    return f"`{name}` is not in the installed version of scikit-learn"


def _names_of_sklearn() -> set[str]:
    """Return the names that ``sklearn.metrics`` binds, without importing it, which takes seconds; empty if unknown."""
    try:
        package = PathFinder.find_spec("sklearn")
        folders = (package.submodule_search_locations if package else None) or []
        files = [path for folder in folders if (path := Path(folder, "metrics", "__init__.py")).is_file()]
        return {name for path in files for name in _bound_names(ast.parse(path.read_bytes()).body)}
    except (ImportError, OSError, SyntaxError, ValueError):
        return set()


def _find_function(module: str, function: str, folder: Path) -> str | None:
    file = _file(module, folder)
    if file is None:
        if _is_installed(module):
            return None
        shown = f"{module.replace('.', '/')}.py"
        return f"`{module}:{function}` does not exist: no file `{shown}` in the folder of this file ({folder})"
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        return f"`{module}:{function}` can't be read: {file.name}: {error}"
    names = set(_bound_names(tree.body))
    if function.partition(".")[0] in names or "*" in names or "__getattr__" in names:
        return None
    public = ", ".join(sorted(name for name in names if not name.startswith("_"))[:5]) or "no function"
    return f"`{module}:{function}` does not exist: `{file.name}` has {public}"


def _file(module: str, folder: Path) -> Path | None:
    """Return the source file of a module or package in a folder."""
    place = folder.joinpath(*module.split("."))
    files = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _is_installed(module: str) -> bool:
    """Return whether an installed package may contain a module; its submodules are not checked."""
    try:
        return PathFinder.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _bound_names(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements bind, those within ``if`` and ``try`` too; ``*`` for an import of everything."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        else:
            names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            yield from (name.id for name in names if isinstance(name.ctx, ast.Store))
            for name in ("body", "orelse", "handlers", "finalbody", "cases"):
                for part in getattr(node, name, []):
                    yield from _bound_names([part] if isinstance(part, ast.stmt) else part.body)
