"""``mlci doctor``."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.events.current import github_access, github_patience
from mlci.cli.registry_factory import build_store
from mlci.cli.repository_access import access_of
from mlci.cli.wiring import run_context
from mlci.config.loader import CheckedConfig, read_bounded_config
from mlci.config.models import RowsConfig, ScoresConfig
from mlci.config.read import load_text
from mlci.errors import InputError, MlciError, Problem
from mlci.execution.environment import child_environment, registry_credentials
from mlci.execution.sanitize import sanitize
from mlci.git.git import Git
from mlci.metrics import catalogue
from mlci.operations.context import RunContext
from mlci.operations.doctor.checks.finding import Finding, order_findings
from mlci.operations.doctor.collect_facts import SetupPorts, collect_facts, find_top
from mlci.operations.doctor.doctor import apply_fixes, check_setup, findings_text
from mlci.operations.doctor.equal_candidates import simulate_pairs
from mlci.operations.doctor.equal_runs import measure_blocks_of_log
from mlci.operations.doctor.facts import RepositoryFacts, SetupFacts
from mlci.operations.doctor.false_blocks import (
    WANTED,
    FalseBlocks,
    false_blocks_finding,
    measure_false_blocks,
    past_disagreement,
    retrain_and_count_blocks,
)
from mlci.operations.scores.logs import configured_logs
from mlci.planning.assumptions import DISAGREEMENT
from mlci.registry.registry import Registry
from mlci.report.templating import template_folder


@click.command()
@options.config
@click.option("--fix", is_flag=True, help="Insert the lines that are safe to add; every other byte stays.")
@click.option("--aa", is_flag=True, help="Simulate models of equal quality, and count those that the gates block.")
@click.option(
    "--disagreement",
    type=click.FloatRange(0, 1, min_open=True),
    help="With --aa: share of rows on which both models' decisions differ; by default as for the promoted versions, or "
    "0.05 if nothing was promoted.",
)
@click.option(
    "--pairs",
    type=click.IntRange(1, 10_000),
    default=200,
    show_default=True,
    help="With --aa: number of simulated pull requests.",
)
@click.option(
    "--retrain",
    type=click.IntRange(2, 100),
    metavar="K",
    help="With --aa: train the checked-out commit K times in place of a simulation, and compare every two.",
)
@options.out
@options.as_json
def command(
    config_path: Path,
    *,
    fix: bool,
    aa: bool,
    disagreement: float | None,
    pairs: int,
    retrain: int | None,
    out: Path,
    as_json: bool,
) -> int:
    """Check configuration, data, baseline, environment and workflow files, and say what to add.

    With a token in MLCI_TOKEN or GITHUB_TOKEN it also reads which checks the default branch of GITHUB_REPOSITORY (or
    of the remote `origin`) requires. Nothing is trained without `--retrain`, and only `--fix` writes.

    `--aa` compares the last run's predictions with simulated ones of equal quality, counts the pull requests that these
    gates would block without a cause, and names margins or numbers of rows that bring them under one in a hundred. It
    reads `predict.file`, or the bundle in `--out`. With `--retrain K` it trains the checked-out commit K times instead,
    without uncommitted changes, which shows the noise of your own training, seeds included. For `task: scores` the
    noise is that of the repeats in `predict.log`; without repeats, `--disagreement` of the items change.

    \b
    Exit codes: 0 no errors · 1 a finding is an error · 2 no configuration

    \b
    Examples:
      mlci doctor
      mlci doctor --fix
      mlci doctor --json
      mlci doctor --aa --disagreement 0.02
      mlci doctor --aa --retrain 5
    """  # noqa: D301 (click's mark against rewrapping)
    if not aa and (retrain or disagreement) is not None:
        raise click.UsageError("--retrain and --disagreement count false blocks: mlci doctor --aa --retrain 5")
    facts, top = collect_setup(config_path, os.environ)
    findings = check_setup(facts)
    fixed: list[Finding] = []
    if fix and (fixed := apply_fixes(top, findings)):
        facts, _ = collect_setup(config_path, os.environ)
        findings = check_setup(facts)
    blocks = _false_blocks(facts.loaded, out, disagreement, pairs, retrain) if aa and facts.loaded else None
    if blocks and blocks.in_hundred >= 100 * WANTED:
        findings = order_findings([*findings, false_blocks_finding(facts, blocks)])
    _show(findings, fixed, facts.repository, blocks, as_json=as_json)
    return 1 if any(one.severity == "error" for one in findings) else 0


def _show(
    findings: list[Finding],
    fixed: list[Finding],
    repository: RepositoryFacts | None,
    blocks: FalseBlocks | None,
    *,
    as_json: bool,
) -> None:
    if not as_json:
        click.echo(findings_text(findings, fixed, repository, blocks))
        return
    document = {
        "findings": [one.as_document() for one in findings],
        "fixed": [one.as_document() for one in fixed],
        "repository": repository.as_document() if repository else None,
        "false_blocks": blocks.as_document() if blocks else None,
    }
    click.echo(json.dumps(document, indent=1, ensure_ascii=False))


def _false_blocks(
    loaded: CheckedConfig, out: Path, disagreement: float | None, pairs: int, retrain: int | None
) -> FalseBlocks:
    """Simulate pull requests, or retrain.

    Raises:
        InputError: if the configuration has no rows, or no predictions exist yet.
    """
    config, seed = loaded.config, loaded.config.policy.seed
    if isinstance(config, ScoresConfig):
        if retrain is not None:
            raise InputError("`--retrain` trains models of rows; write a log with repeats, whose noise `--aa` uses")
        with run_context(loaded, cached=False, user_code=False) as run:
            log, _ = configured_logs(run.with_config(config))
        return measure_blocks_of_log(config, log, disagreement=disagreement, pairs=pairs)
    if not isinstance(config, RowsConfig):
        raise InputError("`--aa` needs rows; `predict.metrics` has none, and its values are judged on estimates")
    if config.task == "ranking":
        raise InputError("`--aa` simulates decisions on rows, and `task: ranking` has scores of documents")
    if retrain is not None:
        with run_context(loaded, cached=False) as run:
            return retrain_and_count_blocks(run.with_config(config), retrainings=retrain)
    past = _past_disagreement(loaded) if disagreement is None else None
    share = disagreement or (past[0] if past else DISAGREEMENT)
    with run_context(loaded, cached=False, user_code=False) as run:
        context = run.with_config(config)
        found = measure_false_blocks(context, simulate_pairs, out=out, disagreement=share, pairs=pairs, seed=seed)
    return replace(found, versions=past[1]) if past else found


def _past_disagreement(loaded: CheckedConfig) -> tuple[float, int] | None:
    """Return the disagreement of promoted versions and their number; ``None`` if none is known or it is 0."""
    try:
        registry = Registry(build_store(loaded, Path(loaded.path).parent, os.environ))
        with run_context(loaded, cached=False, registry=registry, user_code=False) as run:
            found = past_disagreement(run, registry.view())
    except MlciError as error:
        click.echo(
            f"mlci: the registry was not read, so {DISAGREEMENT:.0%} of the rows are assumed: {sanitize(str(error))}",
            err=True,
        )
        return None
    return found if found and found[0] > 0 else None


def collect_setup(config_path: Path, environment: Mapping[str, str]) -> tuple[SetupFacts, Path]:
    """Return the facts about the setup, and the top of the repository.

    Args:
        config_path: The configuration.
        environment: Variables of this process, with the token.

    Raises:
        InputError: if the configuration does not exist or can't be read.
    """
    text = read_bounded_config(config_path)
    loaded: CheckedConfig | None = None
    problems: tuple[Problem, ...] = ()
    try:
        loaded = load_text(text, catalogue, path=str(config_path))
    except InputError as error:
        problems = error.problems
    folder = config_path.parent
    own = child_environment(environment, {}, credentials=registry_credentials(loaded.config.registry if loaded else ""))
    git = Git(folder=folder, environment=own)
    with _context(loaded) as context:
        ports = SetupPorts(
            git=git,
            context=context,
            environment=own,
            open_store=lambda found: build_store(found, folder, environment),
            repository=lambda environments: _repository(git, environment, environments),
            templates=template_folder() / "workflows",
        )
        return collect_facts(config_path, problems, ports), find_top(git, folder)


def _context(loaded: CheckedConfig | None) -> contextlib.AbstractContextManager[RunContext | None]:
    """Return the context for reading tables; without a configuration that can be used, nothing."""
    return contextlib.nullcontext() if loaded is None else run_context(loaded, cached=False, user_code=False)


def _repository(git: Git, environment: Mapping[str, str], environments: Sequence[str]) -> RepositoryFacts | None:
    """Return the repository on GitHub; ``None`` without a token or a name."""
    found = access_of(git, environment)
    if found is None:
        return None
    from mlci.github.rest import RepositoryClient  # noqa: PLC0415 - only with a token
    from mlci.github.transport import transport  # noqa: PLC0415 - as above
    from mlci.operations.doctor.repository_rules import read_repository  # noqa: PLC0415 - as above

    access = github_access(found.api, found.token)
    return read_repository(
        RepositoryClient(transport(access), name=found.repository, patience=github_patience()), environments
    )
