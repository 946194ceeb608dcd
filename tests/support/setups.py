"""Setups for `mlci doctor`: a repository with nothing to correct, and its facts."""

import functools
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from mlci.cli.commands.setting_up.doctor import collect_setup
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.workflows import WorkflowFile
from tests.support.repository import commit, init

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates" / "workflows"
GATE = ".github/workflows/mlci.yml"
CONFIG = """\
model: credit-risk
task: binary
evaluation:
  data: holdout.csv
  key: id
  label: y
  positive: 1
  slices: [region]
train:
  run: python train.py
  model: model.txt
predict:
  run: python predict.py
  decision: p
baseline: {ref: main}
registry: github
gates:
  - {metric: accuracy, min: 0.7, max_drop: 0.02}
  - {metric: recall, each: region, max_drop: 0.05}
"""
ROWS = "id,x,y,region\n" + "".join(f"{i},{i % 7},{i // 10 % 2},{('south', 'north')[i % 3 > 0]}\n" for i in range(600))
SINGLE_STAGES = (ROOT / "docs" / "how-to" / "workflows" / "run-single-stages.md").read_text("utf-8")


@functools.cache
def template(name: str = "mlci.yml") -> str:
    """Return the text of a workflow template."""
    return (TEMPLATES / name).read_text("utf-8")


def pin(name: str) -> str:
    """Return a pinned action of the templates."""
    found = re.search(
        rf"{name}@[0-9a-f]{{40}} # \S+", template() + template("mlci-reproduce.yml") + template("mlci-promote.yml")
    )
    assert found is not None, name
    return found[0]


def own(path: str) -> str:
    """Return a pinned action of mlci."""
    return pin("mlci/mlci").replace("mlci/mlci@", f"mlci/mlci/actions/{path}@")


def two_jobs() -> str:
    """Return a workflow whose jobs evaluate, and judge and publish."""
    head = template().partition("jobs:")[0]
    return f"""{head}jobs:
  evaluate:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    permissions:
      contents: read # to check the code out
    outputs:
      artifact: ${{{{ steps.upload.outputs.artifact-id }}}}
    steps:
      - uses: {pin("actions/checkout")}
        with:
          persist-credentials: false
          fetch-depth: 0
      - uses: {own("evaluate")}
      - id: upload
        uses: {pin("actions/upload-artifact")}
        with:
          name: measurements
          path: .mlci/out
          include-hidden-files: true
  gate:
    needs: evaluate
    if: always()
    runs-on: ubuntu-latest
    timeout-minutes: 10
    permissions:
      contents: read
      checks: write
      statuses: write
      pull-requests: write
    steps:
      - uses: {pin("actions/checkout")}
        with:
          persist-credentials: false
      - uses: {pin("actions/download-artifact")}
        with:
          artifact-ids: ${{{{ needs.evaluate.outputs.artifact }}}}
          path: .mlci/out
      - id: gate
        uses: {own("gate")}
      - if: always()
        uses: {own("publish")}
        with:
          code: ${{{{ steps.gate.outputs.code }}}}
"""


def stages_in_one_job() -> str:
    """Return the workflow of the page about single stages."""
    steps = SINGLE_STAGES.partition("```yaml\n")[2].partition("```")[0]
    head = template().partition("    steps:\n")[0]
    return head + "    steps:\n" + "".join(f"      {line}" for line in steps.splitlines(keepends=True))


def good_files(**workflows: str) -> dict[str, str]:
    """Return the files of a repository with nothing to correct; workflows by the stem of their names."""
    texts = {"mlci": template(), **workflows}
    return {
        "mlci.yml": CONFIG,
        "holdout.csv": ROWS,
        "train.py": "",
        "predict.py": "",
        "requirements.txt": "an-example==1.0\n",
        ".gitignore": ".mlci/\nmodel.txt\n",
        **{f".github/workflows/{name}.yml": text for name, text in texts.items()},
    }


def good_repository(folder: Path, **workflows: str) -> Path:
    """Commit a repository with nothing to correct."""
    init(folder)
    commit(folder, good_files(**workflows))
    return folder


@functools.cache
def good_facts() -> SetupFacts:
    """Return the facts of a repository with nothing to correct, collected once."""
    with tempfile.TemporaryDirectory() as folder:
        facts, _ = collect_setup(good_repository(Path(folder) / "good") / "mlci.yml", {})
        return facts


def with_workflow(text: str, path: str = GATE) -> SetupFacts:
    """Return the good facts with another workflow file in place of the gate's."""
    return replace(good_facts(), workflows=(WorkflowFile(path, text),))
