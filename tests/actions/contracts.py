"""Contracts of actions: declared inputs and outputs, variables, commands, and the tables of documents."""

import json
import re
from pathlib import Path
from typing import Any

import click

from mlci.cli.main import group
from tests.actions import tables
from tests.actions.tree import OWN, File, files, jobs, steps
from tests.support.workflow_commands import WRITTEN

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\$\{?([A-Z][A-Z_]*)")
_ASKS_GITHUB = re.compile(
    r'"\$MLCI" (publish|fetch|gate|promote|rollback|command|reproduce|ledger|doctor)\b'
    r'|"\$MLCI" (card|monitor|experiment|backup|drill|deploy|costs)\b'
    r'|"\$MLCI" sealed (open|gate)\b'
    r'|"\$MLCI" models publish\b'
    r"|^gh "
)
_READ_BY_PROGRAMS = {
    "MLCI_TOKEN",
    "MLCI_MEMBERS_TOKEN",
    "MLCI_MATRIX",
    "MLCI_PAGE",
    "MLCI_CONFIG",
    "MLCI_LABEL_KEY",
    "GH_TOKEN",
    "GH_REPO",
}
_OF_BACKUPS = "MLCI_BACKUP_"
_SET_BY_RUNNER = {"GITHUB_ACTION_PATH", "RUNNER_TEMP"}


def variables(tree: Path) -> list[str]:
    """A step hands over the variables that its script reads and no others, and the token only to call GitHub."""
    found = []
    for file in files(tree):
        for step in steps(file):
            if "run" not in step:
                continue
            where, given, run = f"{file.shown}: {step.get('name')}", set(step.get("env", {})), step["run"]
            read = set(_VARIABLE.findall(run)) - _SET_BY_RUNNER
            read |= {"VARIABLES"} if "with_env.py" in run else set()
            unread = {name for name in given - read - _READ_BY_PROGRAMS if not name.startswith(_OF_BACKUPS)}
            found += [f"{where}: ${name} is not handed over" for name in sorted(read - given)]
            found += [f"{where}: {name} is not used" for name in sorted(unread)]
            trusted = "token" in str(step.get("env", ""))
            if trusted and not _ASKS_GITHUB.search(run):
                found.append(f"{where}: the token is in a step that asks nothing of GitHub")
    return found


def inputs(tree: Path) -> list[str]:
    """An action uses each input that it declares and declares each that it uses; callers pass declared inputs only."""
    found = []
    for file in files(tree):
        if file.is_action:
            declared = set(file.content.get("inputs", {}))
            codes = [*_EXPRESSION.findall(_runs(file)), *(str(step.get("if", "")) for step in steps(file))]
            used = {name for code in codes for name in re.findall(r"\binputs\.([\w-]+)", code)}
            found += [f"{file.shown}: input {name} is used and not declared" for name in sorted(used - declared)]
            found += [f"{file.shown}: input {name} is declared and not used" for name in sorted(declared - used)]
        for step in [*steps(file), *jobs(file).values()]:
            own = _own(step.get("uses", ""))
            if own is None:
                continue
            unknown = [name for name in step.get("with", {}) if name not in _declared(tree, own)]
            found += [f"{file.shown}: {step['uses']} has no input {name}" for name in unknown]
    return found


def outputs(tree: Path) -> list[str]:
    """Every output that is read is written by the step that it is read from."""
    found = []
    pinned = json.loads((tree / ".github/pins.json").read_text("utf-8"))
    for file in files(tree):
        written = {step["id"]: _outputs(step, tree, pinned) for step in steps(file) if "id" in step}
        for step, name in re.findall(r"\bsteps\.([\w-]+)\.outputs\.([\w-]+)", file.text):
            if name not in written.get(step, set()):
                found.append(f"{file.shown}: nothing writes steps.{step}.outputs.{name}")
        for job, name in re.findall(r"\b(?:needs|jobs)\.([\w-]+)\.outputs\.([\w-]+)", file.text):
            if name not in jobs(file).get(job, {}).get("outputs", {}):
                found.append(f"{file.shown}: job {job} has no output {name}")
    return found


def _outputs(step: dict[str, Any], tree: Path, pinned: dict[str, Any]) -> set[str]:
    if "run" in step:
        return {name for program, names in WRITTEN.items() if program in step["run"] for name in names}
    own = _own(step["uses"])
    if own is not None:
        return set(File(tree / own / "action.yml", own).content.get("outputs", {}))
    return set(pinned.get(step["uses"].partition("@")[0], {}).get("outputs", []))


def commands(tree: Path) -> list[str]:
    """Every call of mlci in an action names a command and options that exist."""
    found = []
    for file in files(tree):
        for step in steps(file):
            for name, rest in re.findall(r'"\$MLCI" (\w+)([^\n]*(?:\n +--[^\n]*)*)', step.get("run", "")):
                command = _command(name, rest)
                known = {option for parameter in command.params for option in parameter.opts} if command else set()
                missing = [option for option in re.findall(r"(--[a-z-]+)", rest) if option not in known]
                found += [f"{file.shown}: mlci {name} has no option {option}" for option in missing]
                found += [] if command else [f"{file.shown}: mlci has no command {name}"]
    return found


def _command(name: str, rest: str) -> click.Command | None:
    """Return a command by its name; in a group, the one that the next word names."""
    command = group.get_command(click.Context(group), name)
    if isinstance(command, click.Group):
        return command.get_command(click.Context(command), rest.split(maxsplit=1)[0] if rest.split() else "")
    return command


def documents(tree: Path) -> list[str]:
    """The tables of inputs and outputs match the actions and workflows, and so does the generated workflow."""
    page, variant = (tree / tables.PAGE).read_text("utf-8"), (tree / tables.OIDC).read_text("utf-8")
    stale = [] if tables.fill_tables(page, tree) == page else [f"{tables.PAGE}: tables are stale; run `make docs`"]
    same = tables.with_identity((tree / tables.PLAIN).read_text("utf-8")) == variant and "id-token: write" in variant
    return stale if same else [*stale, f"{tables.OIDC}: it is stale; run `make docs`"]


def _own(uses: str) -> str | None:
    """Return the path in this repository that a reference names; ``None`` for third-party actions."""
    if uses.startswith("$/"):
        return uses.removeprefix("$/")
    if not uses.startswith((f"{OWN}@", f"{OWN}/")):
        return None
    return uses.partition("@")[0].removeprefix(OWN).lstrip("/")


def _declared(tree: Path, own: str) -> set[str]:
    if own.endswith(".yml"):
        return set(File(tree / own, own).content["on"]["workflow_call"]["inputs"])
    return set(File(tree / own / "action.yml", own).content.get("inputs", {}))


def _runs(file: File) -> str:
    return file.text[file.text.index("\noutputs:") if "\noutputs:" in file.text else file.text.index("\nruns:") :]
