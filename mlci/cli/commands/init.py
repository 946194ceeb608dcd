"""``mlci init``."""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from mlci.cli.commands import run
from mlci.cli.commands.doctor import collect_setup
from mlci.cli.output_files import OURS, keep_out_of_git, write_files
from mlci.engine.tables.column_summary import summarize_table
from mlci.errors import InputError, OutsideError
from mlci.execution.environment import child_environment
from mlci.execution.sanitize import sanitize
from mlci.git.git import Git
from mlci.git.refs import main_branch
from mlci.operations.doctor.doctor import check_setup, findings_text
from mlci.operations.init.init import CHANGES, CONFIGURATION, InitPlan, apply_changes, patch_text, plan_setup
from mlci.operations.init.proposal import FileChange, InitOptions
from mlci.report.templating import template_folder


@click.command()
@click.option("--model", metavar="NAME", help="Name of the model in reports; by default that of the folder.")
@click.option("--task", type=click.Choice(["binary", "multiclass", "regression"]), help="Kind of model.")
@click.option("--train", metavar="COMMAND", help="Command that trains the model.")
@click.option("--script", metavar="PATH", help="Training script to look at.")
@click.option("--data", metavar="PATH", help="Table of the evaluation set.")
@click.option("--label", metavar="COLUMN", help="Column with the true values.")
@click.option("--positive", metavar="VALUE", help="Label that counts as positive.")
@click.option("--key", metavar="COLUMN", help="Column that identifies a row.")
@click.option("--slices", metavar="COLUMNS", help="Columns to look at the rows by, with commas; empty for none.")
@click.option("--predictions", metavar="PATH", help="Table of predictions.")
@click.option("--score", metavar="COLUMN", help="Column of the predictions with scores.")
@click.option("--decision", metavar="COLUMN", help="Column of the predictions with decisions.")
@click.option("--metrics", metavar="PATH", help="Metrics file to judge, instead of predictions.")
@click.option("--yes", is_flag=True, help="Ask nothing: write the files, and change the training script.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan, and write nothing.")
def command(*, yes: bool, as_json: bool, slices: str | None, **answers: str | None) -> int:
    """Set mlci up in a repository: propose mlci.yml, a workflow and, if needed, lines for the training script.

    Looks at scripts, tables, metrics files, dvc.yaml and saved models, and runs none of them. No file is overwritten;
    the change to the training script is shown first, and its reverse is kept in .mlci/init. At the end it checks the
    setup as `mlci doctor` does, and asks whether to run it.

    \b
    Examples:
      mlci init
      mlci init --yes && mlci run
      mlci init --train "python train.py" --label outcome --slices sex,region
      mlci init --json
    """  # noqa: D301 (click's mark against rewrapping)
    chosen = None if slices is None else tuple(filter(None, (name.strip() for name in slices.split(","))))
    folder = Path()
    git = Git(folder=folder, environment=child_environment(os.environ, {}))
    plan = plan_setup(
        folder,
        InitOptions(slices=chosen, **answers),  # type: ignore[arg-type]  # click checks the choices of --task
        summarize=summarize_table,
        workflow=template_folder().joinpath("workflows", "mlci.yml").read_text(encoding="utf-8"),
        top=_top(git),
        branch=main_branch(git),
    )
    if as_json:
        click.echo(json.dumps(_plain(plan), indent=2, ensure_ascii=False))
        return 0
    _show(plan)
    _write(folder, plan, yes=yes)
    _check(folder / CONFIGURATION)
    if yes or not click.confirm("Run it now, with your training? (mlci run)", default=True):
        click.echo("Next: mlci run")
        return 0
    return int(click.get_current_context().invoke(run.command))


def _check(path: Path) -> None:
    """Show what `mlci doctor` finds without a token."""
    environment = {name: value for name, value in os.environ.items() if name not in {"MLCI_TOKEN", "GITHUB_TOKEN"}}
    facts, _ = collect_setup(path, environment)
    click.echo(f"mlci doctor: {findings_text(check_setup(facts), [], None)}")


def _top(git: Git) -> Path | None:
    try:
        return git.root()
    except (InputError, OutsideError):
        return None


def _plain(plan: InitPlan) -> dict[str, object]:
    """Return the plan as JSON, with changes as a diff."""
    every = (*plan.changes, *([plan.script] if plan.script else []))
    return {
        "on_ramp": plan.on_ramp,
        "answers": [asdict(answer) for answer in plan.answers],
        "changes": [
            {
                "path": change.path,
                "reason": change.reason,
                "new": change.before is None,
                "text": change.after if change.before is None else None,
                "diff": None if change.before is None else patch_text([change]),
            }
            for change in every
        ],
        "kept": list(plan.kept),
        "notes": list(plan.notes),
        "next": "mlci run",
    }


def _show(plan: InitPlan) -> None:
    width = max(len(answer.question) for answer in plan.answers)
    for answer in plan.answers:
        value = " && ".join(answer.value.splitlines())
        click.echo(f"{answer.question:>{width}}  {sanitize(value)}")
        click.echo(f"{'':{width}}    {sanitize(answer.reason)}")
    click.echo("\nAnother answer: the option of the same name, such as `mlci init --label COLUMN`.\n")
    for kept in plan.kept:
        click.echo(f"kept     {sanitize(kept)}; it is not overwritten")
    for change in plan.changes:
        click.echo(f"{'new' if change.before is None else 'add to':8} {sanitize(change.path)}: {change.reason}")
    if plan.script:
        click.echo(f"{'change':8} {sanitize(plan.script.path)}: {sanitize(plan.script.reason)}\n")
        for line in patch_text([plan.script]).splitlines():
            click.echo(sanitize(line))
    for note in plan.notes:
        click.echo(f"\nNote: {sanitize(note)}")
    click.echo("")


def _write(folder: Path, plan: InitPlan, *, yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise InputError(
            "nothing was written: without a terminal to ask on, `mlci init --yes` writes what is listed above"
        )
    if not yes and not click.confirm("Write these files?", default=True):
        raise click.Abort
    agreed = plan.script is not None and (yes or click.confirm(f"Change {plan.script.path} as shown?", default=True))
    scripts = [plan.script] if plan.script else []
    keep_out_of_git(folder / OURS)
    changed = [change for change in plan.changes if change.before is not None] + (scripts if agreed else [])
    undo = patch_text(changed, reverse=True)
    patches = {"undo.patch": undo} if undo else {}
    if scripts and not agreed:
        patches["script.patch"] = patch_text(scripts)
    if patches:
        write_files(folder / CHANGES, patches)  # first, so that there is a way back whenever the rest stops
    apply_changes(folder, [*plan.changes, *(scripts if agreed else [])])
    _end(plan, changed, scripts if not agreed else [])


def _end(plan: InitPlan, changed: Sequence[FileChange], declined: Sequence[FileChange]) -> None:
    created = [change.path for change in plan.changes if change.before is None]
    undo = [shlex.join(["rm", *created])] if created else []
    undo += [f"git apply {CHANGES}/undo.patch"] if changed else []
    click.echo(f"Undo: {' && '.join(undo)}")
    if declined:
        click.echo(f"{declined[0].path} is unchanged; `git apply {CHANGES}/script.patch` adds the lines.")
