"""Session of Spark: the one that is already there, or one that the configuration describes."""

import contextlib
import shutil
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlci
from mlci.errors import InputError, OutsideError

_PACKAGE = (
    "`engine: spark` needs PySpark, which is not installed: `pip install 'mlci[spark]'`. On a cluster that brings its "
    "own Spark, install mlci without the extra: `pip install mlci`"
)
_JAVA = (
    "`engine: spark` starts Spark on this machine, which needs Java 17 or 21, and `java` was not found: install it "
    "with `apt-get install openjdk-17-jre-headless`, or in a workflow by `uses: actions/setup-java` with "
    "`distribution: temurin` and `java-version: 17`; or set JAVA_HOME"
)
_BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"
_ROWS = str(1 << 16)
_DEFAULTS = {"spark.ui.showConsoleProgress": "false"}
_CONNECT = "sc://"
_OWN_MACHINE = ("local", "local[", "local-cluster[")


@dataclass(frozen=True, kw_only=True)
class SparkSettings:
    """Settings of the session.

    Attributes:
        master: Address of the cluster; ``None`` leaves it to the environment, such as ``spark-submit``.
        conf: Spark's own settings.
        environment: Variables of this process; without PYSPARK_PYTHON, executors of this machine get this Python by it.
    """

    master: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    environment: MutableMapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_own_machine(self) -> bool:
        """Whether executors run on this machine."""
        return self.master is not None and self.master.startswith(_OWN_MACHINE)

    def options(self) -> dict[str, str]:
        """Return Spark's settings, with those by which executors of this machine find mlci."""
        options = _DEFAULTS | {_BATCH: _ROWS}
        if self.is_own_machine:
            options["spark.executorEnv.PYTHONPATH"] = str(Path(mlci.__file__).parents[1])
        return options | dict(self.conf)


def require_spark(settings: SparkSettings, java: str | None) -> None:
    """Check that Spark can start.

    Args:
        settings: The settings.
        java: Path of the command ``java``, if there is one.

    Raises:
        InputError: if PySpark or Java is missing.
    """
    try:
        import pyspark  # noqa: F401, PLC0415 - the optional extra
    except ImportError as error:
        raise InputError(_PACKAGE) from error
    environment = settings.environment
    remote = (settings.master or environment.get("SPARK_REMOTE", "")).startswith(_CONNECT)
    if java is None and not environment.get("JAVA_HOME") and not remote and not environment.get("SPARK_HOME"):
        raise InputError(_JAVA)


@contextlib.contextmanager
def open_session(settings: SparkSettings) -> Iterator[Any]:
    """Yield the active session, or start one and stop it at the end.

    Raises:
        InputError: if PySpark or Java is missing.
        OutsideError: if Spark does not start.
    """
    if (active := _active_session()) is not None:
        with _large_batches(active):
            yield active
        return
    require_spark(settings, shutil.which("java"))
    session = _start(settings)
    try:
        yield session
    finally:
        session.stop()


def _active_session() -> Any:  # noqa: ANN401 - pyspark is optional
    if "pyspark" not in sys.modules:
        return None
    from pyspark.sql import SparkSession  # noqa: PLC0415 - the optional extra

    return SparkSession.getActiveSession()


def _start(settings: SparkSettings) -> Any:  # noqa: ANN401 - pyspark is optional
    from pyspark.sql import SparkSession  # noqa: PLC0415 - the optional extra

    if settings.is_own_machine:
        settings.environment.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("mlci")
    if settings.master is not None:
        connects = settings.master.startswith(_CONNECT)
        builder = builder.remote(settings.master) if connects else builder.master(settings.master)
    for name, value in settings.options().items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # Py4J and gRPC have errors of many types
        message = str(error).strip().split("\n", maxsplit=1)[0]
        raise OutsideError(f"Spark did not start: {type(error).__name__}: {message}") from error


@contextlib.contextmanager
def _large_batches(session: Any) -> Iterator[None]:  # noqa: ANN401 - pyspark is optional
    """Set the size of Arrow batches in a session of the user for the time of the job."""
    before = session.conf.get(_BATCH, None)
    session.conf.set(_BATCH, _ROWS)
    try:
        yield
    finally:
        if before is None:
            session.conf.unset(_BATCH)
        else:
            session.conf.set(_BATCH, before)
