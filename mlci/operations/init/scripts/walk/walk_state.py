"""State of a walk over a script: names and their values, paths, and what functions get and return."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlci.operations.init.scripts.constants import ARGUMENTS, PARAMETERS, constant_of
from mlci.operations.init.scripts.script_facts import ScriptFacts
from mlci.operations.init.scripts.values import TracedValue, called_name
from mlci.operations.init.scripts.written_files import opened_path


@dataclass
class KnownFunctions:
    """Values that functions of the script get and return, by name."""

    arguments: dict[str, dict[str, TracedValue]] = field(default_factory=dict)
    returned: dict[str, tuple[TracedValue, ...]] = field(default_factory=dict)
    definitions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    looped: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)

    def snapshot(self) -> tuple[object, ...]:
        """Return what a walk may change, to compare two of them."""
        arguments = {name: dict(values) for name, values in self.arguments.items()}
        return arguments, dict(self.returned), dict(self.options), set(self.looped), set(self.repeated)


class WalkState:
    """State of one walk: the facts so far, and the values of names at the statement that it has reached."""

    def __init__(self, facts: ScriptFacts, functions: KnownFunctions, imported: dict[str, str]) -> None:
        self.facts, self.functions, self.imported = facts, functions, imported
        self.names = {
            ARGUMENTS: TracedValue(kind="constant", constant=functions.options),
            PARAMETERS: TracedValue(kind="constant", constant=functions.parameters),
        }
        self.lines_of_text = re.split(r"\r\n|\r|\n", facts.text)
        self.loops = self.epochs = 0
        self.batches: ast.stmt | None = None
        self.function: str | None = None
        self.parameters: set[str] = set()
        self.own: set[str] = set()
        self.lists: dict[str, TracedValue] = {}

    def _path(self, node: ast.AST | None) -> str | None:
        found = constant_of(node, self.names)
        return found if isinstance(found, str) and found else None

    def _opened_path(self, node: ast.AST | None) -> str | None:
        if isinstance(node, ast.Call) and called_name(node) == "open":
            return opened_path(node, self._path)
        return self._path(node)

    def _text(self, node: ast.expr) -> str:
        """Return an expression as the script has it; on one line."""
        start, end = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        if not start or start != end:
            return ast.unparse(node)
        line = self.lines_of_text[start - 1].encode()  # as syntax trees count: `ast` would split the text for each call
        return line[getattr(node, "col_offset", 0) : getattr(node, "end_col_offset", 0)].decode()
