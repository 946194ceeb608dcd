"""Programs and files that the commands of a configuration name, read from their text: nothing is run.

A text that expands a variable, a pattern or another command is understood up to that word, and not beyond: what only a
shell knows is never reported as missing.
"""

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

_COMMENT = re.compile(r"^[ \t]*#[^\n]*|[ \t]#[^\n'\"]*$", re.MULTILINE)
_REDIRECTION = re.compile(r"[<>]+&?|&>+")
_SEPARATOR = re.compile(r"(?!&>)[;&|()\n]+")
_LEADING = frozenset(
    {"if", "then", "else", "elif", "do", "while", "until", "!", "time", "exec", "command", "nice", "env"}
)
_SKIPPED = frozenset({"for", "case", "select", "function", "fi", "done", "esac", "in"})
_WORDS = """
. : [ [[ alias bg break cd continue declare echo eval exit export false fg getopts hash jobs kill let local popd printf
pushd pwd read readonly return set shift shopt source test times trap true type typeset ulimit umask unalias unset wait
"""
_BUILTINS = frozenset(_WORDS.split())
_MANAGERS = frozenset({"uv", "poetry", "pipenv", "pdm", "hatch", "rye", "pixi", "conda", "mamba", "micromamba"})
_INTERPRETERS = {"Rscript": (), "bash": ("-c",), "sh": ("-c",), "julia": ("-e",), "node": ("-e",)}
_PYTHON = re.compile(r"python(?:\d+(?:\.\d+)?)?")
_TAKES_VALUE = {"-W", "-X"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_EXPANDED = re.compile(r"[$`*?~]")
_FUNCTION = re.compile(r"^\s*(?:function\s+)?([\w-]+)\s*\(\)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class NamedCommand:
    """A simple command of a script.

    Attributes:
        folder: Folder in which it runs, from that of the script; ``None`` if a variable names it.
        program: What it runs; for ``uv run python train.py`` the manager of environments.
        file: Script that the program reads, relative to the folder; ``None`` if it reads none, or none that is known.
        module: Module of ``python -m``.
        line: Line in the script, counted from 0.
    """

    folder: str | None
    program: str
    file: str | None = None
    module: str | None = None
    line: int = 0


def read_commands(script: str) -> list[NamedCommand]:
    """Return the commands of a shell script, up to a here-document; none if its quotes do not match."""
    functions = set(_FUNCTION.findall(script))
    found: list[NamedCommand] = []
    folders: list[str | None] = [""]
    for line, words in _simple_commands(script):
        if words in (["("], [")"]):
            folders = [*folders, folders[-1]] if words == ["("] else folders[:-1] or [""]
        elif words[0] == "cd":
            folders[-1] = _changed(folders[-1], words)
        elif words[0] not in _BUILTINS | functions and not _EXPANDED.search(words[0]):
            found.append(replace(_name(words), folder=folders[-1], line=line))
    return found


def _changed(folder: str | None, words: Sequence[str]) -> str | None:
    target = words[1] if len(words) == 2 else "$"
    if folder is None or _EXPANDED.search(target) or target.startswith(("/", "-")):
        return None
    return posixpath.normpath(posixpath.join(folder, target))


def _joined(script: str) -> str:
    """Return the script with continued lines on one line, and empty lines in their place."""
    return re.sub(
        r"(?:[^\n]*\\\n)+[^\n]*", lambda part: part[0].replace("\\\n", " ") + "\n" * part[0].count("\n"), script
    )


def _simple_commands(script: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each command with the number of its line; parentheses are commands of their own."""
    lexer = shlex.shlex(_COMMENT.sub("", _joined(script)), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t\r", "", True
    words: list[str] = []
    line = 0
    try:
        for word in lexer:
            if word.startswith("<<"):
                return
            if not _SEPARATOR.fullmatch(word):
                words.append(word)
                continue
            if plain := _command(words):
                yield line, plain
            words = []
            line += word.count("\n")
            yield from ((line, [sign]) for sign in word if sign in "()")
    except ValueError:
        return
    if plain := _command(words):
        yield line, plain


def _command(words: Sequence[str]) -> list[str]:
    """Return the words without redirections, keywords in front and assignments; empty if nothing is run."""
    kept: list[str] = []
    after = ""
    for word in words:
        if not _REDIRECTION.fullmatch(word) and not after:
            kept.append(word)
        after = word if _REDIRECTION.fullmatch(word) else ""
    while kept and (kept[0] in _LEADING or kept[0] in {"{", "}"} or _ASSIGNMENT.fullmatch(kept[0])):
        kept = kept[1:]
    return [] if not kept or kept[0] in _SKIPPED or kept[0].startswith("-") else kept


def _name(words: Sequence[str]) -> NamedCommand:
    program, rest = words[0], list(words[1:])
    if program in _MANAGERS and "run" in rest[:1]:
        inner = rest[1:]
        return replace(_name(inner), program=program) if inner and not inner[0].startswith("-") else _only(program)
    if _PYTHON.fullmatch(program.rpartition("/")[2]):
        return _python(program, rest)
    if program in _INTERPRETERS:
        plain = [word for word in rest if not word.startswith("-")]
        stops = any(word.startswith(stop) for word in rest for stop in _INTERPRETERS[program])
        return NamedCommand(folder="", program=program, file=_known(plain[:1]) if not stops else None)
    notebooks = [word for word in rest if word.endswith(".ipynb")]
    if program in {"jupyter", "papermill"}:
        return NamedCommand(folder="", program=program, file=_known(notebooks[:1]))
    return _only(program)


def _only(program: str) -> NamedCommand:
    return NamedCommand(folder="", program=program)


def _python(program: str, rest: Sequence[str]) -> NamedCommand:
    words = iter(rest)
    for word in words:
        if word == "-m":
            return NamedCommand(folder="", program=program, module=_known([next(words, "$")]))
        if word in _TAKES_VALUE:
            next(words, None)
        elif word.startswith("-"):
            if word in {"-", "-c"} or word.startswith("-c"):
                break
        else:
            return NamedCommand(folder="", program=program, file=_known([word]))
    return _only(program)


def _known(words: Sequence[str]) -> str | None:
    return next((word for word in words if word and not _EXPANDED.search(word)), None)


@dataclass(frozen=True, kw_only=True)
class MissingName:
    """Something that a command names and that does not exist here.

    Attributes:
        section: Section of ``mlci.yml`` that has the command.
        name: The file from the folder of the configuration, or the program.
        program: Whether it is a program.
        similar: Files of the same name elsewhere in the repository.
        line: Line of the command in its script, counted from 0.
    """

    section: str
    name: str
    program: bool
    similar: tuple[str, ...] = ()
    line: int = 0


def find_missing(
    section: str,
    script: str,
    *,
    exists: Callable[[str], bool],
    on_path: Callable[[str], bool],
    files: Sequence[str] = (),
) -> list[MissingName]:
    """Return the files and programs that a script names and that do not exist.

    A file that an earlier command names may be made by it and is not reported; so is a program of an environment that
    the script itself makes.

    Args:
        section: Section of the configuration, such as ``train``.
        script: Its command.
        exists: Whether a path, from the folder of the configuration, exists.
        on_path: Whether a program is on ``PATH``.
        files: Files of the repository from the folder of the configuration, to suggest one.
    """
    found: list[MissingName] = []
    lines = _joined(script).split("\n")
    for one in read_commands(script):
        before = "\n".join(lines[: one.line])
        if "activate" in before:
            continue
        file = _missing_file(one, exists)
        if file is not None and posixpath.basename(file) not in before:
            same = tuple(name for name in files if posixpath.basename(name) == posixpath.basename(file))
            found.append(MissingName(section=section, name=file, program=False, similar=same, line=one.line))
        if one.program and not _runs(one, exists, on_path):
            found.append(MissingName(section=section, name=one.program, program=True, line=one.line))
    return list({(one.name, one.program): one for one in reversed(found)}.values())[::-1]


def _runs(one: NamedCommand, exists: Callable[[str], bool], on_path: Callable[[str], bool]) -> bool:
    if "/" not in one.program:
        return on_path(one.program)
    return one.folder is None or exists(posixpath.normpath(posixpath.join(one.folder, one.program)))


def _missing_file(one: NamedCommand, exists: Callable[[str], bool]) -> str | None:
    if one.folder is None:
        return None
    if one.file is not None:
        path = posixpath.normpath(posixpath.join(one.folder, one.file))
        return None if exists(path) else path
    parts = one.module.split(".") if one.module else []
    place = posixpath.normpath(posixpath.join(one.folder, *parts)) if parts else ""
    if len(parts) < 2 or not exists(posixpath.normpath(posixpath.join(one.folder, parts[0]))):
        return None  # an installed module
    return None if exists(place) or exists(f"{place}.py") else f"{place}.py"
