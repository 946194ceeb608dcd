"""Facts of a training script and of the repository's own modules that it imports.

The tree is walked in the order of execution, three times, so that what functions get and return is known to their
callers. Nothing of the script is run.
"""

import ast
from pathlib import PurePosixPath

from mlci.operations.init.scripts.command_line import (
    Surroundings,
    does_something,
    find_argument,
    imported_modules,
    parse_script,
    reaches_line,
)
from mlci.operations.init.scripts.script_facts import ScriptFacts, UnseededCall
from mlci.operations.init.scripts.shuffles import UnseededShuffle, find_shuffles, imported_names
from mlci.operations.init.scripts.walk.walk import Walk
from mlci.operations.init.scripts.walk.walk_state import KnownFunctions

_PASSES = 3


def read_script(path: str, text: str, around: Surroundings | None = None) -> ScriptFacts | None:
    """Return what a script does, its own modules included; ``None`` if it is not Python.

    Args:
        path: Path of the script in the repository.
        text: Its text.
        around: What it may import and read; nothing if omitted.
    """
    tree, around = parse_script(text), around or Surroundings()
    if tree is None:
        return None
    known = KnownFunctions(parameters=around.parameters)
    modules = around.reached(path, tree)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    facts = ScriptFacts(path=path, text=text)
    for _ in range(_PASSES if not modules else _PASSES + 2):
        before = known.snapshot()
        facts = ScriptFacts(
            path=path, text=text, pandas=_module_name(tree, "pandas"), numpy=_module_name(tree, "numpy")
        )
        elsewhere = [_read_module(name, around.texts[name], one, known, own) for name, one in modules.items()]
        Walk(facts, known, imported_names(tree)).module(tree)
        if known.snapshot() == before:  # another walk would find the same
            break
    for one in elsewhere:
        facts.reads += [name for name in one.reads if name not in facts.reads]
        facts.sizes += one.sizes
        facts.shuffles += [_shuffled(tree, one, call) for call in one.unseeded]
    facts.shuffles += find_shuffles(tree, facts.splits)
    facts.imports, facts.arguments = imported_modules(tree), find_argument(tree)
    reached = [reaches_line(tree, point.statement.lineno) for point in facts.points]
    facts.modules, facts.does_something = frozenset(modules), does_something(tree) and (not reached or any(reached))
    return facts


def _read_module(path: str, text: str, tree: ast.Module, known: KnownFunctions, own: set[str]) -> ScriptFacts:
    """Return what a module of the repository does, and note what its functions get and return.

    Functions that the script itself defines are left out.
    """
    facts = ScriptFacts(path=path, text=text)
    walk = Walk(facts, known, imported_names(tree))
    walk.module(tree, without=own)
    known.elsewhere |= {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)} - own
    known.packages |= set(PurePosixPath(path).with_suffix("").parts)
    return facts


def _shuffled(tree: ast.Module, module: ScriptFacts, call: UnseededCall) -> UnseededShuffle:
    """Return the note about a call in a module that chooses rows without a seed, at the line that imports."""
    stem = PurePosixPath(module.path).stem
    lines = (
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and stem in ast.unparse(node)
    )
    what = f"imports {module.path}, where line {call.node.lineno} calls {call.name} without a seed"
    return UnseededShuffle(line=min(lines, default=1), what=what, remedy="write random_state=42 there")


def _module_name(tree: ast.Module, module: str) -> str | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == module:
                    return alias.asname or module
    return None
