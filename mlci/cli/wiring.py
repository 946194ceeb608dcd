"""Composition root: builds the adapters from the environment."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mlci import __version__
from mlci.cli.events.current import current_events, stream_events
from mlci.cli.github_actions import head_of_this_run, is_public_repository, is_training_requested_here
from mlci.cli.lifecycle.runner_facts import clock_since_start, read_runner
from mlci.cli.options import memory_budget
from mlci.cli.output_files import OURS, keep_out_of_git
from mlci.cli.report_facts import report_facts
from mlci.config.loader import CheckedConfig, LoadedConfig
from mlci.config.read import load
from mlci.cost.runner import Rate, find_rate
from mlci.engine.duckdb_engine import DuckDBEngine
from mlci.engine.encode.classes import survey_table
from mlci.engine.export.features import write_features
from mlci.engine.fingerprint import fingerprint
from mlci.engine.interface import Progress
from mlci.engine.row_comparison import row_digests, share_rows
from mlci.engine.tables.cell_values import cell_text
from mlci.events.events import Emit, ModelSelected, RowsRead
from mlci.execution.environment import COLLECTOR_CREDENTIALS, child_environment, hide_environment, registry_credentials
from mlci.execution.interface import RefusingRunner, Runner
from mlci.execution.metric_stage import MetricProcess, missing_metric_reason
from mlci.execution.process import ProcessRunner
from mlci.execution.schemas.stage import SchemaStage
from mlci.git.baseline_cache import BaselineCache
from mlci.git.git import Git
from mlci.git.refs import is_elsewhere
from mlci.metrics import catalogue
from mlci.operations.context import RunContext
from mlci.operations.report_builder import ReportContext
from mlci.operations.sealed.labels import open_labels
from mlci.registry.registry import Registry
from mlci.sealed.label_seal import KEY_VARIABLE

if TYPE_CHECKING:
    from mlci.engine.spark.spark_engine import SparkEngine
    from mlci.execution.energy.metered_runner import MeteredRunner


def load_configuration(path: Path) -> CheckedConfig:
    """Read and check the configuration; every problem at once."""
    return load(path, catalogue)


@contextlib.contextmanager
def run_context(
    loaded: CheckedConfig,
    *,
    cached: bool = True,
    registry: Registry | None = None,
    log: TextIO | None = None,
    user_code: bool = True,
    own_process: bool = True,
    withheld: tuple[str, ...] = (),
) -> Iterator[RunContext]:
    """Build the context of one run and remove its temporary files; ``log`` replaces the command's stream of events.

    The credentials of the configured registry, and variables that begin with one of ``withheld``, do not reach steps
    and git. Without ``user_code`` no command, model or custom metric of the user is run. Steps can't read the memory of
    an ``own_process``, which may hold credentials.
    """
    with tempfile.TemporaryDirectory(prefix="mlci-run-", ignore_cleanup_errors=True) as scratch:
        environment = dict(os.environ)
        if own_process:
            hide_environment()
        emit = (current_events() if log is None else stream_events(log)).emit
        emit(ModelSelected(model=loaded.config.model))
        yield _build_context(
            loaded,
            Path(scratch),
            environment=environment,
            credentials=(*registry_credentials(loaded.config.registry), *COLLECTOR_CREDENTIALS, *withheld),
            emit=emit,
            cached=cached,
            registry=registry,
            user_code=user_code,
        )


def _build_context(
    loaded: CheckedConfig,
    scratch: Path,
    *,
    environment: dict[str, str],
    credentials: tuple[str, ...],
    emit: Emit,
    cached: bool,
    registry: Registry | None,
    user_code: bool,
) -> RunContext:
    folder = Path(loaded.path).parent
    processes = ProcessRunner(environment=environment, emit=emit, credentials=credentials)
    spark = _spark_engine(loaded)
    evaluator = _evaluator(processes, folder, scratch, environment, user_code=user_code)
    labels = open_labels(loaded.config, folder, scratch, environment.get(KEY_VARIABLE))
    python_path = environment.get("PYTHONPATH", "")
    metered = _metered(loaded, processes)
    runner: Runner = metered or processes
    return RunContext(
        loaded=loaded,
        facts=replace(report_context(loaded), labels_sealed=labels is not None and labels.hidden),
        engine=spark or DuckDBEngine(row_metrics=evaluator, progress=_report_rows(emit), memory=memory_budget()),
        runner=runner if user_code else RefusingRunner(),
        features=write_features,
        fingerprint=fingerprint if spark is None else spark.fingerprint,
        metric_lack=missing_metric_reason(folder),
        git=Git(folder=folder, environment=child_environment(environment, {}, credentials=credentials)),
        cache=_baseline_cache(folder) if cached else None,
        scratch=scratch,
        clock=time.monotonic,
        emit=emit,
        version=__version__,
        registry=registry,
        rows=row_digests if spark is None else None,
        share=share_rows,
        own_folder=folder / OURS,
        survey=survey_table if spark is None else None,
        user_code=user_code,
        public=is_public_repository(environment),
        today=today(),
        may_train=_may_train(loaded, environment),
        rate=_rate(loaded, environment),
        elapsed=clock_since_start(environment),
        energy=metered.total if metered is not None else lambda: None,
        opened_labels=labels.path if labels is not None else None,
        schemas=SchemaStage(processes, folder=folder, scratch=scratch / "schema", python_path=python_path),
    )


def _spark_engine(loaded: CheckedConfig) -> "SparkEngine | None":
    """Return the engine on a cluster, if the configuration names one."""
    section = loaded.config.engine
    if section is None:
        return None
    from mlci.engine.spark.session import SparkSettings  # noqa: PLC0415 - modules that only this engine needs
    from mlci.engine.spark.spark_engine import SparkEngine  # noqa: PLC0415

    conf = {name: cell_text(value) for name, value in section.spark.conf.items()}
    return SparkEngine(SparkSettings(master=section.spark.master, conf=conf, environment=os.environ))


def _report_rows(emit: Emit) -> Progress:
    """Return what turns the engine's progress into events."""

    def report(stage: str, done: int, rows: int, seconds: float) -> None:
        emit(RowsRead(stage=stage, done=done, rows=rows, seconds=seconds))

    return report


