"""Repository to set up: its scripts, tables, models and pipelines, its training command, and the user's answers."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from shlex import quote

from mlci.engine.tables.column_summary import TableSummary
from mlci.errors import InputError, list_names
from mlci.execution.metrics_file import MetricsFile, read_metrics_file
from mlci.operations.init.proposal import InitOptions
from mlci.operations.init.scripts.notebook import NotebookScript, notebook_script
from mlci.operations.init.scripts.script import read_script
from mlci.operations.init.scripts.script_facts import ScriptFacts

MOST_FILES = 20_000
LARGEST_TEXT = 2_000_000
_SKIPPED = {
    "node_modules", "venv", "env", "site-packages", "__pycache__", "mlruns", "wandb", "build", "dist", "catboost_info",
}  # fmt: skip
_TABLES = (".csv", ".csv.gz", ".tsv", ".parquet", ".pq", ".jsonl", ".ndjson", ".npz", ".feather")
_MODELS = (".pkl", ".pickle", ".joblib", ".skops", ".onnx", ".pt", ".pth", ".h5", ".keras", ".cbm", ".ubj", ".bin")
METRICS_NAME = re.compile(r"metric|score|result|evaluation|performance|trainer_state", re.IGNORECASE)
_NOT_SCRIPTS = re.compile(r"(^|/)(tests?|docs?|migrations?|alembic)/|(^|/)(setup|conftest|test_[^/]*|[^/]*_test)\.py$")
_INSTALLS = {
    "uv.lock": 'python -m pip install uv && uv sync && echo "$PWD/.venv/bin" >> "$GITHUB_PATH"',
    "requirements.txt": "python -m pip install --requirement requirements.txt",
    "poetry.lock": "python -m pip install poetry && poetry config virtualenvs.create false && poetry install",
    "Pipfile": "python -m pip install pipenv && pipenv install --system --deploy",
    "pyproject.toml": "python -m pip install .",
    "setup.py": "python -m pip install .",
}  # fmt: skip
"""Commands that install what training needs, by the file that lists it; the first file that exists counts."""
_TEMPLATE = re.compile(r"\$\{")
_TRAINING_NAME = re.compile(
    r"(^|[/_-])(train\w*|fit|main|model\w*|run|pipeline|evaluate)[^/]*\.(py|ipynb)$", re.IGNORECASE
)
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What a repository contains that says how its model is trained and judged.

    All paths are relative to ``folder``.

    Attributes:
        folder: The folder that was looked at.
        files: All files.
        scripts: Texts of Python scripts and notebooks by path.
        tables: Tables that mlci reads.
        metrics: Metrics files with their numbers.
        models: Saved models.
        pipeline: Parts of ``dvc.yaml``; empty without one.
        texts: Texts that may contain the training command: workflows, Makefile, MLproject, README.
    """

    folder: Path
    files: frozenset[str]
    scripts: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    metrics: Mapping[str, MetricsFile] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    pipeline: Mapping[str, object] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    at_top: frozenset[str] = frozenset()

    @property
    def install(self) -> str | None:
        """Command that installs what training needs, in the folder itself."""
        return _install_command(self.files)

    @property
    def install_at_top(self) -> str | None:
        """Command that installs it at the top of the repository."""
        return _install_command(self.at_top)


def _install_command(files: frozenset[str]) -> str | None:
    return next((command for name, command in _INSTALLS.items() if name in files), None)


def take_inventory(folder: Path, top: Path | None = None, *, metrics: str | None = None) -> Inventory:
    """List and read what says how the model of a repository is trained.

    Args:
        folder: Folder of the model.
        top: Top of the repository, if it is another folder.
        metrics: Metrics file that the user named, if its name is not that of one.

    Raises:
        InputError: if the folder has too many files to look at.
    """
    every = sorted(_files(folder))
    files = _without_configured(every)
    scripts = {path: text for path in files if _is_script(path) and (text := _text(folder / path)) is not None}
    found = {path: text for path in files if _may_have_command(path) and (text := _text(folder / path)) is not None}
    pipeline = _pipeline(folder / "dvc.yaml")
    return Inventory(
        folder=folder,
        files=frozenset(every),
        scripts=scripts,
        tables=tuple(path for path in files if path.lower().endswith(_TABLES)),
        metrics=dict(_metrics(folder, files, named=[*pipeline_metrics(pipeline), metrics or ""])),
        models=tuple(path for path in files if path.lower().endswith(_MODELS)),
        pipeline=pipeline,
        texts=found,
        at_top=frozenset() if top is None else frozenset(path.name for path in top.iterdir() if path.is_file()),
    )


