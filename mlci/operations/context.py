"""Ports of a run, and paths relative to the configuration."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from mlci.config.loader import Loaded
from mlci.config.models import Config, MetricsConfig, RowsConfig, RowsEvaluation, ScoresConfig
from mlci.cost.energy import Energy
from mlci.cost.runner import NO_RATE, Rate
from mlci.engine.interface import Engine, Survey
from mlci.engine.row_comparison import RestrictedJob
from mlci.engine.tables.table_path import LabelFile, table_path
from mlci.events.events import Emit, NoteShown
from mlci.lineage.rows import Rows
from mlci.operations.report_builder import ReportContext
from mlci.registry.registry import Registry
from mlci.sealed.label_seal import is_sealed

if TYPE_CHECKING:  # the trusted side of sealed mode imports this module, and nothing that runs a command
    from mlci.execution.interface import Runner
    from mlci.execution.schemas.stage import SchemaStage
    from mlci.git.baseline_cache import BaselineCache
    from mlci.git.git import Git

C_co = TypeVar("C_co", bound=Config, covariant=True)
C = TypeVar("C", bound=Config)


@dataclass(frozen=True, kw_only=True)
class ContextOf(Generic[C_co]):
    """One run: its configuration, the facts that the command line knows, and everything outside of the pure core.

    Attributes:
        loaded: The configuration, with its file and lines.
        facts: Facts of the report that are known before the run.
        engine: Turns tables into statistics.
        runner: Runs the user's commands.
        features: ``features(data, label, folder)`` writes the evaluation set without its label and returns the file.
        fingerprint: Content hash of an evaluation set.
        metric_lack: Returns why a custom metric can't be found, without running the user's code.
        git: Git in the configuration's folder.
        cache: Cache of baselines made from a reference; ``None`` makes them each time.
        scratch: Temporary folder for what steps write.
        clock: Monotonic clock, in seconds.
        emit: Receives the events of the run.
        version: mlci's version.
        registry: Registry of promoted models, with an author if this run may write; ``None`` if it does not use one.
        rows: ``rows(data, key, label)`` returns the digests of an evaluation set's rows, or nothing for a huge one;
            with ``in_order=True`` in the order of the table.
        share: Restricts a job to the rows that two evaluation sets have in common.
        own_folder: mlci's folder beside the configuration; ``None`` if nothing may be kept there.
        survey: ``survey(data, label)`` returns the columns and classes of an evaluation set; ``None`` looks nothing up.
        public: Whether everyone can read the report, as in a public repository.
        user_code: Whether commands, models and custom metrics of the user may run here.
        today: The day in UTC, ``YYYY-MM-DD``; by default one on which every waiver has ended.
        may_train: Whether the candidate may be trained; ``False`` if training has to be asked for, and was not.
        rate: Price of a minute on this runner; unknown by default.
        elapsed: Seconds since the job began, or this process outside of a job.
        energy: Returns the energy of all steps so far; by default none, because none is read.
        opened_labels: Temporary file with the labels, if they are sealed and the key is there.
        schemas: Validates rows of production by the user's schema; ``None`` if this run has no rows of production.
    """

    loaded: Loaded[C_co]
    facts: ReportContext
    engine: Engine
    runner: "Runner"
    features: Callable[[str, str, Path], Path]
    fingerprint: Callable[[str], str]
    metric_lack: Callable[[str], str | None]
    git: "Git"
    cache: "BaselineCache | None"
    scratch: Path
    clock: Callable[[], float]
    emit: Emit
    version: str
    registry: Registry | None = None
    rows: Callable[..., Rows | None] | None = None
    share: Callable[..., RestrictedJob] | None = None
    own_folder: Path | None = None
    survey: Callable[[str, str], Survey] | None = None
    user_code: bool = True
    public: bool = False
    today: str = "9999-12-31"
    may_train: bool = True
    rate: Rate = NO_RATE
    elapsed: Callable[[], float] = float
    energy: Callable[[], Energy | None] = lambda: None
    opened_labels: Path | None = None
    schemas: "SchemaStage | None" = None

    @property
    def config(self) -> C_co:
        """The configuration."""
        return self.loaded.config

    def say(self, line: str) -> None:
        """Show one line of progress."""
        self.emit(NoteShown(text=line))

    @property
    def folder(self) -> Path:
        """Folder of the configuration."""
        return Path(self.loaded.path).parent

    @property
    def data(self: "ContextOf[RowsConfig]") -> str:
        """Path or address of the evaluation set."""
        return evaluation_path(self.config.evaluation, self.folder, opened=self.opened_labels)

    def with_config(self, config: C) -> "ContextOf[C]":
        """Return the same run with another configuration, such as the steps of the baseline's commit."""
        loaded = Loaded(config, self.loaded.lines, self.loaded.path)
        return cast("ContextOf[C]", replace(cast("ContextOf[Config]", self), loaded=loaded))


RunContext = ContextOf[RowsConfig | MetricsConfig | ScoresConfig]
RowsContext = ContextOf[RowsConfig]
MetricsContext = ContextOf[MetricsConfig]
ScoresContext = ContextOf[ScoresConfig]


def registry_of(context: RunContext) -> Registry:
    """Return the registry that this run was given."""
    if context.registry is None:
        raise ValueError("the run context has no registry")
    return context.registry


_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def evaluation_path(evaluation: RowsEvaluation, folder: Path, *, opened: Path | None = None) -> str:
    """Return the path of an evaluation set, with its table and its labels if they are in another file.

    ``opened`` is the file with decrypted labels, if they are sealed.
    """
    labels = None
    if evaluation.labels is not None and evaluation.key is not None:
        named = (evaluation.key, evaluation.label)
        place = resolve_path(evaluation.labels, folder)
        place = str(opened) if opened is not None and is_sealed(place) else place
        path = table_path(place, table=evaluation.labels_table, columns=named)
        labels = LabelFile(path, evaluation.key, evaluation.label)
    own = (evaluation.key, None if labels else evaluation.label)
    return table_path(resolve_path(evaluation.data, folder), table=evaluation.table, labels=labels, columns=own)


def resolve_path(path: str, folder: Path) -> str:
    """Resolve a path relative to ``folder``; addresses (``s3://…``) stay as they are."""
    return path if _ADDRESS.match(path) else str(folder / path)
