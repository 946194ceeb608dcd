"""YAML of workflow files as plain data, with the line and column of every key.

Workflow files may have anchors and aliases, which `mlci.yml` may not; the number of nodes is bounded after expansion.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mlci.config.types import Path

_MOST_NODES = 20_000
_DEEPEST = 20


@dataclass(frozen=True)
class YamlPosition:
    """Place of a key or of a list's entry: line counted from 1, column from 0, and the text of a scalar value."""

    line: int
    column: int
    raw: str | None = None


@dataclass
class YamlNodes:
    """Content of a YAML file.

    Attributes:
        data: Mappings, lists, texts, numbers and booleans.
        positions: Position of each key and entry.
        error: Reason why the file can't be read, with its line; ``None`` if it was read.
    """

    data: Any = None
    positions: dict[Path, YamlPosition] = field(default_factory=dict)
    error: tuple[str, int] | None = None
    _nodes: int = 0

    def line(self, *path: str | int) -> int:
        """Return the line of a path; of what encloses it if it is absent."""
        ends = (path[:end] for end in range(len(path), 0, -1))
        return next((self.positions[end].line for end in ends if end in self.positions), 1)


class _UnreadableError(Exception):
    def __init__(self, reason: str, node: Node) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, node.start_mark.line + 1


def read_nodes(text: str) -> YamlNodes:
    """Read one YAML document; a file that can't be read has its ``error``."""
    found = YamlNodes()
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        found.data = None if root is None else _convert(root, (), found)
    except _UnreadableError as error:
        return YamlNodes(error=(error.reason, error.line))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return YamlNodes(error=(str(error.problem or error.context), (mark.line if mark else 0) + 1))
    except Exception as error:  # noqa: BLE001 - the scanner's own errors on hostile text
        return YamlNodes(error=(type(error).__name__, 1))
    return found


def _convert(node: Node, path: Path, found: YamlNodes) -> Any:  # noqa: ANN401 - any YAML value
    found._nodes += 1  # noqa: SLF001 - the counter of this module
    if found._nodes > _MOST_NODES or len(path) > _DEEPEST:  # noqa: SLF001 - as above
        raise _UnreadableError("it has too many values or is nested too deep", node)
    if isinstance(node, MappingNode):
        return dict(_entries(node, path, found))
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            found.positions[*path, index] = _position(item, item)
        return [_convert(item, (*path, index), found) for index, item in enumerate(node.value)]
    return _scalar(str(node.tag), str(node.value))


def _entries(node: MappingNode, path: Path, found: YamlNodes) -> Iterator[tuple[str, Any]]:
    seen = set()
    for key, value in node.value:
        if not isinstance(key, ScalarNode) or key.value in seen:
            raise _UnreadableError(f"the key `{getattr(key, 'value', '')}` stands twice, or is not a text", key)
        seen.add(key.value)
        found.positions[*path, key.value] = _position(key, value)
        yield key.value, _convert(value, (*path, key.value), found)


def _position(start: Node, value: Node) -> YamlPosition:
    raw = value.value if isinstance(value, ScalarNode) else None
    return YamlPosition(start.start_mark.line + 1, start.start_mark.column, raw)


def _scalar(tag: str, text: str) -> Any:  # noqa: ANN401 - any YAML scalar
    try:
        match tag.rpartition(":")[2]:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
            case "float":
                return float(text)
    except ValueError:
        pass
    return text
