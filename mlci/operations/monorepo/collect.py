"""Reports of the jobs of several models, from the folder into which their artifacts were downloaded."""

import os
from collections.abc import Iterator
from pathlib import Path

from mlci.errors import InputError
from mlci.publish.overview import ModelReports
from mlci.report.document import Report
from mlci.report.serialization import MOST_BYTES, parse_report
from mlci.util.bounds import MODELS_REPORTS
from mlci.util.safe_files import read_bounded

REPORT = "report.json"


def collect_reports(folder: Path) -> tuple[dict[str, ModelReports], tuple[str, ...]]:
    """Return the reports below a folder by the model that they are about, and why others can't be read.

    Raises:
        InputError: if there are more files than the jobs of one matrix leave.
    """
    by_model: dict[str, list[Report]] = {}
    problems: list[str] = []
    for path in _reports(folder):
        try:
            report = parse_report(read_bounded(path, MOST_BYTES, links=False), path=str(path.relative_to(folder)))
        except OSError as error:
            problems.append(f"{path.relative_to(folder)}: {error.strerror or error}")
        except InputError as error:
            problems.append(str(error.problems[0]))
        else:
            by_model.setdefault(report.model, []).append(_summarized(report))
    return {model: ModelReports(reports=tuple(found)) for model, found in by_model.items()}, tuple(problems)


def _summarized(report: Report) -> Report:
    """Return a report without the parts that the overview does not show, which may be large."""
    return report.model_copy(update={"metrics": (), "disparities": ()})


def _reports(folder: Path) -> Iterator[Path]:
    count = 0
    for home, folders, names in os.walk(folder):
        folders.sort()
        if REPORT not in names:
            continue
        count += 1
        if count > MODELS_REPORTS.value:
            raise InputError(
                f"{folder} has more than {MODELS_REPORTS} of the name {REPORT}; download the artifacts of this run only"
            )
        yield Path(home, REPORT)
