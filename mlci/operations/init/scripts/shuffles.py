"""Shuffles without a seed: calls that choose or order the rows of the split at random and stay as they are."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlci.operations.init.scripts.values import called_name

_SHUFFLES = {"shuffle", "permutation", "randperm", "random_split"}
_DRAWS = {"sample", "choice", "choices"}
_GENERATORS = {"default_rng", "RandomState", "Random"}
_SEEDS = re.compile(r"seed", re.IGNORECASE)
_SEEDED_BY = {"random": "random.seed(42)", "numpy.random": "{}.seed(42)", "torch": "torch.manual_seed(42)"}
"""Modules with a generator that calls share, and the call that seeds it; the braces are the script's name for it."""


@dataclass(frozen=True, kw_only=True)
class UnseededShuffle:
    """A shuffle that stays without a seed: its line, what it does there, and the remedy."""

    line: int
    what: str
    remedy: str


def find_shuffles(tree: ast.Module, splits: list[ast.Call]) -> list[UnseededShuffle]:
    """Return the shuffles before the split that have no seed, by line.

    A shuffle in a loop, such as that of the batches of an epoch, does not choose the rows.

    Args:
        tree: The script.
        splits: Calls of ``train_test_split``, after the last of which a shuffle no longer changes the split.
    """
    names = imported_names(tree)
    last = max((call.lineno for call in splits), default=None)
    seeds = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and _seeds(call)]
    inner = {id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
             for node in ast.walk(function)}  # fmt: skip
    found = []
    for call in _outside_loops(tree):
        if last is not None and call.lineno > last and id(call) not in inner:
            continue
        earlier = any(seed.lineno < call.lineno or id(seed) in inner for seed in seeds)
        if (shuffle := _shuffle(call, names, seeded=earlier)) is not None:
            found.append(shuffle)
    if not any(called_name(node) in _SHUFFLES | _DRAWS for node in ast.walk(tree)):
        return []  # a generator draws no rows
    return sorted(found, key=lambda shuffle: shuffle.line)


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Return the full name of each imported name: ``numpy.random`` for ``from numpy import random``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.partition(".")[0]: alias.name if alias.asname
                      else alias.name.partition(".")[0] for alias in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _outside_loops(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.For | ast.While | ast.AsyncFor):
            yield from _outside_loops(child)
    if isinstance(node, ast.Call):
        yield node


def _seeds(call: ast.Call) -> bool:
    """Return whether a call seeds a shared generator, such as ``np.random.seed(0)`` or ``set_seed(0)``."""
    return bool(_SEEDS.search(called_name(call))) and bool(call.args or call.keywords)


def full_name(call: ast.Call, names: dict[str, str]) -> str:
    """Return the full name of an imported function that is called; empty for any other call."""
    start, _, rest = ast.unparse(call.func).partition(".")
    return ".".join(filter(None, (names[start], rest))) if start in names else ""


def _shuffle(call: ast.Call, names: dict[str, str], *, seeded: bool) -> UnseededShuffle | None:
    """Return the shuffle that a call is; ``None`` if it shuffles nothing or has a seed."""
    module, _, name = full_name(call, names).rpartition(".")
    text = ast.unparse(call.func)
    if name in _GENERATORS and module in _SEEDED_BY:
        given = any(not (isinstance(node, ast.Constant) and node.value is None)
                    for node in (*call.args, *(item.value for item in call.keywords)))  # fmt: skip
        what = "makes a random generator without a seed"
        return None if given else UnseededShuffle(line=call.lineno, what=what, remedy=f"write {text}(42)")
    if seeded or name not in _SHUFFLES | _DRAWS:
        return None
    home = "torch" if module.startswith("torch") else module
    if home not in _SEEDED_BY or any(item.arg == "generator" for item in call.keywords):
        return None
    what = "shuffles without a seed" if name in _SHUFFLES else "draws at random without a seed"
    seed = _SEEDED_BY[home].format(text.rpartition(".")[0] or "numpy.random")
    return UnseededShuffle(line=call.lineno, what=what, remedy=f"call {seed} before it")
