"""Both models as tests see them: predictions for the evaluation set, and the candidate's own step for other rows."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlci.api.compare import ModelComparison
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import Loaded
from mlci.config.models import Baseline, RowsConfig, WithoutRows
from mlci.engine.encode.classes import tie_order
from mlci.engine.interface import Source
from mlci.engine.tables.cell_values import cell_text, parse_cell
from mlci.engine.tables.files import suffix_of
from mlci.engine.tables.frames import read_frame, write_rows
from mlci.errors import InputError
from mlci.execution.behaviour_stage import SESSION, BehaviourSession, PredictionTable
from mlci.operations.context import RowsContext, evaluation_path, resolve_path
from mlci.operations.models import predictions
from mlci.operations.models.baseline_ref_or_file import source_of_file
from mlci.report.serialization import parse_report

if TYPE_CHECKING:
    import pandas as pd

_WRITTEN = frozenset({".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".json"})
"""Formats of text, in which a predict step gets rows as they are; it gets those of any other format as Parquet."""
_NO_MODEL = (
    "the baseline has predictions for the evaluation set only; use `baseline.predictions`. Its model is known under "
    "`mlci run` if `train.model` or `predict.model` names it, and the baseline is a version or another commit"
)
_RUN = "run the tests through mlci: `tests: {run: python -m pytest tests}` in mlci.yml, then `mlci run`"


@dataclass(frozen=True)
class ModelUnderTest:
    """A model in a behavioural test.

    Attributes:
        name: ``candidate`` or ``baseline``.
        predictions: A row for each row of the evaluation set, in its order and with its index: columns ``score`` and
            ``decision``, as far as the model has them.
        model: Path of its model, a file or a folder; ``None`` if it is not known.
    """

    name: str
    predictions: "pd.DataFrame" = field(repr=False)
    model: Path | None = field(repr=False)
    _score: "Callable[[pd.DataFrame], PredictedRows]" = field(repr=False)

    @property
    def scores(self) -> "pd.Series[Any]":
        """The scores for the evaluation set."""
        return self.predictions["score"]

    @property
    def decisions(self) -> "pd.Series[Any]":
        """The decisions for the evaluation set: values of the label."""
        return self.predictions["decision"]

    def predict(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Predict for other rows, by the predict step of the configuration; the baseline by its own model.

        Args:
            rows: Rows as the fixture ``evaluation`` has them, with changed values.

        Returns:
            Columns ``score`` and ``decision``, in the order of ``rows`` and with its index.

        Raises:
            InputError: if the model can only be asked about the evaluation set.
            StepError: if the predict step fails.
        """
        return self._score(rows).predictions

    def cost_of_predicting(self, rows: "pd.DataFrame") -> dict[str, float]:
        """Run the predict step, and return the seconds and the peak of memory in 10⁶ bytes that its process took.

        Raises:
            InputError, StepError: as :meth:`predict` does.
        """
        return self._score(rows).cost


@dataclass(frozen=True)
class PredictedRows:
    """Predictions for some rows, and the cost of the step that made them: ``latency``, and ``memory`` if measured."""

    predictions: "pd.DataFrame"
    cost: dict[str, float]


def load_models(path: Path, *, session: Path | None) -> "LoadedModels":
    """Read the configuration, and the files of this run if `mlci run` started the tests.

    Raises:
        InputError: if the configuration is missing or invalid, or has no rows.
    """
    given = SESSION.validate_json(session.read_bytes()) if session else None
    loaded = load_configuration(Path(given.config) if given else path)
    config = loaded.config
    if isinstance(config, WithoutRows):
        what, key = config.source
        raise InputError(loaded.problem(f"tests need predictions, and {what} has none", "predict", key))
    return LoadedModels(Loaded(config, loaded.lines, loaded.path), given or _from_files(config, Path(loaded.path)))


