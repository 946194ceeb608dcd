"""Find the run that published the check of a commit, and the report among its artifacts."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mlci.errors import InputError
from mlci.github.collaboration import ArtifactRef, CheckLink, Collaboration, ListedRun
from mlci.operations.commands.gate_workflows import GateWorkflows
from mlci.publish.check_content import check_name
from mlci.publish.runs import parse_run
from mlci.report.document import Report
from mlci.report.serialization import parse_report
from mlci.util.bounds import REPORT_ENTRIES, REPORT_INFLATED_BYTES

_REPORT = "report.json"
_ARTIFACTS = 5
_TRIED = 3
_RUN = re.compile(r"/actions/runs/([0-9]{1,19})(?:[/?#]|$)")


def find_check_run(github: Collaboration, *, model: str, head: str, gates: GateWorkflows) -> ListedRun | None:
    """Return the workflow run that published the newest check of a model on a commit.

    Its *Details* link leads to the run that judged. In sealed mode that is another one than the run that trained, whose
    number the check has, and which is never taken: the pull request's own code runs there. A job of any workflow can
    have the name of the check, so only a run of a gate's own workflow is taken, by its path and event, and without
    sealed mode a run on that commit: a command never starts another run.

    Args:
        github: GitHub.
        model: The model.
        head: The commit.
        gates: The workflows that judge in sealed mode.
    """
    for check in islice(github.checks(head, check_name(model)), _TRIED):
        for number in _runs(check):
            run = github.run(number)
            if run is None:
                return None  # deleted: who judged is unknown, and another number could be that of the training
            if run.event == "workflow_run":
                return run if run.path.partition("@")[0] in gates.paths else None  # a gate that is not known
            if run.event == "pull_request" and run.head_sha == head and not gates.sealed:
                return run
    return None


def _runs(check: CheckLink) -> Iterator[int]:
    """Yield the numbers of runs that a check names."""
    if (found := _RUN.search(check.details_url or "")) is not None:
        yield int(found[1])
    if (run := parse_run(check.external_id)) is not None:
        yield run.id


def find_report(github: Collaboration, run: ListedRun | None, *, model: str, head: str, scratch: Path) -> Report | None:
    """Return the report of a run on a commit; ``None`` if no artifact has one.

    Any job of that run could have written the artifact, outside of sealed mode also one with the pull request's code.
    Its report is shown, and gives the number that a waiver accepts; the verdict is computed again, by a run and the
    ledger.
    """
    for artifact in _artifacts(github, run, model):
        archive = scratch / "artifact.zip"
        if not github.download(artifact, archive):
            continue
        try:
            report = parse_report(_member(archive), path=_REPORT)
        except InputError:
            continue
        if (report.model, report.candidate.commit) == (model, head):
            return report
    return None


def _artifacts(github: Collaboration, run: ListedRun | None, model: str) -> Iterator[ArtifactRef]:
    """Yield the artifacts that may hold the report: those that the model's name follows first."""
    found = [] if run is None else sorted(github.artifacts(run.id), key=lambda one: -one.id)
    named = [one for one in found if one.name.endswith(f"report-{model}") or f"report-{model}-" in one.name]
    yield from named[:_ARTIFACTS]


def _member(archive: Path) -> bytes:
    """Return the report in an archive, within limits.

    Raises:
        InputError: if the archive is damaged, too large, or does not have exactly one.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            found = [entry for entry in entries if entry.filename == _REPORT]
            if len(entries) > REPORT_ENTRIES.value or len(found) != 1 or found[0].flag_bits & 1:
                raise InputError("the artifact does not have exactly one report")
            with opened.open(found[0]) as stream:
                data = stream.read(REPORT_INFLATED_BYTES.value + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(f"the artifact can't be read: {error}") from None
    if len(data) > REPORT_INFLATED_BYTES.value:
        raise InputError(f"the report in the artifact has more than {REPORT_INFLATED_BYTES}")
    return data
