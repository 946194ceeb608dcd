"""Repository hygiene: defects that a change could bring into actions and workflows, in a small copy of the tree."""

import json
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mlci.errors import InputError
from tests.actions import gating, rules, tools
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene

SHA = "3d3c42e5aac5ba805825da76410c181273ba90b1"
WORKFLOW = f"""\
name: mlci
on:
  pull_request:
  merge_group:
permissions: {{}}
concurrency:
  group: ${{{{ github.workflow }}}}-${{{{ github.ref }}}}
jobs:
  model:
    name: model
    runs-on: ubuntu-latest
    timeout-minutes: 60
    permissions:
      contents: read # to check the code out
      checks: write # to write the check
      statuses: write # to write the commit status
      pull-requests: write # to write the comment
    steps:
      - name: Check out
        uses: actions/checkout@{SHA} # v7.0.1
        with:
          persist-credentials: false
          fetch-depth: 0
      - name: Say
        env:
          TITLE: ${{{{ github.event.pull_request.title }}}}
        run: echo "$TITLE"
      - name: mlci
        uses: mlci/mlci@{SHA} # v0.1.0
"""
ACTION = """\
name: mlci
description: Evaluate
runs:
  using: composite
  steps:
    - name: Run
      shell: bash
      env:
        CONFIG: ${{ inputs.config }}
      run: exec "$MLCI" run --config="$CONFIG"
"""
Rule = Callable[[Path], list[str]]


def _tree(scene: Scene, workflow: str, action: str = ACTION) -> Path:
    pins = {
        name: {"sha": SHA, "version": version}
        for name, version in {"actions/checkout": "v7.0.1", "mlci/mlci": "v0.1.0"}.items()
    }
    scene.plant(".github/pins.json", json.dumps(pins))
    scene.plant(".github/workflows/mlci.yml", workflow)
    scene.plant("action.yml", action)
    scene.plant("README.md", "x")
    (scene.work / "actions").mkdir(exist_ok=True)
    (scene.work / "docs").mkdir(exist_ok=True)
    return scene.work


def _planted(scene: Scene, *, rule: str, old: str, new: str, action: bool = False) -> None:
    """The rule finds nothing in the small tree, and then the defect."""
    assert old in (ACTION if action else WORKFLOW), old
    assert _rule(rule)(_tree(scene, WORKFLOW)) == []
    files = {"action": ACTION.replace(old, new)} if action else {"workflow": WORKFLOW.replace(old, new)}
    tree = _tree(scene, **{"workflow": WORKFLOW, **files})

    def judge() -> None:
        if found := _rule(rule)(tree):
            raise InputError(*found)

    scene.call(judge)


def _rule(name: str) -> Rule:
    module, _, function = name.partition(".")
    return getattr({"rules": rules, "gating": gating, "tools": tools}[module], function)


def _tool(scene: Scene) -> None:
    """The strictest auditor of workflows finds a trigger that gives a fork's code a token that can write."""
    tree = _tree(scene, WORKFLOW.replace("  pull_request:\n", "  pull_request_target:\n"))

    def judge() -> None:
        if found := _rule("tools.zizmor")(tree):
            raise InputError("\n".join(found))

    scene.call(judge)


STEP = textwrap.indent("- name: More\n  run: python train.py\n", "      ")
ATTACKS = (
    Attack("expression in a script", "no expressions in scripts", partial(_planted, rule="rules.expressions", old='echo "$TITLE"', new='echo "${{ github.event.pull_request.title }}"'), "expression inside"),
    Attack("expression in an action's script", "no expressions in scripts", partial(_planted, rule="rules.expressions", old='--config="$CONFIG"', new='--config="${{ inputs.config }}"', action=True), "expression inside"),
    Attack("action by its tag", "pinned actions", partial(_planted, rule="rules.pins", old=f"actions/checkout@{SHA} # v7.0.1", new="actions/checkout@v7"), "has to be @"),
    Attack("action of a stranger", "pinned actions", partial(_planted, rule="rules.pins", old="actions/checkout@", new="stranger/checkout@"), "not in .github/pins.json"),
    Attack("pin with another version beside it", "pinned actions", partial(_planted, rule="rules.pins", old="v7.0.1", new="v7.0.2"), "has to be @"),
    Attack("action of the caller's checkout", "pinned actions", partial(_planted, rule="rules.pins", old=f"mlci/mlci@{SHA} # v0.1.0", new="./"), "caller's checkout"),
    Attack("permissions for every job", "no permissions at the top", partial(_planted, rule="rules.permissions", old="permissions: {}", new="permissions: write-all"), "is missing at the top"),
    Attack("permission without a reason", "no permissions at the top", partial(_planted, rule="rules.permissions", old="contents: read # to check the code out", new="contents: read"), "say what for"),
    Attack("job that writes contents and trains", "writers run no code", partial(_planted, rule="rules.writers", old="contents: read # to check the code out", new="contents: write # to promote it"), "may run anything"),
    Attack("variable for later steps", "nothing outlives a step", partial(_planted, rule="rules.portable", old='exec "$MLCI"', new='echo "X=1" >> "$GITHUB_ENV"; "$MLCI"', action=True), "outlives the step"),
    Attack("required check with a path filter", "check that always runs", partial(_planted, rule="gating.triggers", old="  pull_request:\n", new="  pull_request: {paths: [src]}\n"), "leaves a required check pending"),
    Attack("gate that may be skipped", "check that always runs", partial(_planted, rule="gating.triggers", old="    name: model\n", new="    name: model\n    if: github.actor != 'x'\n"), "counts as success"),
    Attack("gate without the merge queue", "check that always runs", partial(_planted, rule="gating.triggers", old="  merge_group:\n", new=""), "no `merge_group`"),
    Attack("exit code that is swallowed", "exit codes that count", partial(_planted, rule="gating.verdicts", old='--config="$CONFIG"', new='--config="$CONFIG" || true', action=True), "swallows"),
    Attack("trigger with a token for forks", "auditor of workflows", _tool, "dangerous-triggers|pull_request_target"),
)  # fmt: skip
