import re
import sys
from pathlib import Path

import pytest

from tests.operations.project import mlci, write
from tests.operations.test_stages import small_files

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
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
