"""Collect the facts about a setup: files of the repository, git, the evaluation set, the registry, Python and packages.

Nothing is written, and no command of the user is run.
"""

import glob
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from mlci.config.loader import CheckedConfig, LoadedConfig, parse_draft
from mlci.config.models import MODEL_ID, Baseline, RowsConfig
from mlci.engine.interface import Job, Source
from mlci.engine.tables.column_summary import summarize_table
from mlci.engine.tables.files import is_missing
from mlci.errors import InputError, MlciError, Problem
from mlci.git.git import Git, is_tracked
from mlci.git.refs import resolve_ref, unborn_branch
from mlci.lineage.lock_files import locked_packages
from mlci.metrics.rankings import names as ranking
from mlci.metrics.statistics import Statistics
from mlci.operations import evaluation_plan, name_checks
from mlci.operations.context import RowsContext, RunContext, resolve_path
from mlci.operations.doctor.commands import MissingName, find_missing
from mlci.operations.doctor.facts import (
    BaselineFacts,
    EnvironmentFacts,
    EvaluationFacts,
    RepositoryFacts,
    SetupFacts,
    UntrainedFile,
)
from mlci.operations.doctor.workflows import FOLDER, WorkflowFile, find_environments
from mlci.operations.init.inventory import take_inventory
from mlci.operations.init.proposal import InitOptions
from mlci.operations.init.repository import Repository
from mlci.operations.models.relevant_changes import LOCKS
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Store
from mlci.sealed.label_seal import is_sealed

