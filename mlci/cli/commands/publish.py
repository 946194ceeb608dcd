"""``mlci publish``."""

import os
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import click

from mlci.cli import options
from mlci.cli.github_actions import read_workflow
from mlci.cli.options import DEFAULT_OUT
from mlci.cli.publishing.console import PublishConsole
from mlci.cli.publishing.steps import Ending, conclude_run, open_now
from mlci.errors import InputError
from mlci.publish.result import Ended


class _Answers(TypedDict):
    """Values of the options about how the evaluation ended, and of `--comment`."""

    ended: Ended | Literal["skipped"] | None
    code: str | None
    check: str
    comment: bool


@click.command()
@click.argument("report", type=click.Path(path_type=Path), default=DEFAULT_OUT / "report.json")
@options.config
@click.option("--open", "opening", is_flag=True, help="Only open the check, before the evaluation starts.")
@click.option(
    "--ended",
    type=click.Choice(["success", "failure", "cancelled", "skipped"]),
    help="Status of this job so far, `${{ job.status }}`, or result of another job, `${{ needs.….result }}`.",
)
@click.option("--code", metavar="N", help="Exit code of `mlci run`; empty if it did not finish.")
@click.option(
    "--check", default="", metavar="ID", help="Output `check` of the job that opened the check, to conclude it here."
)
@click.option(
    "--comment/--no-comment",
    default=True,
    help="Whether a missing comment is made, as `policy.comment` says; one that exists is always updated.",
)
@click.option("--details-url", metavar="URL", help="Address of the check's *Details* link; by default the run.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    report: Path,
    *,
    config_path: Path,
    opening: bool,
    details_url: str | None,
    as_json: bool,
    **answers: Unpack[_Answers],
) -> int:
    """Publish a report on GitHub: check, commit status, pull-request comment, job summary, outputs.

    Reads what GitHub's runner sets (GITHUB_EVENT_PATH and others) and the token in MLCI_TOKEN or GITHUB_TOKEN. Without
    a token it writes the job summary and the outputs only. In a job with a matrix, pass its values in MLCI_MATRIX, as
    `${{ toJSON(matrix) }}`. The exit code is that of the verdict, or 4 if GitHub failed.

    \b
    Examples:
      mlci publish --open
      mlci publish .mlci/out/report.json --ended success --code 0
    """  # noqa: D301 (click's mark against rewrapping)
    if details_url is not None and not details_url.startswith(("https://", "http://")):
        raise InputError("--details-url has to be an https address")
    console = PublishConsole(as_json=as_json, in_actions=os.environ.get("GITHUB_ACTIONS") == "true", early=opening)
    workflow = read_workflow(os.environ)
    if opening:
        return open_now(workflow, console, config=config_path, url=details_url)
    ended = "failure" if answers["ended"] == "skipped" else answers["ended"]  # skipped because an earlier job failed
    ending = Ending(ended=ended, code=answers["code"], check=answers["check"], comments=answers["comment"])
    return conclude_run(workflow, console, config=config_path, report=report, ending=ending, url=details_url)
