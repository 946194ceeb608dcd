"""``mlci.compare``: two models on one evaluation set, by the same steps as ``mlci run``."""

import contextlib
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from mlci.api.arguments import check_arguments, gate_entries, json_document
from mlci.api.predictions import (
    DECISION,
    PROBABILITIES,
    SCORE,
    EvaluationTable,
    predictions_file,
    table_file,
    without_none,
)
from mlci.cli.output_files import write_files
from mlci.cli.wiring import load_configuration, run_context
from mlci.engine.tables.column_summary import summarize_table
from mlci.engine.tables.table_path import table_path
from mlci.errors import InputError, Problem
from mlci.operations.init.columns import find_task
from mlci.operations.run import run_and_judge
from mlci.report.document import GateRow, MetricRow, Report, Verdict
from mlci.report.page.page import render_page
from mlci.report.render import render_all
from mlci.report.serialization import dump_report
from mlci.report.terminal import render_terminal

_HEIGHT = 720  # pixels of the page in a notebook
RANKING = "ranking"
_PLACEHOLDERS = {"regression": {"metric": "mean_absolute_error", "max": 1}, RANKING: {"metric": "ndcg", "min": 0.5}}
"""Gates of a configuration that needs one, by task; they are not judged."""


@dataclass(frozen=True)
class ModelComparison:
    """Result of :func:`compare`: the report, ready to be read, saved, or turned into a frame.

    In a notebook it is shown as its page.
    """

    report: Report

    @property
    def verdict(self) -> Verdict:
        """``pass``, ``warn`` or ``block``."""
        return self.report.verdict

    @property
    def gates(self) -> tuple[GateRow, ...]:
        """Every gate with its outcome."""
        return tuple(self.report.gates)

    @property
    def metrics(self) -> tuple[MetricRow, ...]:
        """Every metric on the whole set and in each group."""
        return tuple(self.report.metrics)

    def to_frame(self, rows: str = "metrics") -> Any:  # noqa: ANN401 (pandas is not a requirement of the package)
        """Return ``metrics``, ``gates`` or ``disparities`` as a pandas frame, a row each."""
        import pandas as pd  # noqa: PLC0415 (only for callers who have it)

        document = self.report.model_dump(mode="json")
        if rows not in {"metrics", "gates", "disparities"}:
            raise ValueError(f"{rows!r} is not a part of the report; use metrics, gates or disparities")
        return pd.json_normalize(document[rows])

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page to ``*.html``, the document to ``*.json``, or every file of a run to a folder.

        Raises:
            ValueError: if the path has another ending, and is not a folder that exists.
        """
        target = Path(path)
        match target.suffix:
            case ".html":
                write_files(target.parent, {target.name: render_page(self.report)}, option="path")
            case ".json":
                write_files(target.parent, {target.name: dump_report(self.report)}, option="path")
            case ending if ending and not target.is_dir():
                raise ValueError(
                    f"{target.name}: a report can't be written as {ending}; use .html for the page, .json for the "
                    "document, or a path without an ending for a folder with every file. For a PDF, print the page"
                )
            case _:
                write_files(target, {"report.json": dump_report(self.report), **render_all(self.report)}, option="path")
        return target

    def __str__(self) -> str:
        """Return the report as text."""
        return render_terminal(self.report)

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, so that its styles and ids stay apart from the notebook's."""
        page = escape(render_page(self.report))
        return f'<iframe srcdoc="{page}" title="mlci report" style="width:100%;height:{_HEIGHT}px;border:0"></iframe>'