def _from_files(config: RowsConfig, path: Path) -> BehaviourSession:
    """Return what is known without a run: files that the configuration names, and the last report."""
    folder, predict, baseline = path.parent.absolute(), config.predict, config.baseline
    report, trained = folder / ".mlci" / "out" / "report.json", config.train.model if config.train else None
    now = before = None
    if predict.file is not None:
        now = _prediction_table(Source.of(resolve_path(predict.file, folder), predict))
    if isinstance(baseline, Baseline) and baseline.file is not None:
        before = _prediction_table(source_of_file(baseline, baseline.file, predict, folder))
    return BehaviourSession(
        config=str(path.absolute()),
        candidate=now,
        baseline=before,
        model=None if trained is None else str(folder / trained),
        report=str(report) if report.is_file() else None,
    )


@dataclass(frozen=True)
class LoadedModels:
    """The evaluation set and both models, read when they are first used."""

    loaded: Loaded[RowsConfig]
    session: BehaviourSession

    @cached_property
    def rows(self) -> "pd.DataFrame":
        """The evaluation set; the key is the index."""
        frame: pd.DataFrame = read_frame(self._data)
        key = self.loaded.config.evaluation.key
        return frame if key is None else frame.set_index(key)

    @property
    def _data(self) -> str:
        return evaluation_path(self.loaded.config.evaluation, Path(self.session.config).parent)

    @cached_property
    def candidate(self) -> ModelUnderTest:
        """The candidate; without predictions of a run, its own step makes them."""
        table, model = self.session.candidate, _path(self.session.model)

        def score(rows: "pd.DataFrame") -> PredictedRows:
            return self._predict(rows, model)

        made = score(self.rows).predictions if table is None else self._read(table, self.rows)
        return ModelUnderTest("candidate", made, model, score)

    def baseline(self) -> ModelUnderTest:
        """Return the baseline.

        Raises:
            InputError: if there is none, or its predictions are made by `mlci run` only.
        """
        if self.session.baseline is None:
            why = "the baseline's predictions are made by a run"
            raise InputError(f"{why}; {_RUN}, or name a file: `baseline: {{file: production.csv}}`")
        return self._baseline

    @cached_property
    def _baseline(self) -> ModelUnderTest:
        table, model = self.session.baseline, _path(self.session.baseline_model)
        if table is None:
            raise ValueError("asked for by `baseline` only")
        made = self._read(table, self.rows)
        uses_model = False

        def score(rows: "pd.DataFrame") -> PredictedRows:
            nonlocal uses_model
            if model is None:
                raise InputError(_NO_MODEL)
            if not uses_model:
                self._require_use_of(model, made)
                uses_model = True
            return self._predict(rows, model)

        return ModelUnderTest("baseline", made, model, score)

    def _require_use_of(self, model: Path, recorded: "pd.DataFrame") -> None:
        """Check that the predict step reads the model that it is given: without that, both models would be one.

        Raises:
            InputError: if it predicts what the candidate predicted, and the baseline predicted something else.
        """
        expected = self.candidate.predictions
        if not expected.equals(recorded) and self._predict(self.rows, model).predictions.equals(expected):
            raise InputError(
                "the predict step does not read the model that it is given: with the baseline's model it predicts what "
                'the candidate predicts. Let it open the path in MLCI_MODEL: `os.environ["MLCI_MODEL"]`'
            )

    def report(self) -> ModelComparison:
        """Return the report.

        Raises:
            InputError: if there is none yet.
        """
        if self.session.report is None:
            raise InputError(f"no report exists in .mlci/out; {_RUN}")
        path = Path(self.session.report)
        return ModelComparison(parse_report(path.read_bytes(), path=str(path)))

    def _predict(self, rows: "pd.DataFrame", model: Path | None) -> PredictedRows:
        """Predict by the configured step and a model, in the order of ``rows``."""
        config = self.loaded.config
        if config.predict.file is not None:
            raise InputError(
                "no other rows can be predicted: `predict.file` names predictions that exist. "
                "Let a command make them: `predict: {run: python predict.py}`"
            )
        predict = config.predict
        if predict.model is not None and model is not None:
            predict = predict.model_copy(update={"model": str(self._scored_model(model))})
        step = config.model_copy(update={"train": None, "predict": predict})
        own = Loaded(step, self.loaded.lines, self.loaded.path)
        with tempfile.TemporaryDirectory(prefix="mlci-tests-") as name, _context(own) as context:
            data = self._write(rows, Path(name))
            steps = predictions.candidate_steps(context)
            made = predictions.make_predictions(context, steps, data=data, model=model)
            cost = {"latency": made.seconds.get("predict"), "memory": made.costs.get("peak_memory_megabytes")}
            measured = {name: value for name, value in cost.items() if value is not None}
            return PredictedRows(self._read(_prediction_table(made.source), rows), measured)

    def _scored_model(self, model: Path) -> Path:
        """Return the skops file of a model that may be a folder around it."""
        config = self.loaded.config
        named, trained = Path(str(config.predict.model)), Path(config.train.model or "") if config.train else Path()
        inside = named.relative_to(trained) if model.is_dir() and named.is_relative_to(trained) else Path()
        return model / inside

    def _write(self, rows: "pd.DataFrame", folder: Path) -> str:
        """Write rows as the evaluation set is written; the label, which no model gets, may be missing."""
        evaluation = self.loaded.config.evaluation
        frame = rows if evaluation.key is None or evaluation.key in rows.columns else rows.reset_index()
        if evaluation.label not in frame.columns:
            frame = frame.assign(**{evaluation.label: self.rows[evaluation.label].iloc[0]})
        suffix = suffix_of(self._data)
        path = folder / f"rows{suffix if suffix in _WRITTEN else '.parquet'}"
        write_rows(frame[[name for name in self._columns if name in frame.columns]], path)
        return str(path)

    @cached_property
    def _columns(self) -> list[str]:
        """Columns of the evaluation set in their order, the key first."""
        key = self.loaded.config.evaluation.key
        return [*([key] if key else []), *map(str, self.rows.columns)]

    def _read(self, table: PredictionTable, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Read predictions, in the order of ``rows``; without decisions, they follow from scores or probabilities."""
        source, key = Source.of(table.path, table), self.loaded.config.evaluation.key
        frame: pd.DataFrame = read_frame(source.path)
        if key is not None:
            index = rows.index if key not in rows.columns else rows[key]
            frame = frame.set_index(key).reindex(index)
        frame = frame[list(source.names)]
        frame.index = rows.index
        classes = {column: name for name, column in source.probabilities}
        frame = frame.rename(columns=classes | {source.score: "score", source.decision: "decision"})
        if classes and "decision" not in frame:
            names = tie_order(classes.values(), self.loaded.config.evaluation.classes)
            frame["decision"] = frame[list(names)].idxmax(axis=1).map(self._value_of_class)
        elif "decision" not in frame and self.loaded.config.task == "binary":
            frame["decision"] = self._decide(frame["score"], table.threshold)
        return frame

    def _value_of_class(self, name: str) -> object:
        """Return the label's value of a class, which has another type if the classes are numbers."""
        labels = self.rows[self.loaded.config.evaluation.label].unique()
        wanted = cell_text(parse_cell(name))
        return next((value for value in labels if cell_text(parse_cell(str(value))) == wanted), name)

    def _decide(self, scores: "pd.Series[Any]", threshold: float | None) -> "pd.Series[Any]":
        """Return the label's two values by the threshold."""
        labels = self.rows[self.loaded.config.evaluation.label]
        chosen = self.loaded.config.evaluation.positive
        positive = 1 if chosen is None else chosen
        negative = next((value for value in labels.unique() if value != positive), 0)
        least = self.loaded.config.predict.threshold if threshold is None else threshold
        return (scores >= least).map({True: positive, False: negative})


def _prediction_table(source: Source) -> PredictionTable:
    return PredictionTable(path=str(source.path), **source.columns)


@contextlib.contextmanager
def _context(loaded: Loaded[RowsConfig]) -> Iterator[RowsContext]:
    config = loaded.config
    with run_context(Loaded(config, loaded.lines, loaded.path), cached=False, own_process=False) as context:
        yield context.with_config(config)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
