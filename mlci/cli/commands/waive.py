"""``mlci waive``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.events.current import github_access, github_patience
from mlci.cli.options import DEFAULT_OUT
from mlci.cli.registry_factory import open_registry
from mlci.cli.repository_access import find_repository_access
from mlci.cli.wiring import load_configuration, today
from mlci.commands import grammar
from mlci.errors import InputError
from mlci.github.collaboration import Collaboration
from mlci.github.transport import transport
from mlci.operations.commands.waive import WaiverGiven, WaiverRefused, WaiverRequest, give_waiver
from mlci.report.document import Report
from mlci.report.serialization import MOST_BYTES, parse_report
from mlci.report.text.escape import plain_text
from mlci.util.json_text import pretty_json
from mlci.util.safe_files import read_bounded


@click.command()
@click.argument("gate")
@click.argument("sha")
@options.config
@options.as_json
@click.option("--until", required=True, metavar="YYYY-MM-DD", help="Last day on which the waiver counts, in UTC.")
@click.option("--reason", required=True, help="Reason, recorded in the ledger with your login.")
@click.option("--pull", type=click.IntRange(min=1), help="Number of the pull request whose head the commit is.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=DEFAULT_OUT / "report.json",
    show_default=True,
    help="Report of the commit, whose number is accepted; another commit's is refused.",
)
def command(
    gate: str, sha: str, *, config_path: Path, as_json: bool, until: str, reason: str, pull: int | None, report: Path
) -> int:
    """Accept the finding of one gate on one commit, as a maintainer who is not an author of the change.

    The ledger records it, and the next evaluation of that commit turns the finding into a warning. Needs your own token
    in MLCI_TOKEN or GITHUB_TOKEN, by which GitHub is asked for your role and for the authors of the change.

    \b
    Example:
      mlci waive recall.min 3f9c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4 --until 2026-12-31 --reason noise
    """  # noqa: D301 (click's mark against rewrapping)
    asked = _parsed(gate, sha, until, reason)
    loaded, folder = load_configuration(config_path), config_path.parent
    access = find_repository_access(folder, os.environ)
    if access is None:
        raise InputError(
            "mlci waive needs your own token and the repository's name:\n"
            "    export GITHUB_TOKEN=$(gh auth token) GITHUB_REPOSITORY=owner/name"
        )
    send = transport(github_access(access.api, access.token))
    github = Collaboration(send, repository=access.repository, patience=github_patience())
    person = github.login()
    if person is None:
        raise InputError(
            "a waiver is given by a person, and this token does not belong to one; in a workflow, comment `/mlci "
            "waive …` on the pull request, and on a machine write\n    export GITHUB_TOKEN=$(gh auth token)"
        )
    given = give_waiver(
        WaiverRequest(command=asked, person=person, pull=pull),
        github,
        config=loaded.config,
        report=_report(report, loaded.config.model, sha),
        registry=lambda: open_registry(loaded, folder, writes=True),
        today=today(),
    )
    if isinstance(given, WaiverRefused):
        raise InputError(f"not waived: {given.why}")
    click.echo(pretty_json({"entry": given.entry, **given.record.model_dump()}) if as_json else _text(given))
    return 0


def _parsed(gate: str, sha: str, until: str, reason: str) -> grammar.WaiveCommand:
    try:
        head, day, why = grammar.parse_sha(sha), grammar.parse_day(until), grammar.check_reason(reason)
    except grammar.GrammarError as error:
        raise InputError(str(error)) from None
    return grammar.WaiveCommand(gate=gate, until=day, reason=why, head=head)


def _report(path: Path, model: str, sha: str) -> Report:
    """Return the report of the commit.

    Raises:
        InputError: if the file does not exist, or is another model's or commit's.
    """
    again = (
        "a waiver accepts a number of the commit's report: take it from the run, and name it\n"
        f"    gh run download RUN --name mlci-report-{model} --dir report\n    mlci waive … --report report/report.json"
    )
    try:
        report = parse_report(read_bounded(path, MOST_BYTES), path=str(path))
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); {again}") from None
    if (report.model, report.candidate.commit) != (model, sha):
        raise InputError(f"{path} is not the report of model {model} on commit {sha[:7]}; {again}")
    return report


def _text(given: WaiverGiven) -> str:
    record = given.record
    what = f"{plain_text(record.gate)} is waived on {record.head[:7]} until {record.until} (UTC) by {record.person}"
    if given.entry is None:
        return f"{what} already; nothing was written"
    return f"{what} (entry {given.entry}). Evaluate the commit again: the verdict is a warning if nothing else blocks"
