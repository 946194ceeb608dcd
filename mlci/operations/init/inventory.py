"""Inventory of a repository: its files, and the texts that say how its model is trained and judged."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from mlci.errors import InputError
from mlci.execution.metrics_file import MetricsFile, read_metrics_file
from mlci.operations.init.pipeline import pipeline_metrics
from mlci.operations.init.scripts.source_text import SourceText, decode_source

PIPELINE = "dvc.yaml"
LARGEST_TEXT = 2_000_000
MOST_FILES = 20_000
_SKIPPED = {
    "node_modules", "venv", "env", "site-packages", "__pycache__", "mlruns", "wandb", "build", "dist", "catboost_info",
}  # fmt: skip
TABLES = (".csv", ".csv.gz", ".tsv", ".parquet", ".pq", ".jsonl", ".ndjson", ".npz", ".feather")
_MODELS = (".pkl", ".pickle", ".joblib", ".skops", ".onnx", ".pt", ".pth", ".h5", ".keras", ".cbm", ".ubj", ".bin")
METRICS_NAME = re.compile(r"metric|score|result|evaluation|performance|trainer_state", re.IGNORECASE)
_NOT_SCRIPTS = re.compile(r"(^|/)(tests?|docs?|migrations?|alembic)/|(^|/)(setup|conftest|test_[^/]*|[^/]*_test)\.py$")
_PARAMETERS = re.compile(r"(^|/)(\w*[_-])?(params?|parameters|config|settings|hyper\w*)\.(ya?ml|json)$", re.IGNORECASE)
_INSTALLS = {
    "uv.lock": 'python -m pip install uv && uv sync && echo "$PWD/.venv/bin" >> "$GITHUB_PATH"',
    "requirements.txt": "python -m pip install --requirement requirements.txt",
    "poetry.lock": "python -m pip install poetry && poetry config virtualenvs.create false && poetry install",
    "Pipfile": "python -m pip install pipenv && pipenv install --system --deploy",
    "pyproject.toml": "python -m pip install .",
    "setup.py": "python -m pip install .",
}  # fmt: skip
"""Commands that install what training needs, by the file that lists it; the first file that exists counts."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What a repository contains that says how its model is trained and judged.

    All paths are relative to ``folder``.

    Attributes:
        folder: The folder that was looked at.
        files: All files.
        sources: Python scripts and notebooks by path.
        unread: Why the others could not be read, by path.
        tables: Tables that mlci reads.
        metrics: Metrics files with their numbers.
        models: Saved models.
        pipeline: Parts of ``dvc.yaml``; empty without one.
        parameters: Contents of files of parameters, such as ``params.yaml``, by path.
        texts: Texts that may contain the training command: workflows, Makefile, MLproject, README.
    """

    folder: Path
    files: frozenset[str]
    sources: Mapping[str, SourceText] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    metrics: Mapping[str, MetricsFile] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    pipeline: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    at_top: frozenset[str] = frozenset()

    @cached_property
    def scripts(self) -> Mapping[str, str]:
        """Texts of Python scripts and notebooks by path."""
        return {path: source.text for path, source in self.sources.items()}

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
    sources, unread = _sources(folder, filter(_is_script, files))
    found = {path: text for path in files if _may_have_command(path) and (text := _text(folder / path)) is not None}
    pipeline, fault = _read_mapping(folder / PIPELINE)
    unread |= {PIPELINE: fault} if fault else {}
    return Inventory(
        folder=folder,
        files=frozenset(every),
        sources=sources,
        unread=unread,
        tables=tuple(path for path in files if path.lower().endswith(TABLES)),
        metrics=dict(_metrics(folder, files, named=[*pipeline_metrics(pipeline), metrics or ""])),
        models=tuple(path for path in files if path.lower().endswith(_MODELS)),
        pipeline=pipeline,
        parameters=dict(_parameters(folder, files)),
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


def _parameters(folder: Path, files: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Yield the contents of files of parameters that are mappings, by path."""
    for path in files:
        if _PARAMETERS.search(path) and (found := _read_mapping(folder / path)[0]):
            yield path, found


def _sources(folder: Path, paths: Iterable[str]) -> tuple[dict[str, SourceText], dict[str, str]]:
    """Return the texts of scripts, and the reasons why others could not be read."""
    found: dict[str, SourceText] = {}
    unread: dict[str, str] = {}
    for path in paths:
        try:
            if (folder / path).stat().st_size > LARGEST_TEXT:
                raise ValueError(f"it is larger than {LARGEST_TEXT:,} bytes")  # noqa: TRY301 - one list of reasons
            found[path] = decode_source((folder / path).read_bytes(), notebook=path.endswith(".ipynb"))
        except OSError as error:
            unread[path] = error.strerror or str(error)
        except ValueError as error:
            unread[path] = str(error)
    return found, unread


def _text(path: Path) -> str | None:
    """Return the text of a file with its line endings; ``None`` if it is too large or not UTF-8."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            return None
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None


def _read_mapping(path: Path) -> tuple[Mapping[str, object], str]:
    """Return the mapping of a file of YAML or JSON, and the reason if it can't be read; both are empty without it."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only for repositories with such a file
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415 - as above

    text = _text(path)
    if text is None:
        return {}, ""
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return {}, f"line {mark.line + 1} is not YAML" if mark else "it is not YAML"
    except (YAMLError, ValueError, RecursionError):
        return {}, "it is not YAML"
    return (found, "") if isinstance(found, dict) else ({}, "")
