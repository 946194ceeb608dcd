"""Files of an earlier run: removed before a run, so that nothing stale is left if it fails, and its report, read."""

from pathlib import Path

from mlci.cli.output_files import clear_output
from mlci.cli.run_output import REPORT_FILES
from mlci.errors import InputError, Problem
from mlci.report.document import Report
from mlci.report.serialization import MOST_BYTES, parse_report
from mlci.util.safe_files import read_bounded

FILES = (*REPORT_FILES, "evaluation.json", "origins.json")


def prepare_output(out: Path) -> None:
    """Remove an earlier run's files, so that nothing stale is left if this run fails."""
    from mlci.operations import bundle  # noqa: PLC0415 (only for commands that run)

    clear_output(out, FILES)
    bundle.clear_bundle(out)


def read_report_file(path: Path) -> Report:
    """Read a report document.

    Raises:
        InputError: if the file is missing or not a report.
    """
    try:
        return parse_report(read_bounded(path, MOST_BYTES), path=str(path))
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}; `mlci run` writes it", str(path))) from error