def _files(folder: Path) -> Iterator[str]:
    count = 0
    for home, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED and (name == ".github" or name[0] != ".")]
        for name in names:
            path = Path(home, name)
            count += 1
            if count > MOST_FILES:
                raise InputError(
                    f"{folder} has more than {MOST_FILES:,} files; run `mlci init` in the folder of the model"
                )
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(folder).as_posix()


def _without_configured(files: Sequence[str]) -> list[str]:
    """Return the files that are in no folder below with a configuration of its own."""
    homes = configured_folders(files)
    return [path for path in files if not path.startswith(homes)]


def configured_folders(files: Iterable[str]) -> tuple[str, ...]:
    """Return the folders below that have an ``mlci.yml``, each with a slash at its end."""
    return tuple(sorted(path.removesuffix("mlci.yml") for path in files if path.endswith("/mlci.yml")))


def _is_script(path: str) -> bool:
    return path.endswith((".py", ".ipynb")) and not _NOT_SCRIPTS.search(path)


def _may_have_command(path: str) -> bool:
    name = PurePosixPath(path).name
    return (
        name in {"Makefile", "MLproject", "Dockerfile"}
        or name.lower().startswith("readme")
        or (path.startswith(".github/workflows/") and path.endswith((".yml", ".yaml")))
    )


