"""Planted defects of each kind in a copy of the tree: the matching check must fail.

Run by `make static`, not with the other tests: the parser needs Node.
"""

import pytest

from tests.actions import contracts, enumerations, gating, rules, sealed, tools
from tests.actions.__main__ import CHECKS
from tests.actions.tree import ROOT, TEMPLATES, WORKFLOWS, lay, sample, samples

TEMPLATE = f"{TEMPLATES}/mlci.yml"
PROMOTE = f"{TEMPLATES}/mlci-promote.yml"
REPRODUCE = f"{TEMPLATES}/mlci-reproduce.yml"
VERIFY = f"{TEMPLATES}/mlci-verify.yml"
SPLIT = f"{TEMPLATES}/mlci-split.yml"
STAGES = sample(ROOT / "docs/how-to/workflows/run-single-stages.md", "mlci/mlci/actions/publish@")
TRAIN, GATE = f"{TEMPLATES}/mlci-train.yml", f"{TEMPLATES}/mlci-gate.yml"
COMMANDS, AUDITOR = f"{TEMPLATES}/mlci-commands.yml", ".github/zizmor.yml"
MODEL_CI = f"{WORKFLOWS}/model-ci.yml"
SAMPLE = f"{WORKFLOWS}/sample-README-1.yml"
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
ECHO = 'run: exec "$MLCI" train --config="$CONFIG"'
MAIN = "\n  pull_request:\n"


@pytest.fixture
def tree(tmp_path):
    lay(ROOT, tmp_path)
    return tmp_path


def plant(tree, name, old, new):
    path = tree / name
    text = path.read_text("utf-8")
    assert text.count(old) >= 1, f"{name} has no {old!r}"
    path.write_text(text.replace(old, new), "utf-8")


