"""Loader of ``mlci.yml``: bounded, UTF-8, checked against the models; a problem has its line."""

import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Generic, TypeVar

from pydantic import ValidationError

from mlci.config import messages
from mlci.config.base import fields
from mlci.config.models import Config, MetricsConfig, RowsConfig, ScoresConfig
from mlci.config.types import Path
from mlci.config.url_credentials import REMEDY, holds_credentials
from mlci.config.yaml_tree import ODD, YamlTree, leaves, parse_yaml
from mlci.errors import InputError, Problem
from mlci.util.bounds import CONFIG_BYTES

MOST_PROBLEMS = 20
_MOST_LISTED, _MOST_FOLDERS, _DEEPEST = 5, 200, 3
_NOT_SEARCHED = {"node_modules", "site-packages", "venv", "env"}


@dataclass(frozen=True)
class Lines:
    """Line numbers, counted from 1, of every key and list entry of a file."""

    known: Mapping[Path, int]

    def of(self, *path: str | int) -> int:
        """Return the line of a path such as ``("gates", 0, "max_drop")``; of what encloses it if it is absent."""
        return next((self.known[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.known), 1)


C_co = TypeVar("C_co", bound=Config, covariant=True)


@dataclass(frozen=True)
class Loaded(Generic[C_co]):
    """A configuration with its file and line numbers.

    Attributes:
        config: Content of the file.
        lines: Line of every key and entry.
        path: The file, as the user wrote it.
    """

    config: C_co
    lines: Lines
    path: str

    def problem(self, message: str, *where: str | int) -> Problem:
        """Return a problem that points at the line of a path, e.g. ``problem("…", "evaluation", "key")``."""
        return Problem(message, self.path, self.lines.of(*where))


LoadedConfig = Loaded[Config]
CheckedConfig = Loaded[RowsConfig | MetricsConfig | ScoresConfig]


def load_unchecked(file: FilePath) -> LoadedConfig:
    """Read and check a configuration file.

    Raises:
        InputError: if the file is missing, can't be read, or has problems; all of them at once.
    """
    return parse_config(read_bounded_config(file), path=str(file))


def read_bounded_config(file: FilePath) -> bytes:
    """Return the content of a configuration file, up to one byte beyond the size limit.

    Raises:
        InputError: if the file is missing or can't be read.
    """
    path = str(file)
    if file.is_dir():
        raise InputError(Problem("is a folder; name the configuration file in it", path))
    if file.exists() and not file.is_file():
        raise InputError(Problem("is a pipe or a device, not a file; write the configuration to a file", path))
    if not file.is_file():
        raise InputError(Problem(f"the file does not exist; {_elsewhere(file)}", path))
    try:
        with file.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}", path)) from None


def _elsewhere(file: FilePath) -> str:
    """Return the remedy for a configuration that does not exist: the configurations of the folders below."""
    found = sorted(_below(file.parent, file.name))
    if not found:
        return "name the configuration with `--config`"
    listed = ", ".join(found[:_MOST_LISTED]) + (", …" if len(found) > _MOST_LISTED else "")
    return f"folders below have one each: {listed}. Name one of them: `--config {shlex.quote(found[0])}`"


def _below(folder: FilePath, name: str) -> Iterator[str]:
    """Yield the paths of files of a name in the folders below, down to some levels, without hidden folders."""
    for home, folders, names in os.walk(folder):
        place = FilePath(home)
        deep = len(place.relative_to(folder).parts)
        folders[:] = sorted(one for one in folders if one[0] != "." and one not in _NOT_SEARCHED)[:_MOST_FOLDERS]
        folders[:] = folders if deep < _DEEPEST else []
        if deep and name in names:
            yield (place / name).as_posix()


def parse_config(text: str | bytes, *, path: str) -> LoadedConfig:
    """Check the text of a configuration file.

    Args:
        text: The whole file; bytes have to be UTF-8.
        path: Name of the file in problems.

    Raises:
        InputError: if the text has problems; all of them, ordered by line, each with a line.
    """
    tree, config = parse_draft(text, path=path)
    if config is None:
        raise config_error(tree.problems)
    return with_lines(tree, config)


def parse_draft(text: str | bytes, *, path: str) -> tuple[YamlTree, Config | None]:
    """Return the content of a file with its problems, and the configuration if there are none.

    Raises:
        InputError: if the file is not text.
    """
    decoded = decode_yaml(text, path=path)
    _refuse_credentials(decoded, path=path)
    tree = parse_yaml(decoded, path=path)
    config = _validate(tree) if tree.whole and isinstance(tree.data, dict) else None
    return tree, None if tree.problems else config


