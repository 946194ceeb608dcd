"""The runner's reading of a step: commands in its log, and the files that it names to the step.

The rules are those of GitHub's runner (actions/runner, ActionCommand.cs, ActionCommandManager.cs and
FileCommandManager.cs) and of "Workflow commands for GitHub Actions" on docs.github.com. A command is read from a line
by ``TryParseV2``: ``::name key=value,…::data`` after white space of any kind; else by ``TryParse``: the first ``##[name
key=value;…]data`` in it. Both compare by culture, which skips characters without width, and both know the commands by
name, in any case.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SUMMARY_LIMIT = 1024 * 1024
_SECOND = re.compile(r"^::(?P<name>[^ :]+)(?: (?P<properties>[^:]*(?::(?!:)[^:]*)*))?::(?P<data>.*)$", re.DOTALL)
_FIRST = re.compile(r"##\[(?P<name>[^\] ]+)(?: (?P<properties>[^\]]*))?\](?P<data>.*)$", re.DOTALL)
_LEVELS = ("notice", "warning", "error")
_REGISTERED = {
    *_LEVELS,
    *("stop-commands", "internal-set-repo-path", "set-env", "set-output", "save-state", "add-mask", "add-path"),
    *("add-matcher", "remove-matcher", "debug", "group", "endgroup", "echo"),
}
WRITTEN = {  # outputs by the program that writes them
    "install.sh": {"mlci"},
    "captured.sh": {"code"},
    "outputs.sh": {"verdict", "report", "baseline-version"},
    '"$MLCI" fetch': {"fetched", "model"},
    '"$MLCI" promote': {"promoted", "version", "replaced", "verdict", "report"},
    '"$MLCI" rollback': {"rolled-back", "version", "replaced"},
    '"$MLCI" deploy': {"version", "canary", "replaced"},
    '"$MLCI" command': {"done"},
    '"$MLCI" monitor': {"state", "version", "issue-url"},
    '"$MLCI" experiment': {"verdict", "reason", "applied", "report"},
    '"$MLCI" publish --open': {"check"},
    '"$MLCI" models plan': {"plan", "matrix", "any"},
    '"$MLCI" models publish': {"verdict", "comment-url", "check-url"},
    '"$MLCI" sealed predict': {"artifact", "rows", "folder"},
    '"$MLCI" sealed gate': {"verdict", "report", "comment-url", "check-url", "baseline-version", "model"},
    '"$MLCI" publish --config': {"verdict", "report", "comment-url", "check-url", "baseline-version"},
}


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A notice, warning or error in a step's log."""

    level: str
    message: str
    file: str = ""
    line: str = ""


@dataclass
class Said:
    """The effects of all commands in one log."""

    annotations: list[Annotation] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    masks: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read_log(text: str) -> Said:
    """The runner still obeys ``::set-output``, after white space of any kind; a lone carriage return starts a line."""
    said = Said()
    for line in re.split(r"\r\n|\r|\n", text):
        if ":" in line or "#" in line:
            _read_line(said, line)
    return said


def _read_line(said: Said, line: str) -> None:
    bare = line if line.isascii() else "".join(char for char in line if not _is_skipped(char))
    found, between = _SECOND.match(bare.lstrip()), ","
    if found is None or found["name"].lower() not in _REGISTERED:
        found, between = _FIRST.search(bare), ";"
    if found is not None and found["name"].lower() in _REGISTERED:
        given = _properties(found["properties"] or "", between)
        _obey(said, found["name"].lower(), given, _unescape(found["data"], more=between == ";"))


def _is_skipped(char: str) -> bool:
    """Whether a comparison by culture (International Components for Unicode) may skip a character."""
    return unicodedata.category(char) in {"Cf", "Mn", "Me"} or char in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"


def _obey(said: Said, name: str, properties: dict[str, str], data: str) -> None:
    if name in _LEVELS:
        places = {key: properties.get(key, "") for key in ("file", "line")}
        said.annotations.append(Annotation(level=name, message=data, **places))
    elif name == "set-output":
        said.outputs[properties.get("name", "")] = data
    elif name == "add-mask":
        said.masks.append(data)
    else:
        said.others.append(name)


def _properties(text: str, between: str) -> dict[str, str]:
    pairs = (item.split("=", 1) for item in text.split(between) if "=" in item)
    if between == ";":
        return {key: _unescape(value, more=True) for key, value in pairs}
    return {key.strip(): _unescape(value.replace("%3A", ":").replace("%2C", ",")) for key, value in pairs}


def _unescape(text: str, *, more: bool = False) -> str:
    if more:
        text = text.replace("%3B", ";")
    text = text.replace("%0D", "\r").replace("%0A", "\n")
    return (text.replace("%5D", "]") if more else text).replace("%25", "%")


def read_pairs(path: Path) -> dict[str, str]:
    """Read a file of ``name=value`` and ``name<<delimiter`` blocks, as GITHUB_OUTPUT and GITHUB_ENV are.

    Raises:
        ValueError: if a line is neither, or a block does not end. The runner fails the step for it.
    """
    pairs: dict[str, str] = {}
    lines = iter(path.read_text("utf-8").splitlines())
    for line in lines:
        if not line:
            continue
        name, mark, rest = _split(line)
        pairs[name] = rest if mark == "=" else _block(lines, rest)
    return pairs


def _split(line: str) -> tuple[str, str, str]:
    equals, block = line.find("="), line.find("<<")
    if equals < 1 and block < 1:
        raise ValueError(f"invalid format {line!r}")
    if block > 0 and (equals < 0 or block < equals):
        return line[:block], "<<", line[block + 2 :]
    return line[:equals], "=", line[equals + 1 :]


def _block(lines: Iterator[str], delimiter: str) -> str:
    found = []
    for line in lines:
        if line == delimiter:
            return "\n".join(found)
        found.append(line)
    raise ValueError(f"matching delimiter not found {delimiter!r}")