DEFECTS = {
    "an expression in a script": (tools.zizmor, "actions/train/action.yml", ECHO, 'run: echo "${{ inputs.config }}"'),
    "an expression in a script, by our rule": (
        rules.expressions,
        "actions/train/action.yml",
        ECHO,
        'run: echo "${{ inputs.config }}"',
    ),
    "a dangerous trigger": (tools.zizmor, TEMPLATE, MAIN, "\n  pull_request_target:\n"),
    "an action by its tag": (tools.zizmor, SAMPLE, CHECKOUT, "actions/checkout@v7"),
    "an action by its tag, by the list": (rules.pins, SAMPLE, CHECKOUT, "actions/checkout@v7"),
    "an action by its tag, in a message": (
        rules.pins,
        "actions/lib/install.sh",
        "@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
        "@v7",
    ),
    "an action by its tag, in a message of the command": (
        rules.pins,
        "mlci/git/refs.py",
        CHECKOUT,
        "actions/checkout@v7",
    ),
    "another version beside a pin": (rules.pins, TEMPLATE, CHECKOUT, CHECKOUT.replace("v7.0.1", "v7.0.2")),
    "an action of a third party": (rules.pins, TEMPLATE, "actions/setup-python@", "someone/setup-python@"),
    "kept credentials": (tools.zizmor, TEMPLATE, "persist-credentials: false", "persist-credentials: true"),
    "an action that does not exist": (
        rules.pins,
        "docs/how-to/workflows/run-single-stages.md",
        "mlci/mlci/actions/gate@",
        "mlci/mlci/actions/gait@",
    ),
    "an own action that does not exist": (rules.pins, MODEL_CI, "$/actions/evaluate", "$/actions/evaluation"),
    "no time-out": (tools.schemas, TEMPLATE, "    timeout-minutes: 60\n", ""),
    "an unknown key in a workflow": (tools.schemas, TEMPLATE, "    runs-on:", "    run-on: x\n    runs-on:"),
    "an unknown key in an action": (
        tools.schemas,
        "action.yml",
        "  using: composite",
        "  using: composite\n  stages: 1",
    ),
    "an unknown key, for GitHub": (tools.parser, TEMPLATE, "    runs-on:", "    run-on: x\n    runs-on:"),
    "an unknown context": (tools.parser, TEMPLATE, "github.event_name", "githb.event_name"),
    "a broken expression": (
        tools.parser,
        "action.yml",
        "steps.install.outcome == 'success'",
        "steps.install.outcome ==",
    ),
    "an input of another's action": (tools.parser, TEMPLATE, "fetch-depth: 0", "fetch-dept: 0"),
    "a shell error": (tools.shellcheck, "actions/lib/verdict.sh", '"$@"', "$@"),
    "a shell error in a step": (tools.shellcheck, "actions/train/action.yml", '"$CONFIG"', "$CONFIG"),
    "nothing at the top about permissions": (rules.permissions, TEMPLATE, "permissions: {}\n", ""),
    "a permission without its reason": (rules.permissions, TEMPLATE, " # to write the check\n", "\n"),
    "no concurrency": (
        tools.zizmor,
        TEMPLATE,
        "concurrency:\n  group: ${{ github.workflow }}-${{ github.ref }}\n",
        "env:\n  A: b\n",
    ),
    "a training where contents can be written": (
        rules.writers,
        PROMOTE,
        "contents: read # to check the code out, and to read the registry",
        "contents: write # to check the code out, and to read the registry",
    ),
    "a training where the record can be written": (
        rules.writers,
        REPRODUCE,
        "contents: read # to check the code out, and to read the registry",
        "contents: write # to check the code out, and to read the registry",
    ),
    "a training in the job that records": (
        rules.writers,
        REPRODUCE,
        "reproduce --record .mlci/out/reproduction.json",
        "reproduce --record .mlci/out/reproduction.json && python train.py",
    ),
    "a write permission without its reason": (
        rules.permissions,
        PROMOTE,
        " # to write the registry: its branch `mlci/<model>` and its releases",
        "",
    ),
    "a queue that is cancelled": (tools.parser, PROMOTE, "cancel-in-progress: false", "cancel-in-progress: true"),
    "a bash of today": (rules.portable, "actions/lib/verdict.sh", "set -u", "mapfile -t x"),
    "a flag of GNU": (rules.portable, "actions/lib/install.sh", "set -u", "sed -i s/a/b/ x"),
    "what outlives a step": (rules.portable, "actions/lib/install.sh", "set -u", 'echo a=b >>"$GITHUB_ENV"'),
    "an action inside of an action": (
        rules.expressions,
        "actions/gate/action.yml",
        "\n    - name: Judge",
        "\n    - name: x\n      uses: $/actions/setup\n\n    - name: Judge",
    ),
    "a variable that no step sets": (
        contracts.variables,
        "actions/train/action.yml",
        "        CONFIG:",
        "        CONFG:",
    ),
    "a token where nothing is published": (
        contracts.variables,
        "actions/train/action.yml",
        "        CONFIG: ${{ inputs.config }}",
        "        CONFIG: ${{ inputs.config }}\n        MLCI_TOKEN: ${{ github.token }}",
    ),
    "an undeclared input": (contracts.inputs, "actions/train/action.yml", "inputs.config", "inputs.confg"),
    "an input that nothing reads": (
        contracts.inputs,
        "action.yml",
        "\noutputs:",
        "  more:\n    description: x\n\noutputs:",
    ),
    "a misspelt input of mlci's action": (contracts.inputs, MODEL_CI, "          out: ", "          output: "),
    "a misspelt output": (contracts.outputs, "action.yml", "outputs.comment-url", "outputs.comment_url"),
    "a misspelt output of a promotion": (
        contracts.outputs,
        "actions/promote/action.yml",
        "steps.promote.outputs.promoted",
        "steps.promote.outputs.promote",
    ),
    "an option that a roll-back does not have": (
        contracts.commands,
        "actions/rollback/action.yml",
        "--reason=",
        "--because=",
    ),
    "an input that a roll-back does not have": (
        contracts.inputs,
        f"{TEMPLATES}/mlci-rollback.yml",
        "          reason: ",
        "          because: ",
    ),
    "a misspelt output of a job": (
        contracts.outputs,
        MODEL_CI,
        "jobs.gate.outputs.verdict",
        "jobs.gate.outputs.verdit",
    ),
    "an option that mlci does not have": (contracts.commands, "actions/train/action.yml", "--config=", "--conf="),
    "an option that a command of a group does not have": (contracts.commands, VERIFY, "--files", "--contents"),
    "a command that a group does not have": (contracts.commands, VERIFY, " verify --files", " audit --files"),
    "a command that mlci does not have": (contracts.commands, "actions/train/action.yml", '" train ', '" fit '),
    "a table that is stale": (contracts.documents, "actions/gate/action.yml", "Path of report.json,", "Path of it,"),
    "a commit that is older than an action": (
        rules.history,
        ".github/pins.json",
        '"mlci/mlci": {',
        '"mlci/mlci": {"sha": "72cd722c06b41b302b5737e85eb95c939f779a35", "was": {}}, "x": {',
    ),
    "a commit that does not exist": (
        rules.history,
        ".github/pins.json",
        '"mlci/mlci": {',
        '"mlci/mlci": {"sha": "f00", "was": {}}, "x": {',
    ),
    "a gate without the merge queue": (gating.triggers, SAMPLE, "  merge_group:\n", ""),
    "a gate that starts for new pull requests only": (
        gating.triggers,
        TEMPLATE,
        MAIN,
        "\n  pull_request:\n    types: [opened]\n",
    ),
    "a path filter on a required check": (
        gating.triggers,
        TEMPLATE,
        MAIN,
        "\n  pull_request:\n    paths: ['src/**']\n",
    ),
    "a required job that may be skipped": (
        gating.triggers,
        SPLIT,
        "    name: model\n",
        "    name: model\n    if: github.actor != 'dependabot[bot]'\n",
    ),
    "a model that may be skipped without an overview": (
        gating.triggers,
        f"{TEMPLATES}/mlci-models.yml",
        "    if: always() # a model that failed is reported, too\n",
        "",
    ),
    "a check that can't be written": (gating.grants, TEMPLATE, "checks: write", "checks: read"),
    "a comment that can't be written": (gating.grants, SPLIT, "pull-requests: write", "pull-requests: read"),
    "a registry that can't be written": (gating.grants, PROMOTE, "contents: write", "contents: read"),
    "all permissions at once": (
        gating.grants,
        VERIFY,
        "    permissions:\n      contents: read",
        "    permissions: write-all\n    env:\n      contents: read",
    ),
    "a checkout of one commit": (gating.checkouts, TEMPLATE, "fetch-depth: 0", "fetch-depth: 1"),
    "a checkout of one commit, by default": (
        gating.checkouts,
        MODEL_CI,
        "          fetch-depth: 0",
        "          lfs: true",
    ),
    "a verdict that may fail": (
        gating.verdicts,
        "action.yml",
        "    - name: Verdict\n",
        "    - name: Verdict\n      continue-on-error: true\n",
    ),
    "a publishing step that may fail": (
        gating.verdicts,
        MODEL_CI,
        "      - name: Publish\n",
        "      - name: Publish\n        continue-on-error: true\n",
    ),
    "publishing on success only": (
        gating.verdicts,
        "action.yml",
        "always() && inputs.publish == 'true'",
        "inputs.publish == 'true'",
    ),
    "publishing on success only, in a sample": (gating.verdicts, STAGES, "        if: always()\n", ""),
    "publishing on success only, in a job that needs others": (
        gating.verdicts,
        MODEL_CI,
        "    if: always() # a failed",
        "    if: success() # a failed",
    ),
    "a verdict on success only": (
        gating.verdicts,
        "action.yml",
        "name: Verdict\n      if: always() && steps.install.outcome == 'success'",
        "name: Verdict\n      if: steps.install.outcome == 'success'",
    ),
    "a right beside strangers' code": (
        sealed.train_has_nothing,
        TRAIN,
        "      contents: read # to check the code out\n",
        "      contents: read # to check the code out\n      actions: write # to save a cache of packages\n",
    ),
    "a secret beside strangers' code": (
        sealed.train_has_nothing,
        TRAIN,
        "        run: python -m pip",
        "        env:\n          TOKEN: ${{ secrets.TOKEN }}\n        run: python -m pip",
    ),
    "strangers' code on a trigger with rights": (
        sealed.train_has_nothing,
        TRAIN,
        "  pull_request:\n",
        "  pull_request_target:\n",
    ),
    "a required check that a filter leaves pending": (
        sealed.train_has_nothing,
        TRAIN,
        "  pull_request:\n",
        "  pull_request:\n    paths: [train.py]\n",
    ),
    "a cache in the half that trains": (
        sealed.train_has_nothing,
        TRAIN,
        '          python-version: "3.13"',
        '          python-version: "3.13"\n          cache: pip',
    ),
    "a pull request's checkout in the gate": (
        sealed.gate_meets_no_code,
        GATE,
        "          persist-credentials: false",
        "          persist-credentials: false\n          ref: ${{ github.event.workflow_run.head_sha }}",
    ),
    "a step of its own in the gate": (
        sealed.gate_meets_no_code,
        GATE,
        "      - name: mlci\n",
        "      - name: Packages\n        run: pip install --requirement requirements.txt\n      - name: mlci\n",
    ),
    "a gate that can't read the run": (
        sealed.gate_meets_no_code,
        GATE,
        "      actions: read # to verify the run that trained, and to download its predictions\n",
        "",
    ),
    "a gate that may be skipped": (
        sealed.gate_meets_no_code,
        GATE,
        "    name: gate\n",
        "    name: gate\n    if: github.event.workflow_run.conclusion == 'success'\n",
    ),
    "a gate that a pull request starts": (
        sealed.gate_meets_no_code,
        GATE,
        "  workflow_run:\n",
        "  pull_request_target:\n  workflow_run:\n",
    ),
    "a gate that is cancelled midway": (
        sealed.gate_meets_no_code,
        GATE,
        "cancel-in-progress: false",
        "cancel-in-progress: true",
    ),
    "a gate that never opens its check": (
        sealed.gate_meets_no_code,
        GATE,
        "types: [requested, completed]",
        "types: [completed]",
    ),
    "a gate that waits for another name": (sealed.names_agree, TRAIN, "name: mlci train\n", "name: train\n"),
    "a finding that is ignored elsewhere": (
        sealed.ignores,
        PROMOTE,
        "  queue: max",
        "  queue: max # zizmor: ignore[concurrency-limits] waits",
    ),
    "an ignored trigger without its reason": (
        sealed.ignores,
        AUDITOR,
        " # workflow_run: runs nothing of the pull request, and reads its predictions as data",
        "",
    ),
    "another ignored file": (sealed.ignores, AUDITOR, "    ignore:\n", "    ignore:\n      - mlci.yml\n"),
    "another ignored audit": (sealed.ignores, AUDITOR, "rules:\n", "rules:\n  unpinned-uses: {disable: true}\n"),
    "commands beside another step": (
        sealed.ignores,
        COMMANDS,
        "      - name: mlci\n",
        "      - run: make\n      - name: mlci\n",
    ),
    "another trigger of a gate, for the auditor": (
        tools.zizmor,
        GATE,
        "  workflow_run:\n",
        "  pull_request_target:\n  workflow_run:\n",
    ),
    "another trigger of commands, for the auditor": (
        tools.zizmor,
        COMMANDS,
        "  issue_comment:\n",
        "  workflow_run: {workflows: [x]}\n  issue_comment:\n",
    ),
    "a wider token for commands, for the auditor": (
        tools.zizmor,
        COMMANDS,
        "persist-credentials: false",
        "persist-credentials: true",
    ),
    "an auditor without its configuration": (tools.zizmor, AUDITOR, "dangerous-triggers", "unpinned-uses"),
    "an exit code that is swallowed": (
        gating.verdicts,
        "actions/evaluate/action.yml",
        'fetch --config="$CONFIG"',
        'fetch --config="$CONFIG" || true',
    ),
    "captured exit codes that nothing fails on": (
        gating.verdicts,
        "actions/gate/action.yml",
        "verdict.sh",
        "captured.sh",
    ),
    "an empty concurrency group": (
        gating.concurrency,
        TEMPLATE,
        "group: ${{ github.workflow }}-${{ github.ref }}",
        'group: ""',
    ),
    "a concurrency group of the whole repository": (
        gating.concurrency,
        PROMOTE,
        "group: ${{ github.workflow }}",
        "group: promote",
    ),
    "a concurrency group of all pull requests": (
        gating.concurrency,
        TEMPLATE,
        "group: ${{ github.workflow }}-${{ github.ref }}",
        "group: ${{ github.workflow }}",
    ),
    "an outcome that does not exist": (
        enumerations.words,
        "action.yml",
        "steps.install.outcome == 'success'",
        "steps.install.outcome == 'succeeded'",
    ),
    "a result that does not exist": (
        enumerations.words,
        MODEL_CI,
        "needs.evaluate.result == 'success'",
        "needs.evaluate.result == 'passed'",
    ),
    "an event that does not start the workflow": (
        enumerations.words,
        TEMPLATE,
        "github.event_name == 'pull_request'",
        "github.event_name == 'pull-request'",
    ),
    "an input compared with a boolean": (
        enumerations.booleans,
        "action.yml",
        "inputs.publish == 'true'",
        "inputs.publish == true",
    ),
    "an output compared with a boolean": (
        enumerations.booleans,
        "action.yml",
        "steps.fetch.outputs.code == '0'",
        "steps.fetch.outputs.code == true",
    ),
    "a text that is true whatever it is": (
        enumerations.booleans,
        "actions/publish/action.yml",
        "if: inputs.open == 'true'",
        "if: inputs.open",
    ),
    "a flag that is neither true nor false": (
        enumerations.booleans,
        PROMOTE,
        'bundle: "true"',
        'bundle: "yes"',
    ),
    "a runner that does not exist": (enumerations.labels, TEMPLATE, "ubuntu-latest", "ubuntu-lastest"),
    "a script that does not exist": (
        enumerations.existing_scripts,
        "action.yml",
        "actions/lib/verdict.sh",
        "actions/lib/verdicts.sh",
    ),
    "a script beside another that does not exist": (
        enumerations.existing_scripts,
        "actions/lib/install.sh",
        "$lib/install.py",
        "$lib/instal.py",
    ),
    "a command on standard output": (
        enumerations.runner_commands,
        "actions/lib/captured.sh",
        'printf \'code=%s\\n\' "$code" >>"$GITHUB_OUTPUT"',
        'echo "::set-output name=code::$code"',
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_checks__find_their_planted_defect(tree, name):
    check, place, old, new = DEFECTS[name]
    assert check(tree) == []
    plant(tree, place, old, new)
    assert check(tree) != []


def test_checks__each_has_a_defect():
    assert {check for check, *_ in DEFECTS.values()} == set(CHECKS)


def test_samples__workflows_and_steps():
    page = "```yaml\nmodel: m\n```\n```yaml\n- uses: a/b@c\n```\n```yaml\non: push\njobs: {}\n```\n"
    steps, workflow = samples(page)
    assert "    steps:\n      - uses: a/b@c\n" in steps
    assert workflow == "on: push\njobs: {}\n"