def compare(  # noqa: PLR0913 (one keyword for each entry of mlci.yml)
    data: Any,  # noqa: ANN401 (frames of three libraries, or a path)
    *,
    label: str,
    candidate: Any,  # noqa: ANN401 (a path, frame, column, array or estimator)
    baseline: Any = None,  # noqa: ANN401 (the same)
    key: str | None = None,
    table: str | None = None,
    labels: Any = None,  # noqa: ANN401 (a frame or a path)
    labels_table: str | None = None,
    slices: Literal["auto"] | Sequence[str | Sequence[str] | Mapping[str, Any]] = (),
    gates: Iterable[Mapping[str, Any]] = (),
    task: str | None = None,
    positive: Any = None,  # noqa: ANN401 (any value of the label)
    query: str | None = None,
    score: str | None = None,
    decision: str | None = None,
    probabilities: Mapping[str, str] | None = None,
    threshold: float | None = None,
    model: str = "model",
    policy: Mapping[str, Any] | None = None,
    cluster: str | None = None,
    weight: str | None = None,
) -> ModelComparison:
    """Compare two models on the same rows, judge gates, and return the report.

    Args:
        data: Evaluation set: a pandas, Polars or Arrow frame, or the path of a file.
        label: Its column with the true values.
        candidate: Predictions: the name of a column of ``data``, a path, a frame with the key, an array in the order of
            ``data``, or a fitted scikit-learn estimator. A ``Path`` is always a file. A Series is paired by position,
            and refused if its index is that of ``data`` in another order.
        baseline: The same for the model to compare with; ``None`` evaluates the candidate alone.
        key: Column to join by; without one, rows are joined by position.
        table: Table of ``data``, and of predictions in the same file, if that is a database with several tables.
        labels: Labels with the key, if ``data`` has none: a frame or the path of a file.
        labels_table: Table of ``labels`` if that is a database with several tables.
        slices: Columns by which metrics are measured too, as in ``mlci.yml``; ``"auto"`` searches for the worst.
        gates: Limits, as in ``mlci.yml``: ``{"metric": "recall", "each": "region", "max_drop": 0.02}``.
        task: ``binary``, ``multiclass``, ``regression`` or ``ranking``; ``None`` decides by the label's values, and is
            a ranking with ``query``.
        positive: The positive class; ``None`` means 1 or true.
        query: Column with the query that each row's document is ranked for.
        score: Column with the score in predictions that are files or frames, by default ``score``.
        decision: Column with the decided class in such predictions.
        probabilities: Column with the probability of each class in such predictions: ``{"cat": "p_cat", …}``.
        threshold: A score at or above it decides for the positive class; ``None`` means 0.5.
        model: Name of the model in the report.
        policy: Confidence level, seed and policy, as in ``mlci.yml``.
        cluster: Column of ``data`` with the cluster of each row, such as a patient; rows of a cluster are not
            independent.
        weight: Column of ``data`` with the positive weight of each row.

    Raises:
        InputError: if the data, the predictions or the gates are invalid; the message has every problem.
    """
    check_arguments(
        texts={
            "label": label,
            "key": key,
            "table": table,
            "score": score,
            "decision": decision,
            "task": task,
            "query": query,
            "model": model,
            "labels_table": labels_table,
            "cluster": cluster,
            "weight": weight,
        },
        lists={"gates": gates, **({} if slices == "auto" else {"slices": slices})},
        mappings={"probabilities": probabilities, "policy": policy},
    )
    with tempfile.TemporaryDirectory(prefix="mlci-compare-") as name, _named_by_argument(Path(name)):
        folder = Path(name)
        rows = table_file(data, folder / "data.parquet")
        labelled = None if labels is None else table_file(labels, folder / "labels.parquet")
        guessed = _labelled_path(labelled, labels_table) or table_path(rows, table=table)
        evaluated = EvaluationTable(
            given=data,
            file=rows,
            label=label,
            key=key,
            task=task or (_guess_task(guessed, label) if query is None else RANKING),
            positive=positive,
            table=table,
            labels=labelled,
            labels_table=labels_table,
            cluster=cluster,
            weight=weight,
            query=query,
        )
        columns = {SCORE: score, DECISION: decision, PROBABILITIES: probabilities}
        predict = _source(candidate, evaluated, folder, "candidate", columns)
        document: dict[str, Any] = {
            "model": model,
            "task": evaluated.task,
            "evaluation": evaluated.section(slices),
            "predict": {**predict, **({} if threshold is None else {"threshold": threshold})},
            "baseline": "none" if baseline is None else _source(baseline, evaluated, folder, "baseline", columns),
            "gates": gate_entries(gates),
            **({} if policy is None else {"policy": dict(policy)}),
        }
        return ModelComparison(_run(folder, document))