def _text(path: Path) -> str | None:
    """Return the text of a file with its line endings; ``None`` if it is too large or not UTF-8."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            return None
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _metrics(folder: Path, files: list[str], *, named: Sequence[str]) -> Iterator[tuple[str, MetricsFile]]:
    for path in files:
        name = PurePosixPath(path)
        fitting = name.suffix in {".json", ".yaml", ".yml", ".toml"} and METRICS_NAME.search(name.stem)
        if path in named or (fitting and ".github" not in path):
            try:
                found = read_metrics_file(folder / path, shown=path)
            except InputError:
                continue
            if found.values:
                yield path, found


def _pipeline(path: Path) -> Mapping[str, object]:
    """Return the content of ``dvc.yaml``; empty if it does not exist or is not YAML."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only for repositories with such a file
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 - as above

    text = _text(path)
    if text is None:
        return {}
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def stage_commands(pipeline: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the name and command of each stage of ``dvc.yaml``, each after the stages whose outputs it needs."""
    stages = pipeline.get("stages")
    known = (
        {name: stage for name, stage in stages.items() if isinstance(stage, dict)} if isinstance(stages, dict) else {}
    )
    made = {path: name for name, stage in known.items() for path in _paths(stage, "outs", "metrics", "plots")}
    ordered: dict[str, str] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in ordered or name in above:
            return
        for path in _paths(known[name], "deps"):
            source = made.get(path) or next((stage for out, stage in made.items() if path.startswith(f"{out}/")), None)
            if source:
                visit(source, (*above, name))
        command = known[name].get("cmd")
        ordered[name] = "\n".join(map(str, command)) if isinstance(command, list) else str(command or "")

    for name in known:
        visit(name, ())
    return [(name, command) for name, command in ordered.items() if command]


def _paths(stage: Mapping[str, object], *keys: str) -> Iterator[str]:
    for key in keys:
        listed = stage.get(key)
        entries: list[object] = listed if isinstance(listed, list) else []
        for entry in entries:
            yield from map(str, entry) if isinstance(entry, dict) else (str(entry),)


def pipeline_metrics(pipeline: Mapping[str, object]) -> list[str]:
    """Return the metrics files that ``dvc.yaml`` names."""
    stages = pipeline.get("stages")
    parts = [part for part in stages.values() if isinstance(part, dict)] if isinstance(stages, dict) else []
    return [path for part in [pipeline, *parts] for path in _paths(part, "metrics")]


def stages_of_metrics(pipeline: Mapping[str, object]) -> dict[str, str]:
    """Return the stages of ``dvc.yaml`` by the metrics files that they write."""
    stages = pipeline.get("stages")
    known = stages.items() if isinstance(stages, dict) else ()
    return {path: name for name, stage in known if isinstance(stage, dict) for path in _paths(stage, "metrics")}


def pipeline_command(pipeline: Mapping[str, object]) -> str | None:
    """Return the command that runs every stage; ``dvc repro`` if stages have templates; ``None`` without stages."""
    stages = stage_commands(pipeline)
    if not stages:
        return None
    if any(_TEMPLATE.search(command) for _, command in stages):
        return "dvc repro"
    return "\n".join(command.strip() for _, command in stages)


def script_command(inventory: Inventory, script: str, reads: list[str]) -> tuple[str, str, str]:
    """Return the command that runs a script, the folder that it runs in, and the reason.

    The folder is empty for that of the configuration.
    """
    if script.endswith(".ipynb"):
        home, name = PurePosixPath(script).parent.as_posix(), PurePosixPath(script).name
        call = f"jupyter nbconvert --to notebook --execute --stdout {quote(name)} > /dev/null"
        where = "" if home == "." else home
        return (f"cd {quote(home)} && {call}" if where else call), where, "a notebook runs in its own folder"
    if found := _written(inventory, script):
        return found[0], "", f"{found[1]} has it"
    home = PurePosixPath(script).parent.as_posix()
    if home != "." and _reads_beside(inventory, home, reads):
        name = PurePosixPath(script).name
        return (
            f"cd {quote(home)} && python {quote(name)}",
            home,
            f"the files that {script} reads are in paths relative to {home}",
        )
    return f"python {quote(script)}", "", f"{script} trains the model"


def _written(inventory: Inventory, script: str) -> tuple[str, str] | None:
    module = script.removesuffix(".py").replace("/", ".")
    names = rf"(?:{re.escape(quote(script))}|-m {re.escape(quote(module))})"
    pattern = re.compile(
        rf"(?:^|[\s\"'`&;:])(?:uv run |poetry run )?python3? (?:-u )?{names}((?: [\w./=-]+)*)", re.MULTILINE
    )
    for path, text in inventory.texts.items():
        for found in pattern.finditer(text):
            if "{" not in found[0] and "$" not in found[0] and path.rpartition("/")[0] in {"", ".github/workflows"}:
                run = re.sub(r"^(uv run |poetry run )?python3? ", "python ", found[0].strip(" \t\r\n\"'`&;:"))
                return run, path
    return None


def _reads_beside(inventory: Inventory, home: str, reads: list[str]) -> bool:
    plain = [path.removeprefix("./") for path in reads if "://" not in path and not path.startswith(("sklearn:", "/"))]
    return any(_joined(home, path) in inventory.files for path in plain) and not any(
        path in inventory.files for path in plain
    )


def _joined(home: str, path: str) -> str:
    parts: list[str] = []
    for part in [*PurePosixPath(home).parts, *PurePosixPath(path).parts]:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def resolve_read(inventory: Inventory, path: str, home: str) -> str | None:
    """Return the file of the inventory that a script reads in its folder; ``None`` if it does not exist."""
    for place in (home, ""):
        if (found := _joined(place, path)) in inventory.files:
            return found
    name = PurePosixPath(path).name
    same = [file for file in inventory.tables if PurePosixPath(file).name == name]
    return same[0] if len(same) == 1 else None


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository with the user's answers.

    Attributes:
        inventory: Files of the repository.
        options: Answers given by options.
        summarize: Reads a table; the path is relative to the repository.
        name: Name of the repository.
    """

    inventory: Inventory
    options: InitOptions
    summarize: Callable[[str], TableSummary]
    name: str

    @property
    def model_name(self) -> tuple[str, str]:
        """Name for the model, and the reason."""
        return _NOT_A_NAME.sub("-", self.name).strip("-._")[:100] or "model", "the name of the folder"

    @cached_property
    def scripts(self) -> list[ScriptFacts]:
        """Scripts that train or evaluate a model or write tables, the most likely training script first."""
        notebooks = {path: found.text for path, found in self.notebooks.items()}
        plain = {path: text for path, text in self.inventory.scripts.items() if path.endswith(".py")}
        read = [read_script(path, text) for path, text in {**plain, **notebooks}.items()]
        found = [facts for facts in read if facts and (facts.fits or facts.points or facts.tables or facts.metrics)]
        return sorted(found, key=self._likelihood, reverse=True)

    @cached_property
    def notebooks(self) -> dict[str, NotebookScript]:
        """Code of the notebooks, by path."""
        texts = {path: text for path, text in self.inventory.scripts.items() if path.endswith(".ipynb")}
        read = {path: notebook_script(text) for path, text in texts.items()}
        return {path: found for path, found in read.items() if found is not None}

    def _likelihood(self, facts: ScriptFacts) -> tuple[bool, int, int, int, str]:
        named = facts.path == self.options.script or facts.path in (self.options.train or "")
        shown = 4 * bool(facts.points) + 3 * bool(facts.fits) + 2 * bool(facts.saved) + bool(facts.splits)
        shown += 3 * bool(_TRAINING_NAME.search(facts.path)) + 2 * bool(self.stages_of(facts.path))
        shown += 4 * facts.path.endswith(".py")
        return named, shown, -facts.path.count("/"), -len(facts.path), facts.path

    def stages_of(self, path: str) -> list[str]:
        """Return the stages of ``dvc.yaml`` that run a script."""
        return [name for name, command in stage_commands(self.inventory.pipeline) if path in command]

    def training(self, facts: ScriptFacts | None) -> tuple[str, str, str]:
        """Return the training command, the folder of the script's relative paths, and the reason.

        The command is empty if nothing trains.
        """
        pipeline = pipeline_command(self.inventory.pipeline)
        if pipeline and (facts is None or self.stages_of(facts.path)):
            return pipeline, "", "the stages of dvc.yaml, each after those it depends on"
        if facts is None:
            return "", "", ""
        return script_command(self.inventory, facts.path, facts.reads)

    def table(self, path: str | None) -> TableSummary | None:
        """Return the summary of a table; ``None`` if it is not there or can't be read."""
        if path is None or path not in self.inventory.files:
            return None
        try:
            return self.summarize(path)
        except InputError:
            return None


def refuse_repository(repository: Repository) -> InputError:
    """Return the error for a repository in which nothing was found to start from."""
    inventory = repository.inventory
    seen = [
        f"{len(inventory.scripts)} scripts and notebooks" if inventory.scripts else "no Python script",
        f"tables {list_names(inventory.tables, 4)}" if inventory.tables else "no table",
        f"models {list_names(inventory.models, 4)}" if inventory.models else "no saved model",
        "no metrics file" if not inventory.metrics else f"metrics files {list_names(list(inventory.metrics), 4)}",
    ]
    loops = [facts.path for facts in repository.scripts if any(point.looped for point in facts.points)]
    homes = configured_folders(inventory.files)
    own = f"Folders with an mlci.yml of their own are left alone: {list_names(homes, 4)}. "
    several = f"{loops[0]} trains several models in a loop, and init can't tell which one is yours. " if loops else ""
    return InputError(
        f"found no predictions, no metrics file and no script whose test part and predictions init can follow "
        f"({', '.join(seen)}). {own if homes else ''}{several}Name what there is: `mlci init --metrics metrics.json`, "
        "or `mlci init --data holdout.csv --label outcome --predictions predictions.csv`, and `--train` for the "
        "command that writes it; or add the lines of docs/how-to/start/gate-a-script-that-splits.md to your script"
    )
