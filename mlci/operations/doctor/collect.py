"""Collect the facts about a setup: files of the repository, git, the evaluation set, the registry, the environment.

Nothing is written, and no command of the user is run.
"""

import glob
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from mlci.config.loader import LoadedConfig, parse_draft
from mlci.config.models import MODEL_ID, Baseline, RowsConfig
from mlci.engine.interface import Job, Source
from mlci.engine.tables.files import is_missing
from mlci.errors import InputError, MlciError, Problem
from mlci.git.git import Git, is_tracked
from mlci.git.refs import resolve_ref
from mlci.metrics.statistics import Statistics
from mlci.operations import evaluation_plan, name_checks
from mlci.operations.context import RowsContext, RunContext, resolve_path
from mlci.operations.doctor.collect_environment import collect_environment, path_from_top, read_text
from mlci.operations.doctor.facts import (
    BaselineFacts,
    EvaluationFacts,
    RepositoryFacts,
    SetupFacts,
)
from mlci.operations.doctor.workflows import FOLDER, WorkflowFile
from mlci.registry.registry import Registry
from mlci.registry.store import Store

_MOST_FILES = 50_000
_LFS = b"version https://git-lfs.github.com/spec/"
_PINNED = re.compile(r"uses: ([\w.-]+/[\w.-]+)\S*@([0-9a-f]{40}) # (\S+)")


@dataclass(frozen=True, kw_only=True)
class SetupPorts:
    """What the collection reads from.

    Attributes:
        git: Git in the configuration's folder.
        context: Engine and survey of tables, with the configuration; ``None`` if that has errors.
        environment: Variables for `python`, without credentials.
        open_store: Opens the registry; raises if it can't be used from here.
        repository: Reads the repository on GitHub; returns ``None`` without a token.
        templates: Folder of the workflow templates, whose pins are known to work.
    """

    git: Git
    context: RunContext | None
    environment: Mapping[str, str]
    open_store: Callable[[LoadedConfig], Store]
    repository: Callable[[], RepositoryFacts | None]
    templates: Traversable


def collect_facts(config_path: Path, problems: tuple[Problem, ...], ports: SetupPorts) -> SetupFacts:
    """Return the facts about the setup around a configuration.

    Args:
        config_path: The configuration.
        problems: Its errors.
        ports: Adapters.
    """
    git, top = ports.git, find_top(ports.git, config_path.parent)
    context, loaded = ports.context, ports.context.loaded if ports.context else None
    config = loaded.config if loaded else None
    in_git, folder = (top / ".git").exists(), config_path.parent.resolve().relative_to(top).as_posix()
    files = _files(git, top, in_git=in_git)
    workflows = _workflows(top)
    out = config_path.parent / ".mlci"
    return SetupFacts(
        config_path=path_from_top(config_path, top),
        folder="" if folder == "." else folder,
        loaded=loaded,
        problems=problems,
        model=loaded.config.model if loaded else _model(config_path),
        models=frozenset(filter(None, (_model(top / name) for name in files if name.endswith("mlci.yml")))),
        workflows=workflows,
        files=files,
        in_git=in_git,
        hosted=bool(workflows) or (in_git and "github" in git.ask("remote", "--verbose").out),
        out_ignored=not in_git or git.ask("check-ignore", "--quiet", str(out.resolve() / "out" / "x")).status == 0,
        out_tracked=_tracked_below(git, out.resolve()) if in_git else (),
        evaluation=_evaluation(context.with_config(config), top)
        if context and isinstance(config, RowsConfig)
        else None,
        baseline=_baseline(context, ports.open_store) if context else BaselineFacts(),
        environment=collect_environment(top, config_path.parent, ports.environment),
        repository=ports.repository(),
        pins=_known_pins(ports.templates),
    )


def find_top(git: Git, folder: Path) -> Path:
    """Return the top of the repository; outside of one the folder itself."""
    try:
        return git.root().resolve()
    except InputError:
        return folder.resolve()


def _files(git: Git, top: Path, *, in_git: bool) -> frozenset[str]:
    if in_git:
        listing = git.ask("-C", str(top), "ls-files", "--cached", "--others", "--exclude-standard", "-z").out.split(
            "\0"
        )
        return frozenset(name for name in listing[:_MOST_FILES] if name)
    return frozenset(path.relative_to(top).as_posix() for path in top.glob("*") if path.is_file())


def _tracked_below(git: Git, folder: Path) -> tuple[str, ...]:
    names = git.ask("ls-files", "--full-name", "--", str(folder)).out.splitlines()
    return tuple(name for name in names if not name.endswith("/.gitignore"))


