"""``mlci setup``."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypedDict, Unpack

import click

from mlci.cli import options
from mlci.cli.events.current import github_access, github_patience
from mlci.cli.repository_access import find_repository_access
from mlci.config.loader import load_unchecked
from mlci.config.types import GITHUB
from mlci.errors import InputError, OutsideError
from mlci.execution.environment import child_environment
from mlci.execution.sanitize import sanitize
from mlci.git.git import Git
from mlci.github.rest import RepositoryClient
from mlci.github.transport import transport
from mlci.operations.doctor.checks.required_check import ACTIONS_APP
from mlci.operations.doctor.collect_facts import configured_models, find_top, list_files, read_workflows
from mlci.operations.doctor.facts import RequiredCheck
from mlci.operations.doctor.label_conditions import find_labels
from mlci.operations.doctor.workflows import find_environments
from mlci.operations.setup.labels import labels_in_use
from mlci.operations.setup.plan import SetupPlan, WantedSetup, apply_setup, plan_repository
from mlci.operations.setup.required_checks import RULESET, RequiredChecksPlan
from mlci.publish.models_plan import OVERVIEW


class _Answers(TypedDict):
    """Values of the options that the commands share."""

    configs: tuple[Path, ...]
    overview: bool
    app: int
    reviewers: tuple[str, ...]
    branches: tuple[str, ...]
    prevent_self_review: bool | None


@click.group()
def command() -> None:
    """Keep the settings of the repository on GitHub as code: required checks, environments, labels.

    One ruleset of the name `mlci` requires `mlci / <model>` for every configuration that you name; everything else in
    it stays. The environments that your workflows of mlci name, `production` in the templates, are limited to the
    default branch, and get the reviewers that you name. The labels that configurations and workflows read
    are created. Needs a token
    in MLCI_TOKEN or GITHUB_TOKEN; `apply` needs one that may administrate the repository.

    \b
    Examples:
      mlci setup plan
      mlci setup apply --reviewer octo-org/ml-team
      mlci setup check --config a/mlci.yml --config b/mlci.yml
      mlci setup apply --overview
    """  # noqa: D301 (click's mark against rewrapping)


def _options(function: Callable[..., int]) -> Callable[..., int]:
    for option in (
        options.as_json,
        click.option(
            "--prevent-self-review/--allow-self-review",
            default=None,
            help="Whether who started a promotion may approve it; if omitted, that stays as it is.",
        ),
        click.option(
            "--branch",
            "branches",
            metavar="NAME",
            multiple=True,
            help="Branch or pattern whose jobs get the environments; repeat it for several. By default the default "
            "branch.",
        ),
        click.option(
            "--reviewer",
            "reviewers",
            metavar="NAME",
            multiple=True,
            help="User, or team as owner/team, of whom one has to approve a promotion; repeat it for up to six. If "
            "omitted, reviewers stay as they are.",
        ),
        click.option(
            "--app",
            type=click.IntRange(min=0),
            default=ACTIONS_APP,
            show_default=True,
            help="Number of the App that has to report the checks; 15368 is GitHub Actions, 0 any App.",
        ),
        click.option(
            "--overview",
            is_flag=True,
            help="Require the one check of `mlci models publish` in place of each model's; labels and environments are "
            "those of every model in the repository.",
        ),
        click.option(
            "--config",
            "configs",
            type=click.Path(path_type=Path),
            multiple=True,
            default=[options.DEFAULT_CONFIG],
            show_default=True,
            help="Configuration of a model; repeat it for several.",
        ),
    ):
        function = option(function)
    return function


@command.command("plan")
@_options
def show_plan(*, as_json: bool, **answers: Unpack[_Answers]) -> int:
    """Show what `mlci setup apply` would change.

    \b
    Example:
      mlci setup plan
    """  # noqa: D301 (click's mark against rewrapping)
    _, found = _plan(**answers)
    _show(found, as_json=as_json)
    return 0


@command.command("apply")
@_options
def apply_plan(*, as_json: bool, **answers: Unpack[_Answers]) -> int:
    """Create or change the ruleset `mlci`, environments and labels; exit code 1 if rules of others block all merges.

    \b
    Example:
      GITHUB_TOKEN=$(gh auth token) mlci setup apply --reviewer octo-org/ml-team
    """  # noqa: D301 (click's mark against rewrapping)
    client, found = _plan(**answers)
    apply_setup(client, found)
    _show(found, as_json=as_json, done=True)
    checks = found.checks
    missing = () if checks.is_current else _plan(**answers)[1].checks.added
    if missing:
        raise OutsideError(
            f"{', '.join(missing)}: still not required on {checks.branch}, though the ruleset {RULESET} names it; a "
            "condition of that ruleset excludes the branch. Look at it in the repository's settings, under *Rules*"
        )
    return 1 if found.blocking else 0


@command.command("check")
@_options
def check_drift(*, as_json: bool, **answers: Unpack[_Answers]) -> int:
    """End with exit code 1 if a setting differs, or rules of others block all merges.

    \b
    Example:
      mlci setup check
    """  # noqa: D301 (click's mark against rewrapping)
    _, found = _plan(**answers)
    _show(found, as_json=as_json)
    return 0 if found.is_current and not found.blocking else 1


def _plan(**answers: Unpack[_Answers]) -> tuple[RepositoryClient, SetupPlan]:
    start = Path() if answers["overview"] else answers["configs"][0].parent
    access = find_repository_access(start, os.environ)
    if access is None:
        raise InputError(
            "mlci setup needs a token and the repository's name:\n"
            "    export GITHUB_TOKEN=$(gh auth token) GITHUB_REPOSITORY=owner/name"
        )
    where = github_access(access.api, access.token)
    client = RepositoryClient(
        transport(where), name=access.repository, permission="administration", patience=github_patience()
    )
    git = Git(folder=start, environment=child_environment(os.environ, {}))
    top = find_top(git, start)
    known = configured_models(top, list_files(git, top, in_git=(top / ".git").exists()))
    workflows = read_workflows(top)
    configs = [top / path for path in known] if answers["overview"] else answers["configs"]
    found = [load_unchecked(path).config for path in configs]
    wanted = WantedSetup(
        models=(OVERVIEW,) if answers["overview"] else tuple(config.model for config in found),
        app=answers["app"] or None,
        configured=frozenset(known.values()),
        ledgers=tuple(config.model for config in found if config.registry == GITHUB),
        environments=find_environments(workflows),
        branches=answers["branches"],
        reviewers=answers["reviewers"] or None,
        prevent_self_review=answers["prevent_self_review"],
        labels=labels_in_use(found, find_labels(workflows)),
    )
    return client, plan_repository(client, wanted)


def _of_app(check: RequiredCheck) -> str:
    return "" if check.app is None else f", reported by App {check.app}"


def _show(found: SetupPlan, *, as_json: bool, done: bool = False) -> None:
    if as_json:
        click.echo(json.dumps({**found.as_document(), "applied": done and not found.is_current}, indent=1))
        return
    checks = found.checks
    lines = [
        f"{checks.repository}, branch {checks.branch}:",
        *_check_lines(checks),
        *_environment_lines(found),
        *_label_lines(found),
    ]
    lines += [f"  ✗ {problem}" for problem in found.blocking]
    lines += [f"  ! {note}" for note in found.notes]
    parts = [] if checks.is_current else [f"the ruleset {RULESET}"]
    parts += [f"the environment {one.name}" for one in found.environments if one.changes]
    parts += [f"the label {one.name}" for one in found.labels if one.changes]
    subject = " and ".join(parts)
    if not parts:
        lines.append("Nothing to change.")
    elif done:
        lines.append(f"Written: {subject}.")
    else:
        lines.append(f"`mlci setup apply` writes {subject}.")
    click.echo("\n".join(map(sanitize, lines)))


def _check_lines(found: RequiredChecksPlan) -> Iterator[str]:
    reporter = "any App" if found.app is None else "GitHub Actions" if found.app == ACTIONS_APP else f"App {found.app}"
    yield from (f"  = {one.name}: required by {one.source}" for one in found.kept)
    yield from (f"  + {name}: required, reported by {reporter}" for name in found.added)
    yield from (f"  - {one.name}: not in the ruleset {RULESET}{_of_app(one)}" for one in found.removed)
    yield from (f"  ! ruleset {RULESET}: {problem}" for problem in found.problems)


def _environment_lines(found: SetupPlan) -> Iterator[str]:
    for one in found.environments:
        current = one.current
        if current is not None and not one.changes:
            yield f"  = environment {one.name}: {current.protection}"
        yield from (f"  ~ environment {one.name}: {change}" for change in one.changes)


def _label_lines(found: SetupPlan) -> Iterator[str]:
    for one in found.labels:
        if not one.changes:
            yield f"  = label {one.name}"
        yield from (f"  ~ label {one.name}: {change}" for change in one.changes)
