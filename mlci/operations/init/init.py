"""`mlci init`: propose a setup for a repository, and write its texts without overwriting a file."""

import difflib
import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from mlci.config.read import load_text
from mlci.engine.tables.column_summary import TableSummary
from mlci.errors import InputError, yaml_value
from mlci.metrics import catalogue
from mlci.operations.init.check_options import check_options
from mlci.operations.init.from_files import propose_metrics, propose_predictions
from mlci.operations.init.from_script import propose_script
from mlci.operations.init.proposal import ConfigurationParts, FileChange, InitOptions, OnRamp, Proposal, SetupAnswer
from mlci.operations.init.repository import Inventory, Repository, refuse_repository, take_inventory
from mlci.util.atomic_files import replace_file

CONFIGURATION = "mlci.yml"
WORKFLOW = ".github/workflows/mlci.yml"
CHANGES = ".mlci/init"
SCHEMA = "https://raw.githubusercontent.com/mlci/mlci/main/mlci/config/schema.json"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?|true|false", re.IGNORECASE)
_OF_BRANCH = """\
# The model to compare with: the one that the main branch makes, trained again in the same run.
# To compare with the version that `mlci promote` put into production:
# docs/how-to/workflows/promote-on-merge.md of mlci.
baseline: {{ref: {branch}}}
"""
_OF_REGISTRY = """\
# The model to compare with: the version that `mlci promote` put into production, kept in .mlci/registry.
# Once this file is on the main branch of a git repository, write `baseline: {ref: main}`, which trains that branch too.
baseline: production
"""


@dataclass(frozen=True, kw_only=True)
class InitPlan:
    """What `mlci init` writes, with the reasons.

    Attributes:
        on_ramp: How predictions or metrics reach mlci.
        answers: Answers with their reasons.
        changes: New files, and files to which lines are added, except for the script.
        script: Change to the training script; ``None`` if none is needed.
        kept: Files that exist and stay as they are, with the reason.
        notes: Lines about what was assumed.
    """

    on_ramp: OnRamp
    answers: tuple[SetupAnswer, ...]
    changes: tuple[FileChange, ...]
    script: FileChange | None
    kept: tuple[str, ...]
    notes: tuple[str, ...]


def plan_setup(
    folder: Path,
    options: InitOptions,
    *,
    summarize: Callable[[str], TableSummary],
    workflow: str,
    top: Path | None,
    branch: str | None,
) -> InitPlan:
    """Look at a repository and return what to write.

    Args:
        folder: Folder of the configuration.
        options: Answers that the user gave.
        summarize: Reads a table.
        workflow: Template of the workflow.
        top: Top of the git repository; ``None`` outside of one.
        branch: Its main branch; ``None`` without one.

    Raises:
        InputError: if there is a configuration already, an option does not fit, or there is nothing to start from.
    """
    if (folder / CONFIGURATION).exists():
        raise InputError(
            f"{CONFIGURATION} exists and is not overwritten; `mlci run` uses it. To start again, remove it first"
        )
    options = check_options(folder, options)
    home = "" if top is None or folder.samefile(top) else folder.resolve().relative_to(top.resolve()).as_posix()
    inventory = take_inventory(folder, top if home else None, metrics=options.metrics)
    repository = Repository(
        inventory=inventory,
        options=options,
        summarize=lambda path: summarize(str(folder / path)),
        name=folder.resolve().name,
    )
    proposal = _propose(repository)
    model = proposal.parts.model if home else ""
    text = configuration_text(proposal.parts, branch=branch)
    load_text(text, catalogue, path=CONFIGURATION)
    written = workflow_text(workflow, inventory, folder=home, model=model)
    files = [
        _new_file(CONFIGURATION, text, "the configuration"),
        _new_file(_workflow_path(folder, top, model), written, "runs mlci on pull requests"),
    ]
    kept = [f"{change.path} exists" for change in files if (folder / change.path).exists()]
    changes = [change for change in [*files, *proposal.created] if not (folder / change.path).exists()]
    return InitPlan(
        on_ramp=proposal.on_ramp,
        answers=proposal.answers,
        changes=(*changes, *_ignore(folder, proposal)),
        script=proposal.script,
        kept=tuple(kept),
        notes=proposal.notes,
    )


