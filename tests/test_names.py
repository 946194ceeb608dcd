import ast
import functools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mlci"
SHARED = {
    "command": "click's entry point of each command module",
    "recognises": "interface of a format of evaluation logs",
    "read": "interface of a format of evaluation logs",
    "read_texts": "interface of a format of evaluation logs",
    "main": "entry point of a module that runs as a program",
}
MOST_FILES = 16


def definitions(path: Path) -> Iterator[str]:
    """Public functions and classes of a module, also those inside a top-level `if` or `try`; overloads count once."""
    pending = list(ast.parse(path.read_text("utf-8")).body)
    seen = set()
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not node.name.startswith("_") and node.name not in seen:
                seen.add(node.name)
                yield node.name
        elif isinstance(node, ast.If | ast.Try | ast.With):
            pending += [child for child in ast.walk(node) if child is not node and isinstance(child, ast.stmt)]


@functools.cache
def shared_names(root: Path) -> list[str]:
    """Names that more than one module defines, each with its modules."""
    modules = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        for name in definitions(path):
            modules[name].append(path.relative_to(root).as_posix())
    return [f"{name}: {', '.join(found)}" for name, found in sorted(modules.items()) if len(found) > 1]


def full_folders(root: Path) -> list[str]:
    """Folders with more Python files beside `__init__.py` than a reader takes in at a glance."""
    sizes = defaultdict(int)
    for path in root.rglob("*.py"):
        sizes[path.parent] += path.name != "__init__.py"
    return [f"{folder.relative_to(root.parent)}: {size}" for folder, size in sorted(sizes.items()) if size > MOST_FILES]


def test_public_names__one_module_each():
    assert [line for line in shared_names(PACKAGE) if line.partition(":")[0] not in SHARED] == []


@pytest.mark.parametrize("name", SHARED)
def test_public_names__exception_is_needed(name):
    assert any(line.startswith(f"{name}: ") for line in shared_names(PACKAGE))


def test_public_names__planted(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.py").write_text(
        "def read(): ...\ndef _private(): ...\nclass Plan:\n    def run(self): ...\n", "utf-8"
    )
    (tmp_path / "inner" / "b.py").write_text(
        "if True:\n    async def read(): ...\ndef _private(): ...\ndef run(): ...\nclass Plan: ...\n", "utf-8"
    )
    assert shared_names(tmp_path) == ["Plan: a.py, inner/b.py", "read: a.py, inner/b.py"]


def test_folder_size__package():
    assert full_folders(PACKAGE) == []


def test_folder_size__one_file_too_many(tmp_path):
    root = tmp_path / "package"
    root.mkdir()
    for number in range(MOST_FILES):
        (root / f"m{number}.py").touch()
    (root / "__init__.py").touch()
    assert full_folders(root) == []
    (root / "more.py").touch()
    assert full_folders(root) == ["package: 17"]
