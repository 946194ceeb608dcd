"""``mlci setup``."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import click

from mlci import __version__
from mlci.cli import options
from mlci.cli.commands.doctor import find_repository_access
from mlci.config.loader import load_unchecked
from mlci.errors import InputError, OutsideError
from mlci.execution.sanitize import sanitize
from mlci.github.rest import RepositoryClient
from mlci.github.transport import Access, transport
from mlci.operations.doctor.checks.required_check import ACTIONS_APP
from mlci.operations.doctor.facts import RequiredCheck
from mlci.operations.required_checks import (
    RULESET,
    RequiredChecksPlan,
    apply_required_checks,
    plan_required_checks,
)


@click.group()
def command() -> None:
    """Require the checks of your models on GitHub's default branch, as code.

    One ruleset of the name `mlci` requires `mlci / <model>` for every configuration that you name; everything else in
    it stays. Needs a token in MLCI_TOKEN or GITHUB_TOKEN; `apply` needs one that may administrate the repository.

    \b
    Examples:
      mlci setup plan
      mlci setup apply
      mlci setup check --config a/mlci.yml --config b/mlci.yml
    """  # noqa: D301 (click's mark against rewrapping)


def _options(function: Callable[..., int]) -> Callable[..., int]:
    for option in (
        options.as_json,
        click.option(
            "--app",
            type=click.IntRange(min=0),
            default=ACTIONS_APP,
            show_default=True,
            help="Number of the App that has to report the checks; 15368 is GitHub Actions, 0 any App.",
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
def show_plan(configs: tuple[Path, ...], *, app: int, as_json: bool) -> int:
    """Show what `mlci setup apply` would change.

    \b
    Example:
      mlci setup plan
    """  # noqa: D301 (click's mark against rewrapping)
    _, found = _plan(configs, app)
    _show(found, as_json=as_json)
    return 0


@command.command("apply")
@_options
def apply_plan(configs: tuple[Path, ...], *, app: int, as_json: bool) -> int:
    """Create or change the ruleset `mlci`.

    \b
    Example:
      GITHUB_TOKEN=$(gh auth token) mlci setup apply
    """  # noqa: D301 (click's mark against rewrapping)
    client, found = _plan(configs, app)
    apply_required_checks(client, found)
    _show(found, as_json=as_json, done=True)
    missing = () if found.is_current else _plan(configs, app)[1].added
    if missing:
        raise OutsideError(
            f"{', '.join(missing)}: still not required on {found.branch}, though the ruleset {RULESET} names it; a "
            "condition of that ruleset excludes the branch. Look at it in the repository's settings, under *Rules*"
        )
    return 0


@command.command("check")
@_options
def check_drift(configs: tuple[Path, ...], *, app: int, as_json: bool) -> int:
    """End with exit code 1 if the required checks are not those of the models.

    \b
    Example:
      mlci setup check
    """  # noqa: D301 (click's mark against rewrapping)
    _, found = _plan(configs, app)
    _show(found, as_json=as_json)
    return 0 if found.is_current else 1


def _plan(configs: tuple[Path, ...], app: int) -> tuple[RepositoryClient, RequiredChecksPlan]:
    models = tuple(load_unchecked(path).config.model for path in configs)
    access = find_repository_access(configs[0].parent, os.environ)
    if access is None:
        raise InputError(
            "mlci setup needs a token and the repository's name:\n"
            "    export GITHUB_TOKEN=$(gh auth token) GITHUB_REPOSITORY=owner/name"
        )
    where = Access(url=access.api, token=access.token, agent=f"mlci/{__version__}")
    client = RepositoryClient(transport(where), name=access.repository, permission="administration")
    return client, plan_required_checks(client, models, app=app or None)


def _of_app(check: RequiredCheck) -> str:
    return "" if check.app is None else f", reported by App {check.app}"


def _show(found: RequiredChecksPlan, *, as_json: bool, done: bool = False) -> None:
    if as_json:
        click.echo(json.dumps({**found.as_document(), "applied": done and not found.is_current}, indent=1))
        return
    reporter = "any App" if found.app is None else "GitHub Actions" if found.app == ACTIONS_APP else f"App {found.app}"
    lines = [f"{found.repository}, branch {found.branch}:"]
    lines += [f"  = {one.name}: required by {one.source}" for one in found.kept]
    lines += [f"  + {name}: required, reported by {reporter}" for name in found.added]
    lines += [f"  - {one.name}: not in the ruleset {RULESET}{_of_app(one)}" for one in found.removed]
    lines += [f"  ! ruleset {RULESET}: {problem}" for problem in found.problems]
    if found.is_current:
        lines.append("Nothing to change.")
    elif done:
        lines.append(f"The ruleset {RULESET} was {'created' if found.ruleset is None else 'changed'}.")
    else:
        lines.append(f"`mlci setup apply` {'creates' if found.ruleset is None else 'changes'} the ruleset {RULESET}.")
    click.echo("\n".join(map(sanitize, lines)))