def _labelled_path(file: str | None, table: str | None) -> str | None:
    return None if file is None else table_path(file, table=table)


def _guess_task(file: str, label: str) -> str:
    """Decide by the label's values, as ``mlci init`` does; a label that does not exist is an error of the run.

    Raises:
        InputError: if no row has a label.
    """
    summary = summarize_table(file, only=label).find(label)
    if summary is None:
        return "binary"
    if summary.missing and not summary.distinct:
        raise InputError(f"no row has a value of the label {label!r}; name the column with the true values")
    one_class = [value.lower() for value, _ in summary.counts] if summary.kind != "real" else []
    return "binary" if one_class in (["0"], ["1"], ["false"], ["true"]) else find_task(summary)[0]


def _source(
    given: Any,  # noqa: ANN401 (as in compare)
    data: EvaluationTable,
    folder: Path,
    name: str,
    columns: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a model's entry of the configuration: its file, and the columns with its predictions."""
    file, written = predictions_file(given, data, folder / f"{name}.parquet", name=name)
    named = written or without_none(dict(columns)) or {SCORE: SCORE}
    return without_none({"file": file, "table": data.table if file == data.file else None, **named})


def _run(folder: Path, document: Mapping[str, Any]) -> Report:
    """Run a configuration; without gates, nothing is judged."""
    path = folder / "mlci.yml"
    gates = document["gates"] or [_PLACEHOLDERS.get(document["task"], {"metric": "accuracy", "min": 0.5})]
    path.write_text(json_document({**document, "gates": gates}), encoding="utf-8")
    loaded = load_configuration(path)
    with run_context(loaded, cached=False, log=io.StringIO(), own_process=False) as context:
        judged = context.config if document["gates"] else context.config.model_copy(update={"gates": ()})
        report = run_and_judge(context.with_config(judged)).report
    return _without_files(report, document, folder)


def _without_files(report: Report, document: Mapping[str, Any], folder: Path) -> Report:
    """Name arguments where a run names its configuration and its files."""
    named = {"config": None, "config_path": "gates"}
    data = document["evaluation"]["data"]
    candidate = {"commit": None, "label": _label(document["predict"], folder, data, "candidate")}
    baseline = {"label": _label(document["baseline"], folder, data, "baseline")}
    return report.model_copy(
        update={
            "provenance": report.provenance.model_copy(update=named),
            "candidate": report.candidate.model_copy(update=candidate),
            "baseline": report.baseline.model_copy(update=baseline),
            "gates": tuple(gate.model_copy(update={"line": None}) for gate in report.gates),
        }
    )


def _label(source: Mapping[str, Any] | str, folder: Path, data: str, name: str) -> str | None:
    """Name a model by the caller's path, or by its argument if it was not a file of its own."""
    if isinstance(source, str):
        return None
    path = Path(source["file"])
    return name if path.is_relative_to(folder) or str(path) == data else path.name


@contextlib.contextmanager
def _named_by_argument(folder: Path) -> Iterator[None]:
    """Name the argument instead of the temporary file in the problems of an invalid input."""
    try:
        yield
    except InputError as error:
        raise InputError.of(_renamed(problem, folder) for problem in error.problems) from None


def _renamed(problem: Problem, folder: Path) -> Problem:
    message = problem.message.replace(f"{folder}/", "").replace(".parquet`", "`")
    path = None if problem.path is None else problem.path.replace(f"{folder}/", "")
    if path == "mlci.yml":
        return replace(problem, message=message, path=None, line=None)
    return replace(problem, message=message, path=path and path.removesuffix(".parquet"))
