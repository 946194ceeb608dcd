import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.support.project import mlci, small_files, write

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
IMPORT = re.compile(r"^ *from (tests[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)
JOURNEYS = {
    "A row of predictions, from CSV to comment": ("mlci/cli/commands/run.py", "mlci/report/comment.py"),
    "`max_drop: 0.01`, from YAML to exit code": ("mlci/config/yaml_tree.py", "mlci/cli/run_output.py"),
    "`mlci promote`": ("mlci/cli/commands/registry/promote.py", "mlci/cli/github_actions.py"),
}


def section(title):
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_architecture__names_files_that_exist():
    named = set(re.findall(r"`((?:mlci|tests)/[\w./]+)`", PAGE))
    assert len(named) > 50
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("title", JOURNEYS)
def test_architecture__journey(title):
    numbers, files = zip(*re.findall(r"^(\d+)\. `(mlci/[\w/]+\.py)`: \w", section(title), re.MULTILINE), strict=True)
    assert [int(number) for number in numbers] == list(range(1, len(files) + 1))
    assert (files[0], files[-1]) == JOURNEYS[title]
    assert len(set(files)) == len(files)


def test_architecture__row_passes_the_listed_files(tmp_path):
    """Run two prediction files in CSV with a gate on accuracy, and note the files whose functions are called."""
    files = re.findall(r"^\d+\. `(mlci/[\w/]+\.py)`", section(next(iter(JOURNEYS))), re.MULTILINE)
    folder, entered = write(tmp_path, small_files()), set()
    sys.setprofile(lambda frame, event, _: entered.add(frame.f_code.co_filename) if event == "call" else None)
    try:
        mlci("run", cwd=folder)
    finally:
        sys.setprofile(None)
    assert [file for file in files if str(ROOT / file) not in entered] == []
    assert len(files) <= 22


def test_architecture__every_package_is_in_the_picture():
    packages = {path.parent.name for path in (ROOT / "mlci").glob("*/__init__.py")}
    layers = section("Layers")
    assert {package for package in packages if not re.search(rf"\b{package}\b", layers)} == set()


@cache
def imports():
    """Return pairs of a file of the tests and what it imports from them."""
    found = []
    for path in (ROOT / "tests").rglob("*.py"):
        if {"node_modules", "written_by_73617a1"} & set(path.parts):  # the latter runs in a checkout of that commit
            continue
        for module, names in IMPORT.findall(path.read_text("utf-8")):
            found += [(path.relative_to(ROOT), f"{module}.{name}") for name in re.findall(r"\w+", names)]
    assert len(found) > 500
    return found


def test_tests__import_no_test_module():
    mutated = "tests/publish/test_guards.py"  # calls tests, to see that they fail
    found = [f"{path}: {name}" for path, name in imports() if re.search(r"\.(test_\w+|conftest)\b", name)]
    assert [one for one in found if not one.startswith(mutated)] == []


def test_tests__share_builders_through_support():
    rules = ("attacks", "actions")  # attacks on workflows play the checks of workflows
    found = [(path, name.split(".")[1]) for path, name in imports() if len(path.parts) > 2]
    found = [(path, name) for path, name in found if (path.parts[1], name) != rules]
    assert [one for one in found if one[1] not in {one[0].parts[1], "support", "fake_github"}] == []


def test_pyproject__lists_every_package():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"])
    packages = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "mlci").rglob("__init__.py")}
    assert listed == packages | {"mlci.templates"}
