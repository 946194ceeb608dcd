"""Notes of `mlci init`: files that nothing makes, shuffles without a seed, files that are elsewhere, arguments."""

import re
from shlex import quote

from mlci.errors import yaml_value
from mlci.operations.init.inventory import PIPELINE
from mlci.operations.init.proposal import ConfigurationParts
from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.notebook import cell_of
from mlci.operations.init.scripts.script_facts import ScriptFacts
from mlci.operations.init.training_command import join_paths, resolve_read

_ABSOLUTE = re.compile(r"/|~|[A-Za-z]:[/\\\\]")
_SERVER = re.compile(r"[\"'](https?://(?:localhost|127\.0\.0\.1)(?::\d+)?)")
_MOST_UNREAD = 3
_NOTEBOOK = (
    "A notebook is run by jupyter nbconvert, here and in the workflow: put nbconvert and ipykernel into the "
    "requirements, or install them with `python -m pip install nbconvert ipykernel`."
)


def untrained_notes(repository: Repository, parts: ConfigurationParts) -> list[str]:
    """Return a note if no command makes the file that is judged, and one for each script that could not be read."""
    path = parts.predict.get("file") or parts.predict.get("metrics")
    if path is None or parts.train is not None:
        return []
    script = repository.likely_trainer(path)
    run = repository.run_command(script).replace("\n", " && ") if script else "COMMAND"
    changed = f"a change to {script}" if script else "a change to the code that makes it"
    untrained = (
        f"Nothing makes {path}: mlci.yml has no training command, so {changed} is judged by the {path} that is there. "
        f"Name the command that writes it: `mlci init --train {quote(run)}`, or add "
        f"`train: {{run: {yaml_value(run)}}}` to mlci.yml."
    )
    unread = [item for item in repository.unread.items() if item[0] != PIPELINE][:_MOST_UNREAD]
    return [untrained, *(f"{other} can't be read: {why}." for other, why in unread)]


def notebook_notes(parts: ConfigurationParts) -> list[str]:
    """Return a note if training runs a notebook, which needs packages that its own imports do not show."""
    if "jupyter nbconvert" not in (parts.train or ""):
        return []
    return [_NOTEBOOK]


def pipeline_notes(repository: Repository) -> list[str]:
    """Return a note if `dvc.yaml` can't be read, so that its stages are not followed."""
    why = repository.inventory.unread.get(PIPELINE)
    return [] if why is None else [f"{PIPELINE} can't be read, and its stages are not followed: {why}."]


def line_of(repository: Repository, facts: ScriptFacts, line: int) -> str:
    """Return a line of a script in words; in a notebook, within its cell."""
    if facts.path not in repository.notebooks:
        return f"line {line}"
    cell, within = cell_of(facts.text, line)
    return f"line {within} of cell {cell}"


def shuffle_notes(repository: Repository, facts: ScriptFacts) -> list[str]:
    """Return a note for each shuffle of the rows that stays without a seed."""
    return [
        f"{line_of(repository, facts, found.line)} of {facts.path} {found.what}, so each training has other rows: "
        f"{found.remedy}."
        for found in facts.shuffles
    ]


def source_notes(repository: Repository, facts: ScriptFacts, command: str, home: str) -> list[str]:
    """Return a note for each file that the training command does not find, a server, and arguments that it lacks.

    Args:
        repository: The repository.
        facts: The script.
        command: Training command.
        home: Folder in which the script runs.
    """
    notes = [note for path in facts.reads if (note := _read_note(repository, facts, command, home, path))]
    if (server := _SERVER.search(facts.text)) is not None:
        place = line_of(repository, facts, facts.text.count("\n", 0, server.start()) + 1)
        notes.append(
            f"{place} of {facts.path} names {server[1]}, and runners have no server there: start it in a step before "
            "mlci, or name another one, such as `MLFLOW_TRACKING_URI=sqlite:///mlflow.db` if the script reads that "
            "variable."
        )
    last = command.rpartition("\n")[2]
    if facts.arguments is not None and last.endswith((facts.path, quote(facts.path), facts.path.rpartition("/")[2])):
        notes.append(
            f"{line_of(repository, facts, facts.arguments)} of {facts.path} takes an argument, and `{last}` gives "
            f"none. Name the whole command: mlci init --train {quote(f'{last} ARGUMENT')}"
        )
    return notes


def _read_note(repository: Repository, facts: ScriptFacts, command: str, home: str, path: str) -> str | None:
    inventory = repository.inventory
    source = resolve_read(inventory, path, home)
    if _ABSOLUTE.match(path):
        instead = f"; {source} has the same name" if source else ""
        return f"{facts.path} reads {path}, which other machines do not have{instead}."
    if "://" in path or path.startswith("sklearn:") or "\n" in command or join_paths(home, path) in inventory.files:
        return None
    instead = (
        f"; {source} has the same name" if source else ": if the script does not make it, fetch it before training"
    )
    return f"{facts.path} reads {path}, which is not in the repository{instead}."