def _new_file(path: str, text: str, reason: str) -> FileChange:
    return FileChange(path=path, before=None, after=text, reason=reason)


def _workflow_path(folder: Path, top: Path | None, model: str) -> str:
    if not model or top is None:
        return WORKFLOW
    up = "../" * len(folder.resolve().relative_to(top.resolve()).parts)
    return f"{up}{WORKFLOW.removesuffix('.yml')}-{model}.yml"


def _propose(repository: Repository) -> Proposal:
    named = repository.options.metrics is not None
    for ramp in [propose_metrics] if named else [propose_predictions, propose_script, propose_metrics]:
        if (proposal := ramp(repository)) is not None:
            return proposal
    raise refuse_repository(repository)


def _ignore(folder: Path, proposal: Proposal) -> list[FileChange]:
    path = folder / ".gitignore"
    before = path.read_bytes().decode("utf-8", errors="surrogateescape") if path.is_file() else None
    after = ignored_text(before, proposal.made)
    return (
        []
        if after is None
        else [FileChange(path=".gitignore", before=before, after=after, reason="keeps results out of git")]
    )


def patch_text(changes: Iterable[FileChange], *, reverse: bool = False) -> str:
    """Return a unified diff of some changes that `git apply` reads; with ``reverse`` the one that undoes them."""
    return "".join(_patch(change, reverse=reverse) for change in changes)


def _patch(change: FileChange, *, reverse: bool) -> str:
    old, new = (change.after, change.before) if reverse else (change.before, change.after)
    names = "/dev/null" if old is None else f"a/{change.path}", "/dev/null" if new is None else f"b/{change.path}"
    lines = difflib.unified_diff(_lines(old), _lines(new), *names, n=3)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str | None) -> list[str]:
    """Split a text at line feeds only, as diffs do."""
    parts = (text or "").split("\n")
    return [f"{line}\n" for line in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def apply_changes(folder: Path, changes: Iterable[FileChange]) -> None:
    """Write files that do not exist yet, and change files that still have the content that the plan is based on.

    A file that exists is replaced in one step.

    Raises:
        InputError: if a file appeared or changed in the meantime, before anything is written; or if a file can't be
            written, which leaves the files before it written.
    """
    changes = list(changes)
    for change in changes:
        path = folder / change.path
        current = path.read_bytes() if path.is_file() else None
        expected = None if change.before is None else change.before.encode("utf-8", errors="surrogateescape")
        if path.is_symlink() or current != expected:
            raise InputError(f"{change.path} changed while init ran, and is not overwritten; run `mlci init` again")
    for change in changes:
        path = folder / change.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            data = change.after.encode("utf-8", errors="surrogateescape")
            if change.before is not None:
                replace_file(path, data)
                continue
            with path.open("xb") as stream:  # refuses a file that appeared in the meantime
                stream.write(data)
        except OSError as error:
            raise InputError(f"can't write {change.path}: {error.strerror}") from error


def configuration_text(parts: ConfigurationParts, *, branch: str | None) -> str:
    """Return the text of ``mlci.yml``.

    Args:
        parts: The settings.
        branch: Branch whose model is the baseline; ``None`` takes production's.
    """
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        f"model: {yaml_value(parts.model)}",
        f"task: {parts.task}",
        *_evaluation(parts),
        *_train(parts),
        f"predict: {{{', '.join(f'{key}: {yaml_value(value)}' for key, value in parts.predict.items())}}}",
    ]
    baseline = _OF_REGISTRY if branch is None else _OF_BRANCH.format(branch=yaml_value(branch))
    return "\n".join(lines) + "\n" + baseline + "\n".join(_gates(parts)) + "\n"


