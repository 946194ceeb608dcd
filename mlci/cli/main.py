"""Command group of mlci, with commands that are imported when they are called."""

import gc
import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from mlci import __version__
from mlci.cli.lazy_group import LazyGroup
from mlci.errors import Problem

_SECTIONS = {
    "Set up": {
        "init": "Set mlci up in a repository: configuration, workflow, lines for the training script.",
        "doctor": "Check the setup, and say what to add.",
        "plan": "Plan how many rows, items or repeats the gates need.",
        "setup": "Require the checks of your models on GitHub, as code.",
        "metrics": "List the metrics that gates can name.",
        "scores": "Show what an evaluation log of a language model holds.",
        "demo": "See all of it on real data that ships with scikit-learn.",
    },
    "Judge a change": {
        "run": "Train, predict, compare with the baseline, judge, and report.",
        "train": "Run the training step only.",
        "evaluate": "Evaluate both models without judging gates; writes evaluation.json.",
        "merge": "Merge the shards of an evaluation; writes evaluation.json.",
        "gate": "Judge an evaluation.json and write the report.",
        "report": "Render a report.json again.",
        "publish": "Publish a report on GitHub: check, comment, job summary.",
        "models": "Evaluate the models of a repository that a change can affect, with one overview.",
    },
    "Pull requests from anyone": {
        "sealed": "Judge pull requests from anyone: a job that trains, and a gate that it can't write to.",
        "seal": "Encrypt the labels of the evaluation set to a key that only the gate has.",
        "command": "Carry out the command in a pull request's comment.",
        "waive": "Accept the finding of one gate on one commit, as a maintainer.",
    },
    "Promote and record": {
        "promote": "Promote the evaluated model to production.",
        "rollback": "Roll production back to an earlier version.",
        "versions": "List the versions of the registry.",
        "show": "Show the files and the provenance of a version.",
        "diff": "Show what differs between two versions, or between one and the last run.",
        "reproduce": "Retrain a version and compare the result with it.",
        "fetch": "Copy what a run reads from the registry, for a run without a token.",
        "ledger": "Verify or list the record of every decision.",
        "registry": "Test that the registry works, and remove files from it.",
    },
    "In production": {
        "monitor": "Compare production logs with the version in production: drift, quality, fairness.",
        "experiment": "Judge a canary or an A/B test in production.",
        "deploy": "Serve the version in production on Kubernetes.",
        "costs": "List what training and evaluation cost, by model and month.",
        "backup": "Copy the registry to another place, as much as is missing there.",
        "restore": "Bring the registry back from its backup.",
        "drill": "Prove that production can be brought back from the backup.",
        "card": "Write the model card, bill of materials and verification summary of a version.",
        "verify": "Verify model files and documents against a version of the registry.",
    },
}
"""One line of help by command, in the sections and the order of ``--help``."""
_SETTING_UP = {"init", "doctor", "plan", "setup"}
_REGISTRY = {"fetch", "promote", "rollback", "versions", "diff", "reproduce", "ledger"}
_LIFECYCLE = _SECTIONS["In production"]
_PLACES = {"merge": "shards.merge", "models": "monorepo.models", "registry": "registry.check", "sealed": "sealed.group"}


def _module(command: str) -> str:
    """Return the module of a command."""
    folders = {"setting_up.": _SETTING_UP, "registry.": _REGISTRY, "lifecycle.": _LIFECYCLE}
    folder = next((name for name, commands in folders.items() if command in commands), "")
    return f"mlci.cli.commands.{_PLACES.get(command, folder + command)}"


EXIT_CODES = """\b
Exit codes:
  0  passed, or passed with warnings
  1  blocked by a gate, or an alarm in production
  2  configuration or input
  3  the train or predict step failed
  4  GitHub, a registry or the network failed
  5  an experiment keeps going
  6  the data of production cannot tell
 70  a bug in mlci
"""


@click.group(
    cls=LazyGroup,
    sections=_SECTIONS,
    module=_module,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="mlci")
@click.option(
    "--log",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar="MLCI_LOG",
    help="What standard error holds: lines for people, or one JSON object for each event. Also MLCI_LOG.",
)
@click.pass_context
def group(context: click.Context, style: str) -> None:
    """Compare a pull request's model with production on the same rows, with confidence intervals.

    \b
    Examples:
      mlci run --config mlci.yml
      mlci --log json run 2> events.jsonl
    """  # noqa: D301 (click's mark against rewrapping)
    if isinstance(context.obj, list) and context.invoked_subcommand is not None:
        from mlci.cli.events.session import EventSession  # noqa: PLC0415 (kept off the path of --help)

        session = EventSession(os.environ)
        context.obj.append(session)
        context.obj = session  # the command's own context inherits it
        session.start(context.invoked_subcommand, style=style)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(200_000, 20, 100)  # imports make many objects and no garbage: a tenth of a short run's CPU time
    sys.exit(run_command(sys.argv[1:] if arguments is None else arguments))


def run_command(arguments: list[str]) -> int:
    """Run a command line with its event session, and return the exit code."""
    from mlci.cli.error_handler import handle_errors  # noqa: PLC0415 (kept off the path of --help)

    sessions: list[Any] = []  # that of the command, once its name is known

    def call() -> Any:  # noqa: ANN401 (whatever the command returns)
        return group.main(args=arguments, prog_name="mlci", standalone_mode=False, obj=sessions)

    def show(problem: Problem) -> None:
        if not sessions:  # the command line is wrong before the command's name
            from mlci.cli.events.session import EventSession  # noqa: PLC0415 (kept off the path of --help)

            sessions.append(EventSession(os.environ))
            sessions[0].start("", style="json")
        sessions[0].show_problem(problem)

    code = handle_errors(call, arguments, show=show if asks_for_json(arguments, os.environ) else None)
    for session in sessions:
        session.finish(code)
    return code


def asks_for_json(arguments: list[str], environment: Mapping[str, str]) -> bool:
    """Check if standard error is to hold JSON, also if the rest of the command line is wrong."""
    style = environment.get("MLCI_LOG", "")
    for place, word in enumerate(arguments):
        if not word.startswith("-") and (place == 0 or arguments[place - 1] != "--log"):
            break
        if word.startswith("--log="):
            style = word.removeprefix("--log=")
        elif word == "--log" and place + 1 < len(arguments):
            style = arguments[place + 1]
    return style == "json"


def program() -> NoReturn:
    """Run the command line as a program that exits at once.

    Python's own shutdown would tear down every module first, which takes a tenth of a short run. Nothing in mlci needs
    it: files are closed, and threads, processes and temporary folders ended with the contexts that made them.
    """
    try:
        main()
    except SystemExit as ended:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):  # Python reports what can't be written
            raise ended from None
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    raise AssertionError("the command line exits by its exit code")
