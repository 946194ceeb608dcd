"""``mlci init``."""

import json
import os
import shlex
import sys
from collections.abc import Container, Sequence
from dataclasses import asdict, replace
from os.path import normpath
from pathlib import Path
from posixpath import dirname

import click

from mlci.cli.commands import run
from mlci.cli.commands.setting_up.doctor import collect_setup
from mlci.cli.output_files import OURS, keep_out_of_git, write_files
from mlci.engine.tables.column_summary import summarize_table
from mlci.errors import InputError, OutsideError
from mlci.execution.environment import child_environment
from mlci.execution.sanitize import sanitize
from mlci.git.git import Git
from mlci.git.refs import main_branch, unborn_branch
from mlci.operations.doctor.collect_facts import configured_models, list_files
from mlci.operations.doctor.doctor import check_setup, findings_text
from mlci.operations.init.init import (
    CHANGES,
    CONFIGURATION,
    InitPlan,
    SetupSources,
    apply_changes,
    find_folders,
    patch_text,
    plan_models,
)
from mlci.operations.init.proposal import FileChange, InitOptions
from mlci.operations.init.workflow import WORKFLOW, SealedTemplates
from mlci.report.templating import template_folder

_AFTER_SEALED = """\
Next: mlci sealed predict
      commit to the main branch, promote a first version, and require the check:
      https://github.com/mlci/mlci/blob/main/docs/how-to/workflows/accept-forks.md"""


@click.command()
@click.argument(
    "folders", metavar="[FOLDER]...", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
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
@click.option("--sealed", is_flag=True, help="Write the workflows that judge pull requests from anyone.")
@click.option("--yes", is_flag=True, help="Ask nothing: write the files, and change the training script.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan, and write nothing.")
def command(
    *,
    folders: tuple[Path, ...],
    sealed: bool,
    yes: bool,
    as_json: bool,
    slices: str | None,
    **answers: str | None,
) -> int:
    """Set mlci up in a repository: propose mlci.yml, a workflow and, if needed, lines for the training script.

    Looks at scripts, tables, metrics files, dvc.yaml and saved models, and runs none of them. No file is overwritten;
    the change to the training script is shown first, and its reverse is kept in .mlci/init. At the end it checks the
    setup as `mlci doctor` does, and asks whether to run it.

    In a repository with several models, each FOLDER gets a configuration, and one workflow judges all of them, a job of
    a matrix for each. Without FOLDER, it is the current folder; or, at the top of a repository, those that have a
    training script and data of their own.

    With --sealed, pull requests from forks are judged like any other: one workflow runs their code without rights, the
    other judges their predictions by the main branch's configuration and labels.

    \b
    Examples:
      mlci init
      mlci init --yes && mlci run
      mlci init --train "python train.py" --label outcome --slices sex,region
      mlci init models/churn models/fraud
      mlci init --sealed --data holdout.csv --label outcome --key customer
      mlci init --json
    """  # noqa: D301 (click's mark against rewrapping)
    chosen = None if slices is None else tuple(filter(None, (name.strip() for name in slices.split(","))))
    options = InitOptions(slices=chosen, **answers)  # type: ignore[arg-type]  # click checks the choices of --task
    plans = _plans(folders, options, sealed=sealed)
    if as_json:
        documents = [_plain(plan) for plan in plans]
        click.echo(json.dumps(documents[0] if len(plans) == 1 else documents, indent=2, ensure_ascii=False))
        return 0
    for plan in plans:
        click.echo(f"{plan.model}, in {sanitize(plan.folder.as_posix())}:" if len(plans) > 1 else "", nl=len(plans) > 1)
        _show(plan)
    _write(plans, yes=yes)
    for plan in plans:
        _check(plan.folder / CONFIGURATION)
    if sealed:
        click.echo(_AFTER_SEALED)
        return 0
    return _run(plans, yes=yes)


def _plans(folders: tuple[Path, ...], options: InitOptions, *, sealed: bool) -> list[InitPlan]:
    """Return the plans for the named folders, or for those that are found."""
    start = folders[0] if folders else Path()
    git = Git(folder=start, environment=child_environment(os.environ, {}))
    top = _top(git)
    place = top or Path()
    workflow = place / WORKFLOW
    models = configured_models(place, list_files(git, place, in_git=True)) if top else {}
    unborn = unborn_branch(git)
    sources = SetupSources(
        summarize=summarize_table,
        template=_template("mlci.yml"),
        sealed=_sealed_templates() if sealed else None,
        top=top or (Path() if folders else None),
        branch=main_branch(git) or unborn,
        unborn=unborn is not None,
        models={dirname(path): model for path, model in models.items()},
        workflow=workflow.read_bytes().decode("utf-8", errors="surrogateescape") if workflow.is_file() else None,
    )
    if not folders and options == InitOptions():
        folders = tuple(map(Path, find_folders(start, summarize_table)))
    return plan_models(folders or (start,), options, sources)


def _sealed_templates() -> SealedTemplates:
    train, gate, commands = (_template(f"mlci-{name}.yml") for name in ("train", "gate", "commands"))
    return SealedTemplates(train=train, gate=gate, commands=commands)


def _template(name: str) -> str:
    return template_folder().joinpath("workflows", name).read_text(encoding="utf-8")


def _run(plans: Sequence[InitPlan], *, yes: bool) -> int:
    """Run the first model on consent, or show how to."""
    paths = [(plan.folder / CONFIGURATION).as_posix() for plan in plans]
    commands = [
        "mlci run" if path == CONFIGURATION else shlex.join(["mlci", "run", "--config", path]) for path in paths
    ]
    if yes or len(plans) > 1 or not click.confirm(f"Run it now, with your training? ({commands[0]})", default=True):
        click.echo(f"Next: {' && '.join(commands)}")
        return 0
    return int(click.get_current_context().invoke(run.command, config_path=Path(paths[0])))


def _check(path: Path) -> None:
    """Show what `mlci doctor` finds without a token."""
    environment = {name: value for name, value in os.environ.items() if name not in {"MLCI_TOKEN", "GITHUB_TOKEN"}}
    facts, _ = collect_setup(path, environment)
    config = "" if path.as_posix() == CONFIGURATION else f" --config {shlex.quote(path.as_posix())}"
    click.echo(f"mlci doctor{config}: {findings_text(check_setup(facts), [], None)}")


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
                "diff": None if change.before is None else _readable(patch_text([change])),
            }
            for change in every
        ],
        "kept": list(plan.kept),
        "notes": list(plan.notes),
        "next": "mlci run",
    }


