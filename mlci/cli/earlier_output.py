"""Removal of an earlier run's files, so that nothing stale is left if this run fails."""

from pathlib import Path

from mlci.cli.output_files import clear_output
from mlci.cli.run_output import REPORT_FILES

FILES = (*REPORT_FILES, "evaluation.json", "origins.json")


def prepare_output(out: Path) -> None:
    """Remove an earlier run's files, so that nothing stale is left if this run fails."""
    from mlci.operations import bundle  # noqa: PLC0415 (only for commands that run)

    clear_output(out, FILES)
    bundle.clear_bundle(out)
