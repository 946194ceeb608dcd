"""`mlci init`: propose a setup for a repository, and write it without overwriting a file."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mlci.config.read import load_text
from mlci.engine.column_summary import TableSummary
from mlci.errors import InputError
from mlci.metrics import catalogue
from mlci.operations.init.configuration import configuration_text, ignored_text, workflow_text
from mlci.operations.init.from_files import propose_metrics, propose_predictions
from mlci.operations.init.from_script import propose_script
from mlci.operations.init.inventory import take_inventory
from mlci.operations.init.proposal import FileChange, InitOptions, OnRamp, Proposal, SetupAnswer
from mlci.operations.init.propose import Repository, refuse_repository
from mlci.util.atomic_files import replace_file

CONFIGURATION = "mlci.yml"
WORKFLOW = ".github/workflows/mlci.yml"
CHANGES = ".mlci/init"


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
        InputError: if there is a configuration already, or nothing to start from.
    """
    if (folder / CONFIGURATION).exists():
        raise InputError(
            f"{CONFIGURATION} exists and is not overwritten; `mlci run` uses it. To start again, remove it first"
        )
    inventory = take_inventory(folder)
    repository = Repository(
        inventory=inventory,
        options=options,
        summarize=lambda path: summarize(str(folder / path)),
        name=folder.resolve().name,
    )
    proposal = _propose(repository)
    text = configuration_text(proposal.parts, branch=branch)
    load_text(text, catalogue, path=CONFIGURATION)
    home = "" if top is None else folder.resolve().relative_to(top.resolve()).as_posix().removeprefix(".")
    files = [FileChange(path=CONFIGURATION, before=None, after=text, reason="the configuration")]
    written = workflow_text(workflow, inventory, folder=home)
    path = _workflow_path(folder, top, proposal.parts.model if home else "")
    files.append(FileChange(path=path, before=None, after=written, reason="runs mlci on pull requests"))
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
