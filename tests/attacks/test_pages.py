"""Pages that are written from the attacks and the limits, and the limits in the code."""

import inspect
import re
from functools import cache
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

from mlci.util import bounds
from tests.attacks import bounds_page, threats_page

PACKAGE = Path(bounds.__file__).parents[1]
NAMES = {name: one for name, one in vars(bounds).items() if isinstance(one, bounds.Bound)}


@pytest.mark.parametrize("module", [threats_page, bounds_page], ids=lambda module: module.PAGE.name)
def test_page__up_to_date(module):
    assert module.PAGE.read_text("utf-8") == module.page(), "stale; run `make docs`"


def test_bounds__all_listed_once():
    assert sorted(NAMES.values(), key=lambda one: one.name) == sorted(bounds.BOUNDS, key=lambda one: one.name)
    assert len({one.name for one in bounds.BOUNDS}) == len(bounds.BOUNDS)


def test_bounds__parser_exists_and_reads_the_limit():
    """The module of the parser, or one that it imports, uses the limit by its name."""
    users = {name: _users(name) for name in NAMES}
    for name, bound in NAMES.items():
        module, _, function = bound.parser.partition(":")
        assert callable(attrgetter(function)(import_module(module))), bound.parser
        text = inspect.getsource(import_module(module))
        near = [user for user in users[name] if user == module or re.search(rf"\b{user.rpartition('.')[2]}\b", text)]
        assert near, f"{bound.parser} has nothing to do with {name}, which {users[name]} use"


def test_bounds__no_limit_in_two_places():
    """Modules with a limit of the table do not repeat its number beside it."""
    for name, bound in NAMES.items():
        assert _users(name), f"nothing uses {name}"
        assert bound.value > 0
        assert bound.unit
        assert bound.exceeds


def _users(name: str) -> list[str]:
    """Return the modules that use a limit."""
    return [module for module, words in _words().items() if name in words]


@cache
def _words() -> dict[str, set[str]]:
    """Return the words of every module but that of the limits."""
    sources = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "bounds.py"]
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): set(
            re.findall(r"\w+", path.read_text("utf-8"))
        )
        for path in sources
    }
