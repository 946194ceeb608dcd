"""The trusted side starts no process of the user, and imports nothing that could."""

import ast
import sys
from functools import cache
from pathlib import Path

from tests.support.imports import imported, statements
from tests.support.sealed_scene import sealed_files

ROOT = Path(__file__).parents[2]

ALLOWED = {
    "mlci.execution",
    "mlci.execution.sanitize",  # text for a log
    "mlci.execution.environment",  # names of withheld variables
}
REFUSED = ("mlci.execution", "mlci.pytest_plugin", "mlci.demo", "mlci.cli.wiring", "mlci.operations.models.rescore")
LIBRARIES = {"pickle", "skops", "sklearn", "pandas", "pickle5", "joblib", "pytest", "torch"}


def is_for_types(node):
    """Whether a statement is for type checkers alone."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def names_in(path):
    return list(imported(statements(ast.parse(path.read_text("utf-8")).body, skipped=is_for_types)))


def reached(*starts):
    """Modules of the package that these import, at their top or later, and theirs; and libraries by name."""
    found, waiting = set(), list(starts)
    while waiting:
        name = waiting.pop()
        path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
        if name in found or not path.is_file():
            found |= set() if name.startswith("mlci.") else {name.partition(".")[0]}
            continue
        found.add(name)
        waiting += [one for full in names_in(path) for one in (full, full.rpartition(".")[0])]
    return found


def test_trusted_side__modules():
    found = reached("mlci.cli.commands.sealed.gate", "mlci.cli.commands.sealed.open")
    assert sorted(name for name in found - ALLOWED if name.startswith(REFUSED)) == []
    assert found & LIBRARIES == set()
    assert {"mlci.sealed.archive", "mlci.operations.measure", "duckdb"} <= found


def test_trusted_side__modules_of_a_run():
    assert {"mlci.execution.process", "mlci.operations.models.rescore"} <= reached("mlci.cli.commands.run")


_STARTED = []


def _audit(event, arguments):
    if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"} and _STARTED:
        _STARTED.append(arguments[0])


def test_trusted_side__processes(scene):
    sys.addaudithook(_audit)
    _STARTED.append("armed")
    try:
        assert scene.gate(scene.train(sealed_files())).code == 0
        programs = {str(one).rpartition("/")[2] for one in _STARTED[1:]}
    finally:
        _STARTED.clear()
    assert programs <= {"git"}  # the fake's own, and the check that no registry came with a commit
