"""A scratch tree in which all actions and workflows lie where GitHub's tools look for them, documents' samples too."""

import re
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
OWN = "mlci/mlci"
WORKFLOWS = Path(".github/workflows")
TEMPLATES = "templates" / WORKFLOWS
"""Where templates lie in a tree: tools look for workflows in folders of this name only."""
_FENCED = re.compile(r"^( *)```yaml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
STEPS = """\
name: sample
on: [pull_request, merge_group]
permissions: {}
concurrency:
  group: ${{ github.workflow }}-${{ github.ref }}
  cancel-in-progress: true
jobs:
  sample:
    name: sample
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read # a list of steps says nothing about permissions
    steps:
"""


@dataclass(frozen=True)
class File:
    """An action or a workflow of the tree.

    Attributes:
        path: Where it lies in the tree.
        shown: Where it comes from.
    """

    path: Path
    shown: str

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @property
    def content(self) -> Any:
        return YAML(typ="safe").load(self.text)

    @property
    def is_action(self) -> bool:
        return self.path.name == "action.yml"

    @property
    def is_template(self) -> bool:
        return self.shown.startswith(f"{TEMPLATES}/")


def lay(source: Path, target: Path) -> None:
    """Copy what is checked from a checkout into an empty folder; templates and samples become workflows."""
    for name in ("action.yml", "README.md"):
        shutil.copy(source / name, target / name)
    for name in ("actions", ".github", "docs"):
        shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for script in source.glob("mlci/**/*.py"):
        if "uses: " in script.read_text("utf-8"):
            (target / script.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(script, target / script.relative_to(source))
    (target / WORKFLOWS).mkdir(exist_ok=True)
    shutil.copytree(source / "templates/workflows", target / TEMPLATES)
    for page in pages(source):
        for number, text in enumerate(samples(page.read_text("utf-8")), 1):
            (target / WORKFLOWS / f"sample-{page.stem}-{number}.yml").write_text(text, "utf-8")


def files(tree: Path) -> list[File]:
    """Return the actions and workflows of a tree."""
    workflows = [path for folder in (WORKFLOWS, TEMPLATES) for path in sorted((tree / folder).glob("*.yml"))]
    found = [tree / "action.yml", *sorted(tree.glob("actions/*/action.yml")), *workflows]
    return [File(path, path.relative_to(tree).as_posix()) for path in found]


def scripts(tree: Path) -> list[File]:
    """Return the code whose messages may hold lines to copy."""
    found = [*sorted(tree.glob("actions/lib/*.*")), *sorted(tree.glob("mlci/**/*.py"))]
    return [File(path, path.relative_to(tree).as_posix()) for path in found]


def pages(source: Path) -> list[Path]:
    """Return the documents that may show workflows."""
    return [source / "README.md", *sorted((source / "docs").rglob("*.md"))]


def samples(text: str) -> Iterator[str]:
    """Yield the workflows in a document; a list of steps alone is put into one."""
    for indent, block in _FENCED.findall(text):
        body = textwrap.dedent(block) if indent else block
        content = YAML(typ="safe").load(body)
        if isinstance(content, dict) and "jobs" in content:
            yield body
        elif isinstance(content, list) and all(map(_is_step, content)):
            yield STEPS + textwrap.indent(body, "      ")


def sample(page: Path, part: str) -> str:
    """Return the path in a tree of the only workflow in a document that holds a text."""
    [number] = [number for number, text in enumerate(samples(page.read_text("utf-8")), 1) if part in text]
    return f"{WORKFLOWS}/sample-{page.stem}-{number}.yml"


def _is_step(entry: object) -> bool:
    return isinstance(entry, dict) and bool({"uses", "run"} & set(entry))


def jobs(file: File) -> dict[str, Any]:
    """Return the jobs of a workflow; an action has none."""
    return {} if file.is_action else file.content["jobs"]


def steps(file: File) -> Iterator[dict[str, Any]]:
    """Yield every step of an action or a workflow."""
    if file.is_action:
        yield from file.content["runs"]["steps"]
    for job in jobs(file).values():
        yield from job.get("steps", [])