def _evaluator(
    processes: ProcessRunner, folder: Path, scratch: Path, environment: dict[str, str], *, user_code: bool
) -> MetricProcess:
    """Return what evaluates custom metrics of rows, in a process of its own."""
    path = environment.get("PYTHONPATH", "")
    return MetricProcess(processes, folder=folder, scratch=scratch / "metrics", python_path=path, user_code=user_code)


def _may_train(loaded: LoadedConfig, environment: dict[str, str]) -> bool:
    """Check if the candidate may be trained in this run."""
    train = loaded.config.train
    return train is None or train.when == "always" or is_training_requested_here(environment, train.label)


def _metered(loaded: LoadedConfig, processes: ProcessRunner) -> "MeteredRunner | None":
    """Return a runner that reads energy; ``None`` if the configuration does not ask for it."""
    cost = loaded.config.cost
    if cost is None or not cost.energy:
        return None
    from mlci.execution.energy.codecarbon_meter import CodeCarbonMeter  # noqa: PLC0415 (only if it is asked for)
    from mlci.execution.energy.metered_runner import MeteredRunner  # noqa: PLC0415 (as above)

    return MeteredRunner(processes, CodeCarbonMeter(country=cost.country, grams_per_kwh=cost.g_co2_per_kwh))


def _rate(loaded: LoadedConfig, environment: dict[str, str]) -> Rate:
    """Return the price of a minute on this runner."""
    cost = loaded.config.cost
    return find_rate(read_runner(environment), cost.runners if cost is not None else {})


def _baseline_cache(folder: Path) -> BaselineCache:
    """Return the cache beside the configuration; in a read-only folder it is not used."""
    with contextlib.suppress(OSError):
        keep_out_of_git(folder / OURS)
    return BaselineCache(root=folder / OURS / "cache")


def today() -> str:
    """Return the day in UTC, ``YYYY-MM-DD``."""
    return datetime.now(UTC).date().isoformat()


def report_context(loaded: LoadedConfig) -> ReportContext:
    """Return the facts about a run that are known before it starts."""
    git = checkout_git(loaded)
    return report_facts(loaded, commit=head_of_this_run(partial(is_elsewhere, git)))


def checkout_git(loaded: LoadedConfig) -> Git:
    """Return git in the configuration's folder, without the credentials of the registry."""
    environment = child_environment(os.environ, {}, credentials=registry_credentials(loaded.config.registry))
    return Git(folder=Path(loaded.path).parent, environment=environment)
