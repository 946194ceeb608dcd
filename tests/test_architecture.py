import re
from pathlib import Path

import pytest

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


def test_architecture__every_package_is_in_the_picture():
    packages = {path.parent.name for path in (ROOT / "mlci").glob("*/__init__.py")}
    layers = section("Layers")
    assert {package for package in packages if not re.search(rf"\b{package}\b", layers)} == set()
