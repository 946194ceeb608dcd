"""`mlci init`: propose a setup for a repository, and write its texts without overwriting a file."""

import difflib
import itertools
import posixpath
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from shlex import quote

from mlci.config.read import load_text
from mlci.engine.tables.column_summary import TableSummary
from mlci.errors import InputError, yaml_value
from mlci.metrics import catalogue
from mlci.operations.init.check_options import check_options, refuse_unsealable
from mlci.operations.init.inventory import take_inventory
from mlci.operations.init.model_folders import find_model_folders
from mlci.operations.init.notes import notebook_notes, pipeline_notes, untrained_notes
from mlci.operations.init.on_ramps.from_files import propose_predictions
from mlci.operations.init.on_ramps.from_logs import propose_logs
from mlci.operations.init.on_ramps.from_metrics import propose_metrics
from mlci.operations.init.on_ramps.from_model import explain_untested, propose_model
from mlci.operations.init.on_ramps.from_saved import propose_saved
from mlci.operations.init.on_ramps.from_script import propose_script
from mlci.operations.init.proposal import ConfigurationParts, FileChange, InitOptions, OnRamp, Proposal, SetupAnswer
from mlci.operations.init.repository import Repository, refuse_repository
from mlci.operations.init.workflow import (
    SEALED_BASELINE,
    WORKFLOW,
    ModelJob,
    SealedTemplates,
    model_job,
    plan_workflow,
    sealed_workflows,
)
from mlci.util.atomic_files import replace_file

CONFIGURATION = "mlci.yml"
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

_FIRST_COMMIT = (
    "This repository has no commit yet: changes are compared with {branch} from its first "
    "commit on. Make it with: git add --all && git commit --message 'First commit'"
)
_PATHS = (
    "# Without this list, a change to any file of the repository trains the model. If it is made of this folder alone:",
    '# paths: ["**"]',
)


@dataclass(frozen=True, kw_only=True)
class InitPlan:
    """What `mlci init` writes for one model, with the reasons.

    Attributes:
        folder: Folder of the configuration.
        home: The folder from the top of the repository; empty at the top.
        model: Name of the model.
        on_ramp: How predictions or metrics reach mlci.
        answers: Answers with their reasons.
        changes: New files, and files to which lines are added, except for the script.
        script: Change to the training script; ``None`` if none is needed.
        kept: Files that exist and stay as they are, with the reason.
        notes: Lines about what was assumed.
    """

    folder: Path
    home: str
    model: str
    on_ramp: OnRamp
    answers: tuple[SetupAnswer, ...]
    changes: tuple[FileChange, ...]
    script: FileChange | None
    kept: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SetupSources:
    """What a plan is made from, beside the files of the model's folder.

    Attributes:
        summarize: Reads a table.
        template: Template of the workflow.
        top: Top of the git repository; ``None`` outside of one.
        branch: Its main branch; ``None`` without one.
        models: Names of the models that are configured, by the folder from the top.
        workflow: Text of the workflow at the top; ``None`` without one.
        unborn: Whether the first commit still has to make that branch.
        sealed: Templates of sealed mode, if its two workflows are to be written instead of one.
    """

    summarize: Callable[[str], TableSummary]
    template: str
    top: Path | None
    branch: str | None
    models: Mapping[str, str]
    workflow: str | None
    unborn: bool = False
    sealed: SealedTemplates | None = None


def find_folders(folder: Path, summarize: Callable[[str], TableSummary]) -> list[str]:
    """Return the folders below that each have a model of their own; empty if `mlci init` sets up this one.

    Raises:
        InputError: if the folder has too many files to look at.
    """
    if (folder / CONFIGURATION).exists():
        return []
    inventory = take_inventory(folder)
    return find_model_folders(Repository(inventory=inventory, options=InitOptions(), summarize=summarize, name=""))


def plan_models(folders: Sequence[Path], options: InitOptions, sources: SetupSources) -> list[InitPlan]:
    """Return a plan for each folder; the workflow of the first gets an entry for each of the others.

    Raises:
        InputError: if options about one model are given for several, or a folder can't be set up.
    """
    if len(folders) > 1 and options != InitOptions():
        raise InputError(
            f"options such as --label are about one model, and {len(folders)} folders are named; set one up at a time, "
            f"such as `mlci init {folders[0]} --label COLUMN`"
        )
    plans: list[InitPlan] = []
    for folder in folders:
        plan = plan_setup(folder, options, sources)
        plans.append(plan)
        workflow = next((change.after for change in plan.changes if change.path.endswith(WORKFLOW)), sources.workflow)
        sources = replace(sources, workflow=workflow, models={**sources.models, plan.home: plan.model})
    return plans


def plan_setup(folder: Path, options: InitOptions, sources: SetupSources) -> InitPlan:
    """Look at the folder of a model and return what to write.

    Raises:
        InputError: if there is a configuration already, an option does not fit, or there is nothing to start from.
    """
    if (folder / CONFIGURATION).exists():
        shown = (folder / CONFIGURATION).as_posix()
        raise InputError(f"{shown} exists and is not overwritten; `mlci run` uses it. To start again, remove it first")
    options = check_options(folder, options)
    home = _home(folder, sources.top)
    others = {model: place for place, model in sources.models.items() if place != home}
    if options.model in others:
        raise InputError(
            f"--model {options.model}: {others[options.model] or 'the top of the repository'} has a model of this "
            "name, and both would report one check"
        )
    inventory = take_inventory(folder, sources.top if home else None, metrics=options.metrics)
    repository = Repository(
        inventory=inventory,
        options=options,
        summarize=lambda path: replace(sources.summarize(str(folder / path)), path=path),
        name=free_name(folder.resolve().name, home, others),
    )
    return _plan(folder, home, repository, _propose(repository), sources)