_MOST_FILES = 50_000
_LFS = b"version https://git-lfs.github.com/spec/"
_PINNED = re.compile(r"uses: ([\w.-]+/[\w.-]+)\S*@([0-9a-f]{40}) # (\S+)")
_MOST_BYTES = 1 << 20
_EXACT = re.compile(r"\d[\w.!+-]*")
_INSTALLED = """\
import json, platform
from importlib.metadata import distributions
found = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"]}
print(json.dumps([platform.python_version(), found]))
"""
_REQUIRES = re.compile(r"""^\s*(?:requires-python|python-versions|python)\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class SetupPorts:
    """What the collection reads from.

    Attributes:
        git: Git in the configuration's folder.
        context: Engine and survey of tables, with the configuration; ``None`` if that has errors.
        environment: Variables for `python`, without credentials.
        open_store: Opens the registry; raises if it can't be used from here.
        repository: Reads the repository on GitHub, and environments by their names; returns ``None`` without a token.
        templates: Folder of the workflow templates, whose pins are known to work.
    """

    git: Git
    context: RunContext | None
    environment: Mapping[str, str]
    open_store: Callable[[LoadedConfig], Store]
    repository: Callable[[Sequence[str]], RepositoryFacts | None]
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
    files = list_files(git, top, in_git=in_git)
    workflows = read_workflows(top)
    out = config_path.parent / ".mlci"
    return SetupFacts(
        config_path=path_from_top(config_path, top),
        folder="" if folder == "." else folder,
        loaded=loaded,
        problems=problems,
        model=loaded.config.model if loaded else _model(config_path),
        models=configured_models(top, files),
        workflows=workflows,
        files=files,
        in_git=in_git,
        hosted=bool(workflows) or (in_git and "github" in git.ask("remote", "--verbose").out),
        out_ignored=not in_git or git.ask("check-ignore", "--quiet", str(out.resolve() / "out" / "x")).status == 0,
        out_tracked=_tracked_below(git, out.resolve()) if in_git else (),
        untrained=_untrained(context) if context and in_git else None,
        missing_names=_missing_names(loaded, config_path.parent, files, folder, ports.environment) if loaded else (),
        evaluation=_evaluation(context.with_config(config), top)
        if context and isinstance(config, RowsConfig)
        else None,
        baseline=_baseline(context, ports.open_store) if context else BaselineFacts(),
        environment=collect_environment(top, config_path.parent, ports.environment),
        repository=ports.repository(find_environments(workflows)),
        pins=_known_pins(ports.templates),
    )


def find_top(git: Git, folder: Path) -> Path:
    """Return the top of the repository; outside of one the folder itself."""
    try:
        return git.root().resolve()
    except InputError:
        return folder.resolve()


def list_files(git: Git, top: Path, *, in_git: bool) -> frozenset[str]:
    """Return the files of the repository that git does not ignore; outside of one, the files at its top."""
    if in_git:
        listing = git.ask("-C", str(top), "ls-files", "--cached", "--others", "--exclude-standard", "-z").out.split(
            "\0"
        )
        return frozenset(name for name in listing[:_MOST_FILES] if name)
    return frozenset(path.relative_to(top).as_posix() for path in top.glob("*") if path.is_file())


def _tracked_below(git: Git, folder: Path) -> tuple[str, ...]:
    names = git.ask("ls-files", "--full-name", "--", str(folder)).out.splitlines()
    return tuple(name for name in names if not name.endswith("/.gitignore"))


def read_workflows(top: Path) -> tuple[WorkflowFile, ...]:
    """Return the workflow files of a repository."""
    paths = sorted((top / FOLDER).glob("*.y*ml"))
    texts = ((path, read_text(path)) for path in paths)
    return tuple(WorkflowFile(path.relative_to(top).as_posix(), text) for path, text in texts if text is not None)


def configured_models(top: Path, files: Iterable[str]) -> dict[str, str]:
    """Return the name of the model of each configuration among the files of a repository, by the file's path."""
    found = ((name, _model(top / name)) for name in files if name.endswith("mlci.yml"))
    return {name: model for name, model in found if model is not None}


def _model(path: Path) -> str | None:
    """Return the model's name of a configuration, also of one with errors."""
    text = read_text(path)
    try:
        tree, _ = parse_draft(text or "", path=str(path))
    except InputError:
        return None
    found = tree.data.get("model") if isinstance(tree.data, dict) else None
    return found if isinstance(found, str) and re.fullmatch(MODEL_ID, found) else None


def _untrained(context: RunContext) -> UntrainedFile | None:
    """Return the tracked file that is judged, if no command makes it and a script beside the configuration trains."""
    config = context.config
    path = config.predict.file or config.predict.metrics
    if path is None or config.train is not None or "://" in path or not is_tracked(context.git, path):
        return None
    try:
        inventory = take_inventory(context.folder)
    except InputError:  # too many files to look at
        return None
    repository = Repository(inventory=inventory, options=InitOptions(), summarize=summarize_table, name="")
    script = repository.likely_trainer(path)
    return UntrainedFile(path=path, script=script, command=repository.run_command(script)) if script else None


def _missing_names(
    checked: CheckedConfig, home: Path, files: Iterable[str], folder: str, environment: Mapping[str, str]
) -> tuple[MissingName, ...]:
    """Return the files and programs that the commands of a configuration name and that do not exist."""
    start = "" if folder == "." else f"{folder}/"
    config = checked.config
    sections = {"train": config.train, "predict": config.predict, "tests": config.tests}
    scripts = {name: section.run for name, section in sections.items() if section is not None and section.run}
    inside = sorted(name.removeprefix(start) for name in files if name.startswith(start))
    found: list[MissingName] = []
    for section, script in scripts.items():
        found += find_missing(
            section,
            script,
            exists=lambda name: (home / name).exists(),
            on_path=lambda name: shutil.which(name, path=environment.get("PATH")) is not None,
            files=inside,
        )
    return tuple(found)


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
    closed = is_sealed(evaluation.labels) and context.opened_labels is None
    if paths and pointer is None and not closed:
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
        closed=closed,
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
        scored = config.task in {"regression", "ranking"}
        source = Source(path=data, score=label) if scored else Source(path=data, decision=label)
        job = Job(
            task=config.task,
            data=data,
            key=config.evaluation.key,
            label=label,
            positive=config.evaluation.positive,
            classes=config.evaluation.classes,
            slices=evaluation_plan.engine_slices(config),
            candidate=source,
            decisions=not scored,
            query=config.evaluation.query,
            rankings=ranking.REPORTED[:1] if config.task == "ranking" else (),
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
    if isinstance(chosen, Baseline):  # that of a log or a metrics file has no reference
        return BaselineFacts() if chosen.ref is None else _reference(context.git, chosen.ref)
    return BaselineFacts() if chosen == "none" else _production(context.loaded, open_store)


def _production(loaded: LoadedConfig, open_store: Callable[[LoadedConfig], Store]) -> BaselineFacts:
    try:
        return BaselineFacts(empty=Registry(open_store(loaded)).view().champion is None)
    except InputError as error:
        lacks_token = any("needs to know" in problem.message for problem in error.problems)
        return BaselineFacts(unread=str(error)) if lacks_token else BaselineFacts(refused=error.problems)
    except MlciError as error:
        return BaselineFacts(unread=str(error))


def _reference(git: Git, ref: str) -> BaselineFacts:
    if unborn_branch(git) == ref:  # the first commit makes it
        return BaselineFacts()
    try:
        resolve_ref(git, ref)
    except MlciError as error:
        return BaselineFacts(unresolved=str(error))
    return BaselineFacts()


def _known_pins(templates: Traversable) -> dict[str, tuple[str, str]]:
    texts = [one.read_text("utf-8") for one in templates.iterdir() if one.name.endswith(".yml")]
    return {name: (sha, version) for text in texts for name, sha, version in _PINNED.findall(text)}


def read_text(path: Path) -> str | None:
    """Return a text of at most a mebibyte; ``None`` if it can't be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return None


def path_from_top(path: Path, top: Path) -> str:
    """Return a path from the top of the repository; one outside is returned unchanged."""
    full = path.parent.resolve() / path.name
    return full.relative_to(top).as_posix() if full.is_relative_to(top) else str(path)


def collect_environment(top: Path, folder: Path, environment: Mapping[str, str]) -> EnvironmentFacts:
    """Return Python and packages of this machine and of the lock files beside the configuration and at the top."""
    homes = dict.fromkeys((folder.resolve(), top))
    locks = {
        path: text for home in homes for name in LOCKS for path in sorted(home.glob(name)) if (text := read_text(path))
    }
    named = {path_from_top(path, top): text for path, text in locks.items()}
    pins = locked_packages({name: text.encode() for name, text in named.items()}) or {}
    python, installed = _python(environment) if locks or (top / "pyproject.toml").exists() else (None, {})
    return EnvironmentFacts(
        python=python,
        installed=installed,
        locks=tuple(named),
        pins={name: version for name, version in pins.items() if _EXACT.fullmatch(version)},
        requires_python=_requires_python(named, top),
    )


def _requires_python(locks: Mapping[str, str], top: Path) -> tuple[str, str] | None:
    """Return the first requirement on Python of a lock file, or of `pyproject.toml`, with the file's name."""
    texts = {**{name: text for name, text in locks.items() if name.endswith((".lock", ".toml"))}}
    texts["pyproject.toml"] = read_text(top / "pyproject.toml") or ""
    return next(((match[1], name) for name, text in texts.items() if (match := _REQUIRES.search(text))), None)


def _python(environment: Mapping[str, str]) -> tuple[str | None, dict[str, str]]:
    """Return the version and the packages of the `python` on the path, which the user's commands run."""
    try:
        done = subprocess.run(  # noqa: S603 - a constant command
            ["python", "-c", _INSTALLED],  # noqa: S607 - python from PATH, as the user's commands have it
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=True,
        )
        version, packages = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None, {}
    return str(version), {re.sub(r"[-_.]+", "-", name).lower(): str(found) for name, found in packages.items()}
