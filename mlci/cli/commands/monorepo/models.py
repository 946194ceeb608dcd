"""``mlci models``: the models of a repository that a change can affect, and one overview of their verdicts."""

import json
import os
import sys
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import read_workflow, write_outputs
from mlci.cli.monorepo.overview_steps import publish_models
from mlci.cli.publishing.console import PublishConsole
from mlci.errors import InputError
from mlci.execution.environment import child_environment
from mlci.execution.sanitize import sanitize
from mlci.git.git import Git
from mlci.operations.monorepo.plan import matrix_entries, plan_affected, plan_lines
from mlci.publish.models_plan import plan_document
from mlci.util.bounds import MODELS_PLAN_BYTES
from mlci.util.json_text import pretty_json
from mlci.util.safe_files import read_bounded


@click.group()
def command() -> None:
    """Evaluate only the models of a repository that a change can affect, and report them together.

    \b
    Examples:
      mlci models plan --changed origin/main
      mlci models publish plan.json --reports artifacts --ended success
    """  # noqa: D301 (click's mark against rewrapping)


@command.command("plan")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1)
@click.option(
    "--changed",
    metavar="COMMIT",
    default="",
    help="Branch or commit to merge into; models of which no file of `paths:` changed are left out. Empty takes all.",
)
@options.as_json
def plan_command(folders: tuple[str, ...], *, changed: str, as_json: bool) -> int:
    """List the models that a change can affect, with the matrix of their jobs.

    A model is an `mlci.yml` that git tracks, below one of the folders or anywhere. It is affected if a file of its
    `paths:` differs from the merge base; without `paths:`, a file in its folder, or one outside of the folders of all
    models. In a workflow, the outputs `plan`, `matrix` and `any` are written, too.

    \b
    Examples:
      mlci models plan --changed origin/main
      mlci models plan models --changed origin/main --json
    """  # noqa: D301 (click's mark against rewrapping)
    git = Git(folder=Path.cwd(), environment=child_environment(os.environ, {}))
    plan = plan_affected(git, since=changed or None, folders=folders)
    matrix = matrix_entries(plan, git)
    lines = [sanitize(line) for line in plan_lines(plan)]
    click.echo(pretty_json(plan_document(plan, matrix)) if as_json else "\n".join(lines))
    outputs = {
        "plan": plan.model_dump_json(),
        "matrix": json.dumps({"include": matrix}),
        "any": "true" if plan.affected else "false",
    }
    if problem := write_outputs(read_workflow(os.environ).output, outputs):
        raise InputError(problem)
    return 0


@command.command("publish")
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".mlci/models"),
    show_default=True,
    help="Folder with the artifacts of the models' jobs; every `report.json` below it is read.",
)
@click.option(
    "--ended",
    type=click.Choice(["success", "failure", "cancelled", "skipped"]),
    required=True,
    help="Result of the models' jobs, `${{ needs.model.result }}`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def publish_command(plan: Path, *, reports: Path, ended: str, as_json: bool) -> int:
    """Publish one check, `mlci / models`, and one comment with a table of all models.

    PLAN is what `mlci models plan` wrote as the output `plan`; `-` reads it from standard input. The check is green if
    every affected model has a report that passed; with none, it is green at once, so that it can be required. A
    missing report is never a pass. The exit code is that of the verdict, or 4 if GitHub failed.

    \b
    Example:
      mlci models publish plan.json --reports artifacts --ended success
    """  # noqa: D301 (click's mark against rewrapping)
    console = PublishConsole(as_json=as_json, in_actions=os.environ.get("GITHUB_ACTIONS") == "true")
    workflow = read_workflow(os.environ)
    return publish_models(workflow, console, plan=_text(plan), reports=reports, ended=ended)


def _text(plan: Path) -> str:
    """Read the plan, from standard input for `-`.

    Raises:
        InputError: if the file can't be read.
    """
    if str(plan) == "-":
        return sys.stdin.read(MODELS_PLAN_BYTES.value + 1)
    try:
        return read_bounded(plan, MODELS_PLAN_BYTES.value).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{plan} can't be read: {error.strerror or error}") from None