def _workflows(top: Path) -> tuple[WorkflowFile, ...]:
    paths = sorted((top / FOLDER).glob("*.y*ml"))
    texts = ((path, read_text(path)) for path in paths)
    return tuple(WorkflowFile(path.relative_to(top).as_posix(), text) for path, text in texts if text is not None)


def _model(path: Path) -> str | None:
    """Return the model's name of a configuration, also of one with errors."""
    text = read_text(path)
    try:
        tree, _ = parse_draft(text or "", path=str(path))
    except InputError:
        return None
    found = tree.data.get("model") if isinstance(tree.data, dict) else None
    return found if isinstance(found, str) and re.fullmatch(MODEL_ID, found) else None


def _evaluation(context: RowsContext, top: Path) -> EvaluationFacts:
    evaluation, data, git = context.config.evaluation, context.data, context.git
    remote = "://" in evaluation.data
    paths = [] if remote else [Path(name) for name in sorted(glob.glob(data, recursive=True))]  # noqa: PTH207 - absolute patterns
    present = remote or bool(paths)
    pointer: Literal["lfs", "dvc"] | None = (
        "lfs" if any(map(_is_pointer, paths)) else "dvc" if not present and Path(f"{data}.dvc").exists() else None
    )
    problems: tuple[Problem, ...] = ()
    statistics: tuple[Statistics, ...] = ()
    if paths and pointer is None:
        problems, statistics = _read_rows(context)
    return EvaluationFacts(
        path=evaluation.data,
        shown=evaluation.data if remote else path_from_top(Path(data), top),
        present=present,
        pointer=pointer,
        lfs=bool(paths) and "filter: lfs" in git.ask("check-attr", "filter", "--", str(paths[0])).out,
        tracked=not remote and is_tracked(git, evaluation.data),
        ignored=not remote and git.ask("check-ignore", "--quiet", "--", data).status == 0,
        problems=problems,
        statistics=statistics,
    )


def _is_pointer(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(_LFS)) == _LFS


def _read_rows(context: RowsContext) -> tuple[tuple[Problem, ...], tuple[Statistics, ...]]:
    """Return the problems of the rows, or their labels counted: the label column stands in for a model's decisions."""
    config, data = context.config, context.data
    try:
        name_checks.check_custom_metrics(context)
        name_checks.survey_before_steps(context)
        label = config.evaluation.label
        source = Source(path=data, score=label) if config.task == "regression" else Source(path=data, decision=label)
        job = Job(
            task=config.task,
            data=data,
            key=config.evaluation.key,
            label=label,
            positive=config.evaluation.positive,
            classes=config.evaluation.classes,
            slices=evaluation_plan.engine_slices(config),
            candidate=source,
            decisions=config.task != "regression",
            max_groups=config.evaluation.max_groups,
        )
        with name_checks.at_their_lines(context.loaded):
            return (), context.engine.observe(job).statistics
    except InputError as error:
        return tuple(dict.fromkeys(error.problems)), ()


def _baseline(context: RunContext, open_store: Callable[[LoadedConfig], Store]) -> BaselineFacts:
    chosen = context.config.baseline
    if isinstance(chosen, Baseline) and chosen.file is not None:
        return BaselineFacts(missing_file=is_missing(resolve_path(chosen.file, context.folder)))
    if isinstance(chosen, Baseline):
        return _reference(context.git, str(chosen.ref), context)
    return BaselineFacts() if chosen == "none" else _production(context.loaded, open_store)


def _production(loaded: LoadedConfig, open_store: Callable[[LoadedConfig], Store]) -> BaselineFacts:
    try:
        return BaselineFacts(empty=Registry(open_store(loaded)).view().champion is None)
    except InputError as error:
        lacks_token = any("needs to know" in problem.message for problem in error.problems)
        return BaselineFacts(unread=str(error)) if lacks_token else BaselineFacts(refused=error.problems)
    except MlciError as error:
        return BaselineFacts(unread=str(error))


def _reference(git: Git, ref: str, context: RunContext) -> BaselineFacts:
    try:
        commit = resolve_ref(git, ref).commit
        top = git.root().resolve()
    except MlciError as error:
        return BaselineFacts(unresolved=str(error))
    place = context.folder.resolve().relative_to(top).as_posix()
    name = Path(context.loaded.path).name
    here = git.ask("cat-file", "-e", f"{commit}:{name if place == '.' else f'{place}/{name}'}").status == 0
    renamed = git.ask("ls-tree", "-r", "--name-only", commit, "--").out
    return BaselineFacts(without_folder=not here and "mlci.yml" not in renamed and place != ".")


def _known_pins(templates: Traversable) -> dict[str, tuple[str, str]]:
    texts = [one.read_text("utf-8") for one in templates.iterdir() if one.name.endswith(".yml")]
    return {name: (sha, version) for text in texts for name, sha, version in _PINNED.findall(text)}
