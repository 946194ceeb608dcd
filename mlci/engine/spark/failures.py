"""Failures of Spark as errors of mlci: what the user can change, or what failed outside."""

import contextlib
import re
from collections.abc import Iterator

from mlci.errors import InputError, OutsideError, Problem

_MISSING = ("PATH_NOT_FOUND", "TABLE_OR_VIEW_NOT_FOUND", "DELTA_TABLE_NOT_FOUND", "UNABLE_TO_INFER_SCHEMA")
_RAISED = re.compile(r"([A-Za-z_]\w*\.)*\w*(Error|Exception): ")
_NANOSECONDS = "TIMESTAMP(NANOS"
_UNREADABLE_TIME = (
    "has timestamps in nanoseconds, which Spark can't read; write "
    '`df.to_parquet(path, coerce_timestamps="us", allow_truncated_timestamps=True)`'
)
_NOT_INSTALLED = (
    "mlci, or this version of it, is not installed on the executors; install it there: `%pip install mlci` in a "
    "notebook of Databricks, or `spark-submit --archives environment.tar.gz#environment` with a packed environment"
)
_OTHER_PYTHON = (
    "the driver and the executors run different versions of Python; set PYSPARK_PYTHON to the same one on both"
)
_NO_PACKAGE = (
    "Spark lacks the package that reads this table; add it, for Delta "
    "`engine: {spark: {conf: {spark.jars.packages: 'io.delta:delta-spark_2.13:VERSION'}}}`"
)
_REMEDIES = {
    "No module named 'mlci": _NOT_INSTALLED,
    "PYTHON_VERSION_MISMATCH": _OTHER_PYTHON,
    "ClassNotFoundException": _NO_PACKAGE,
    "DATA_SOURCE_NOT_FOUND": _NO_PACKAGE,
}


@contextlib.contextmanager
def spark_failures(path: str) -> Iterator[None]:
    """Convert Spark's errors on a table.

    Raises:
        InputError: if the table does not exist or can't be read.
        OutsideError: if the cluster failed.
    """
    from py4j.protocol import Py4JError  # noqa: PLC0415 - the optional extra
    from pyspark.errors import AnalysisException, PySparkException  # noqa: PLC0415

    try:
        yield
    except AnalysisException as error:
        raise InputError(Problem(describe_unreadable(str(error)), path)) from error
    except (PySparkException, Py4JError) as error:
        raise describe_failure(str(error), path) from error


def describe_unreadable(text: str) -> str:
    """Return the message for a table that Spark does not find or can't analyze."""
    if any(condition in text for condition in _MISSING):
        return f"Spark finds no such table: {_first_line(text)}"
    return _UNREADABLE_TIME if _NANOSECONDS in text else f"Spark can't read it: {_first_line(text)}"


def describe_failure(text: str, path: str) -> InputError | OutsideError:
    """Return the error for a job that failed."""
    if _NANOSECONDS in text:
        return InputError(Problem(_UNREADABLE_TIME, path))
    for sign, remedy in _REMEDIES.items():
        if sign in text:
            return InputError(Problem(remedy, path))
    return OutsideError(f"{path}: Spark's job failed: {_first_line(text)}")


def _first_line(text: str) -> str:
    """Return the line of a message that names the error: the last one of a traceback of Python, or the first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    raised = [line for line in lines if _RAISED.match(line)]
    return (raised or lines or ["without a message"])[-1 if raised else 0][:400]