def _evaluation(parts: ConfigurationParts) -> list[str]:
    if parts.data is None:
        return []
    lines = ["evaluation:", f"  data: {yaml_value(parts.data)}"]
    lines += [f"  key: {yaml_value(parts.key)}"] if parts.key else []
    lines.append(f"  label: {yaml_value(parts.label or '')}")
    lines += [f"  positive: {scalar(parts.positive)}"] if parts.positive is not None else []
    lines += [f"  slices: [{', '.join(map(yaml_value, parts.slices))}]"] if parts.slices else []
    return lines


def scalar(value: str) -> str:
    """Return a cell's text as YAML: numbers and truth values plain, texts quoted where they need it."""
    return value if _NUMBER.fullmatch(value) else yaml_value(value)


def _train(parts: ConfigurationParts) -> list[str]:
    if parts.train is None:
        return []
    command = parts.train.splitlines()
    run = (
        ["  run: |", *(f"    {line}" for line in command)] if len(command) > 1 else [f"  run: {_command(parts.train)}"]
    )
    return ["train:", *run, *([f"  model: {yaml_value(parts.artifact)}"] if parts.artifact else [])]


def _command(text: str) -> str:
    return text if re.fullmatch(r"[\w./=][\w ./=&>-]*", text) and not text.endswith(" ") else yaml_value(text)


def _gates(parts: ConfigurationParts) -> list[str]:
    lines = ["gates:"]
    for gate in parts.gates:
        each = f", each: {yaml_value(gate.each)}" if gate.each else ""
        lines += [f"  # {gate.reason}", f"  - {{metric: {yaml_value(gate.metric)}{each}, {gate.limit}: {gate.value}}}"]
    return lines


def workflow_text(template: str, inventory: Inventory, *, folder: str = "", model: str = "") -> str:
    """Return the workflow for a repository: the template with the Python and the installation that it needs.

    Args:
        template: Text of ``templates/workflows/mlci.yml``.
        inventory: What the repository has.
        folder: Folder of the configuration, from the top of the repository; empty at the top.
        model: Name of the model of such a folder. It is part of the name of its workflow, because workflows of one name
            share a concurrency group, in which each run would cancel the others.
    """
    command = inventory.install or inventory.install_at_top
    lines = template.splitlines()
    text = "\n".join(lines if command else _without_step(lines, "What training needs")) + "\n"
    if command:
        within = f"working-directory: {yaml_value(folder)}\n        " if folder and inventory.install else ""
        run = f"run: |\n          {command}" if '"' in command else f"run: {command}"
        text = text.replace("run: python -m pip install --requirement requirements.txt", within + run)
    if model:
        text = text.replace("name: mlci\n", f"name: {yaml_value(f'mlci-{model}')}\n", 1)
    version = ".python-version"
    if version in inventory.files or version in inventory.at_top:
        path = f"{folder}/{version}" if folder and version in inventory.files else version
        text = text.replace('python-version: "3.13"', f"python-version-file: {yaml_value(path)}")
    return f"{text}        with:\n          working-directory: {yaml_value(folder)}\n" if folder else text


def _without_step(lines: Sequence[str], name: str) -> list[str]:
    """Return the lines of a workflow without one step of two lines."""
    start = next((i for i, line in enumerate(lines) if line.strip() == f"- name: {name}"), len(lines))
    return [*lines[:start], *lines[start + 2 :]]


def ignored_text(before: str | None, made: Sequence[str]) -> str | None:
    """Return ``.gitignore`` with the lines that mlci needs; ``None`` if it has them all."""
    present = [line.strip().strip("/") for line in (before or "").splitlines()]
    inside = [path for path in map(posixpath.normpath, made) if not path.startswith(("..", "/"))]
    missing = [
        line
        for line in (".mlci/", *inside)
        if not any(
            fnmatchcase(name, pattern) for name in (line.strip("/"), PurePosixPath(line).name) for pattern in present
        )
    ]
    if not missing:
        return None
    start = before or ""
    start += "" if not start or start.endswith("\n") else "\n"
    return start + "\n".join(missing) + "\n"