def _readable(text: str) -> str:
    """Return a text with a replacement character for each byte that is not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _show(plan: InitPlan) -> None:
    width = max(len(answer.question) for answer in plan.answers)
    for answer in plan.answers:
        value = " && ".join(answer.value.splitlines())
        click.echo(f"{answer.question:>{width}}  {sanitize(value)}")
        click.echo(f"{'':{width}}    {sanitize(answer.reason)}")
    another = (
        "edit mlci.yml" if plan.on_ramp == "logs" else "the option of the same name, such as `mlci init --label COLUMN`"
    )
    click.echo(f"\nAnother answer: {another}.\n")
    for kept in plan.kept:
        click.echo(f"kept     {sanitize(kept)}; it is not overwritten")
    for change in plan.changes:
        path = sanitize(normpath(plan.folder / change.path))
        click.echo(f"{'new' if change.before is None else 'add to':8} {path}: {sanitize(change.reason)}")
    if plan.script:
        path = sanitize(normpath(plan.folder / plan.script.path))
        click.echo(f"{'change':8} {path}: {sanitize(plan.script.reason)}\n")
        for line in patch_text([plan.script]).splitlines():
            click.echo(sanitize(line))
    for note in plan.notes:
        click.echo(f"\nNote: {sanitize(note)}")
    click.echo("")


def _write(plans: Sequence[InitPlan], *, yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise InputError(
            "nothing was written: without a terminal to ask on, `mlci init --yes` writes what is listed above"
        )
    if not yes and not click.confirm("Write these files?", default=True):
        raise click.Abort
    agreed = {plan.folder for plan in plans if plan.script and (yes or _agrees(plan.folder / plan.script.path))}
    created = _created(plans)
    undo: list[str] = []
    declined: list[str] = []
    for plan in plans:
        scripts = [plan.script] if plan.script else []
        accepted = scripts if plan.folder in agreed else []
        changed = [change for change in plan.changes if change.before is not None]
        undo = [*_keep_reverse(plan, [*changed, *accepted], created), *undo]
        if scripts and not accepted:
            write_files(plan.folder / CHANGES, {"script.patch": patch_text(scripts)})
            declined.append(
                f"{(plan.folder / scripts[0].path).as_posix()} is unchanged; "
                f"`{_apply(plan.folder, f'{CHANGES}/script.patch')}` adds the lines."
            )
        apply_changes(plan.folder, [*plan.changes, *accepted])
    removal = [shlex.join(["rm", *created.values()])] if created else []
    click.echo(f"Undo: {' && '.join([*removal, *undo])}")
    for line in declined:
        click.echo(line)


def _agrees(script: Path) -> bool:
    return click.confirm(f"Change {script.as_posix()} as shown?", default=True)


def _keep_reverse(plan: InitPlan, changed: Sequence[FileChange], created: Container[str]) -> list[str]:
    """Keep the reverse of changes to files, before anything is written; return the commands that apply it.

    The workflow is above the folder of a model, so its patch has paths from the top of the repository.
    """
    keep_out_of_git(plan.folder / OURS)
    above = [replace(one, path=normpath(f"{plan.home}/{one.path}")) for one in changed if one.path.startswith("../")]
    inside = [one for one in changed if not one.path.startswith("../")]
    texts = {"undo.patch": inside, "workflow.patch": [one for one in above if one.path not in created]}
    patches = {name: patch_text(some, reverse=True) for name, some in texts.items() if some}
    if patches:
        write_files(plan.folder / CHANGES, patches)
    top = Path(normpath(plan.folder / ("../" * len(Path(plan.home).parts))))
    place = {"undo.patch": (plan.folder, ""), "workflow.patch": (top, f"{plan.home}/")}
    return [_apply(place[name][0], f"{place[name][1]}{CHANGES}/{name}") for name in patches]


def _apply(folder: Path, patch: str) -> str:
    inside = [] if folder == Path() else ["-C", folder.as_posix()]
    return shlex.join(["git", *inside, "apply", patch])


def _created(plans: Sequence[InitPlan]) -> dict[str, str]:
    """Return the new files: their paths from here, by those from the top of the repository."""
    return {
        normpath(f"{plan.home}/{change.path}".lstrip("/")): normpath(plan.folder / change.path)
        for plan in plans
        for change in plan.changes
        if change.before is None
    }