def _refuse_credentials(text: str, *, path: str) -> None:
    """Refuse addresses with credentials before any message could quote the file."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if holds_credentials(line)]
    if lines:
        raise config_error(Problem(f"an address contains credentials; {REMEDY}", path, number) for number in lines)


def with_lines(tree: YamlTree, config: Config) -> LoadedConfig:
    """Return a configuration with its lines; each gate, and the tests, get their own line."""
    lines = Lines(tree.lines)
    gates = tuple(gate.model_copy(update={"line": lines.of("gates", index)}) for index, gate in enumerate(config.gates))
    tests = config.tests.model_copy(update={"line": lines.of("tests", "required")}) if config.tests else None
    return LoadedConfig(config.model_copy(update={"gates": gates, "tests": tests}), lines, tree.path)


def config_error(problems: Iterable[Problem]) -> InputError:
    """Return the error for problems: ordered by line, without duplicates; after twenty only counted."""
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)
    shown, rest = ordered[:MOST_PROBLEMS], ordered[MOST_PROBLEMS:]
    if rest:
        more = f"and {len(rest)} more problem{'s' if len(rest) > 1 else ''} from here on"
        shown.append(Problem(more, rest[0].path, rest[0].line))
    return InputError.of(shown)


def _validate(tree: YamlTree) -> Config | None:
    """Check the data against the models; problems are added to ``tree.problems``."""
    lines = Lines(tree.lines)
    for path, message in _findings(tree):
        if not tree.refused(path):
            tree.refuse(message, lines.of(*path), about=path)
    try:
        return Config.model_validate_json(json.dumps(tree.data), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            path = messages.error_path(detail["loc"])
            # A refused value needs no second problem.
            if messages.is_reportable(detail) and not tree.refused(path):
                tree.refuse(messages.describe_error(detail), lines.of(*path), about=path)
        return None


def _findings(tree: YamlTree) -> Iterator[tuple[Path, str]]:
    """Yield unknown keys and invalid combinations of keys, found in the unvalidated data."""
    for path, value in leaves(tree.data):
        owner = messages.section_name(path)
        if owner is None or not isinstance(value, dict) or path == ("gates",):
            continue  # gates are a list, which the models report once
        allowed = fields(owner)
        for key in value:
            if key not in allowed:
                yield (*path, key), messages.unknown_key(key, path, allowed)
        if message := messages.join_words(path, value):
            yield path, message
        if path == ("evaluation",) and tree.data.get("task") != "scores":
            yield from _missing_of_rows(value)


def _missing_of_rows(evaluation: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    """Yield the keys that an evaluation set of rows lacks; one of items needs neither."""
    for key in ("data", "label"):
        if key not in evaluation:
            path: Path = ("evaluation", key)
            yield path, messages.missing_key(path)


MOST_BYTES = CONFIG_BYTES.value
_CHARACTERS = {"\r": "a carriage return alone", "\ufeff": "a byte-order mark", "\x00": "a NUL character"}


def decode_yaml(source: str | bytes, *, path: str) -> str:
    """Return the text of a configuration file, with line feeds as its only line ends.

    Raises:
        InputError: if it is too large, not UTF-8, or contains control characters; one problem for each such line.
    """
    text = _decode_utf8(source, path) if isinstance(source, bytes) else source
    if len(text) > MOST_BYTES:
        raise InputError(Problem(f"the file is larger than {MOST_BYTES // 1024} KiB", path, 1))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    problems = list(_control_characters(text, path))
    if problems:
        raise InputError.of(problems)
    return text


def _decode_utf8(data: bytes, path: str) -> str:
    if len(data) > MOST_BYTES:
        raise InputError(Problem(f"the file is larger than {MOST_BYTES // 1024} KiB", path, 1))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(Problem("the file is UTF-16; save it as UTF-8", path, 1))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            Problem(f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8", path, line)
        ) from None


def _control_characters(text: str, path: str) -> Iterator[Problem]:
    """Yield a problem for the first such character of each line; a lone carriage return does not begin a line."""
    for number, line in enumerate(text.split("\n"), start=1):
        if match := ODD.search(line):
            name = _CHARACTERS.get(match[0], f"the control character U+{ord(match[0]):04X}")
            yield Problem(f"{name} at column {match.start() + 1}; remove it", path, number)
