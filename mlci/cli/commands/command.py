"""``mlci command``."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.events.current import github_access, github_patience
from mlci.cli.github_actions import Workflow, read_workflow, write_step_result
from mlci.cli.registry_factory import open_registry
from mlci.cli.wiring import load_configuration, today
from mlci.commands.comment import IgnoredEvent, read_comment_event
from mlci.config.loader import LoadedConfig
from mlci.errors import InputError
from mlci.execution.sanitize import sanitize
from mlci.github.client import Client
from mlci.github.collaboration import Collaboration
from mlci.github.file_transfer import add_file_transfer
from mlci.github.transport import transport
from mlci.operations.commands.answer import GATE_WORKFLOW, PROMOTE_WORKFLOW, CommandContext, answer_comment
from mlci.operations.commands.gate_workflows import GateWorkflows, find_gate_workflows


@click.command()
@options.config
@click.option(
    "--promote-workflow",
    default=PROMOTE_WORKFLOW,
    show_default=True,
    metavar="PATH",
    help="Workflow that `/mlci promote` runs again.",
)
@click.option(
    "--gate-workflow",
    default=GATE_WORKFLOW,
    show_default=True,
    metavar="PATH",
    help="Workflow that judges in sealed mode, besides those of the checkout with `mlci sealed gate`.",
)
def command(config_path: Path, *, promote_workflow: str, gate_workflow: str) -> int:
    """Carry out the command in a pull request's comment, in a workflow on `issue_comment`.

    Reads the event from GITHUB_EVENT_PATH. Nothing of the comment is executed; it is parsed as `/mlci waive`,
    `explain`, `run`, `promote` or `help`, and answered once. Comments of bots, edited comments and comments that are
    not commands are ignored. Run it from the default branch only.

    \b
    Example:
      mlci command --config mlci.yml
    """  # noqa: D301 (click's mark against rewrapping)
    workflow = read_workflow(os.environ)
    event = read_comment_event(workflow.event, workflow.payload())
    if isinstance(event, IgnoredEvent):
        click.echo(f"ignored: {event.why}")
        return 0
    loaded = load_configuration(config_path)
    with tempfile.TemporaryDirectory(prefix="mlci-command-") as scratch:
        gates = find_gate_workflows(config_path.parent, gate_workflow)
        context = _context(workflow, loaded, Path(scratch), gates)
        outcome = answer_comment(event, replace(context, promote=promote_workflow))
    click.echo(sanitize(f"comment {event.id} of pull request {event.pull}: {outcome.log}"))
    write_step_result({"done": outcome.done}, f"comment {event.id}: {outcome.log}")
    return 0


def _context(workflow: Workflow, loaded: LoadedConfig, scratch: Path, gates: GateWorkflows) -> CommandContext:
    if workflow.wrong is not None:
        raise workflow.wrong
    if workflow.repository is None or workflow.token is None:
        raise InputError(
            "the comment can't be answered without a repository and a token: in a workflow on `issue_comment`, write\n"
            "    env:\n      MLCI_TOKEN: ${{ github.token }}"
        )
    access = github_access(workflow.api, workflow.token)
    send = transport(access)
    return CommandContext(
        config=loaded.config,
        github=Collaboration(
            add_file_transfer(access, send), repository=workflow.repository, patience=github_patience()
        ),
        comments=Client(send, repository=workflow.repository, patience=github_patience()),
        registry=lambda: open_registry(loaded, Path(loaded.path).parent, writes=True),
        links=workflow.links,
        scratch=scratch,
        today=today(),
        gates=gates,
    )