def _plan(folder: Path, home: str, repository: Repository, proposal: Proposal, sources: SetupSources) -> InitPlan:
    model = proposal.parts.model
    baseline = _baseline_text(sources)
    text = configuration_text(proposal.parts, baseline=baseline, in_folder=bool(home))
    load_text(text, catalogue, path=CONFIGURATION)
    workflows = _workflows(sources, model_job(repository.inventory, model=model, folder=home), proposal)
    up = "../" * len(PurePosixPath(home).parts)
    first = sources.unborn and sources.sealed is None
    files = [
        FileChange(path=CONFIGURATION, before=None, after=text, reason="the configuration"),
        *(replace(workflow, path=up + workflow.path) for workflow in workflows),
    ]
    new = [change for change in files if change.before is None and (folder / change.path).exists()]
    kept = [f"{change.path} exists" for change in new] + ([] if workflows else [f"{up}{WORKFLOW} exists"])
    changes = [change for change in [*files, *proposal.created] if change not in new]
    return InitPlan(
        folder=folder,
        home=home,
        model=model,
        on_ramp=proposal.on_ramp,
        answers=proposal.answers,
        changes=(*changes, *_ignore(folder, proposal)),
        script=proposal.script,
        kept=tuple(kept),
        notes=(
            *proposal.notes,
            *untrained_notes(repository, proposal.parts),
            *notebook_notes(proposal.parts),
            *pipeline_notes(repository),
            *([_FIRST_COMMIT.format(branch=sources.branch)] if first else ()),
        ),
    )


def _workflows(sources: SetupSources, job: ModelJob, proposal: Proposal) -> list[FileChange]:
    if sources.sealed is not None:
        refuse_unsealable(proposal)
        return sealed_workflows(sources.sealed, job)
    workflow = plan_workflow(sources.template, job, sources.workflow)
    return [workflow] if workflow else []


def _baseline_text(sources: SetupSources) -> str:
    if sources.sealed is not None:
        return SEALED_BASELINE
    return _OF_REGISTRY if sources.branch is None else _OF_BRANCH.format(branch=yaml_value(sources.branch))


def _home(folder: Path, top: Path | None) -> str:
    if top is None or folder.samefile(top):
        return ""
    return folder.resolve().relative_to(top.resolve()).as_posix()


def free_name(name: str, home: str, taken: Container[str]) -> str:
    """Return a name for a model that no other model of the repository has: a folder's, with those above it if needed.

    Args:
        name: Name of the folder.
        home: The folder from the top of the repository.
        taken: Names of the other models.
    """
    parts = home.split("/")
    longer = ("-".join(parts[-count:]) for count in range(2, len(parts) + 1))
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], longer, numbered) if one not in taken)


def _propose(repository: Repository) -> Proposal:
    named = repository.options.metrics is not None
    ramps = [propose_logs, propose_predictions, propose_script, propose_model, propose_metrics, propose_saved]
    for ramp in [propose_metrics] if named else ramps:
        if (proposal := ramp(repository)) is not None:
            return proposal
    raise refuse_repository(repository, explain_untested(repository))


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
        if path.is_symlink():
            raise InputError(_explain_link(change.path))
        current = path.read_bytes() if path.is_file() else None
        expected = None if change.before is None else change.before.encode("utf-8", errors="surrogateescape")
        if current != expected:
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


def _explain_link(path: str) -> str:
    """Return the message for a symbolic link in place of a file that has to be written or changed."""
    shown = quote(path)
    unread = ", and git does not follow it" if PurePosixPath(path).name == ".gitignore" else ""
    return (
        f"{path} is a symbolic link{unread}; init does not write through links, often to a file outside of the "
        f"repository. Put a file in its place: cp {shown} {shown}.copy && mv {shown}.copy {shown}; or, if the link "
        f"leads to nothing: rm {shown}"
    )


def configuration_text(parts: ConfigurationParts, *, baseline: str, in_folder: bool = False) -> str:
    """Return the text of ``mlci.yml``.

    Args:
        parts: The settings.
        baseline: Lines that name the baseline.
        in_folder: Whether it is for a folder of the repository, beside which other models may be.
    """
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        f"model: {yaml_value(parts.model)}",
        f"task: {parts.task}",
        *(_PATHS if in_folder and parts.train else ()),
        *_evaluation(parts),
        *_train(parts),
        f"predict: {{{', '.join(f'{key}: {yaml_value(value)}' for key, value in parts.predict.items())}}}",
    ]
    return "\n".join(lines) + "\n" + baseline + "\n".join(_gates(parts)) + "\n"


def _evaluation(parts: ConfigurationParts) -> list[str]:
    if parts.evaluation:
        return [f"evaluation: {{{', '.join(f'{key}: {value}' for key, value in parts.evaluation.items())}}}"]
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
