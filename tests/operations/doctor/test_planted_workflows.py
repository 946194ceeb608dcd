import re
from dataclasses import replace

import pytest

from mlci.config.read import load_text
from mlci.metrics import catalogue
from mlci.operations.doctor.doctor import check_setup
from mlci.operations.doctor.workflows import FOLDER, WorkflowFile
from tests.support.setups import (
    CONFIG,
    ROOT,
    TEMPLATES,
    good_facts,
    own,
    pin,
    stages_in_one_job,
    template,
    two_jobs,
    with_workflow,
)

PERMISSIONS = """\
    permissions:
      contents: read # to check the code out
      checks: write # to write the check
      statuses: write # to write the commit status of the same name
      pull-requests: write # to write the comment
"""
CONCURRENCY = """\
concurrency:
  group: ${{ github.workflow }}-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}
"""
ENVIRONMENT = "    timeout-minutes: 60\n    env:\n      KEY: ${{ secrets.WAREHOUSE }}\n"
CALL = "    uses: mlci/mlci/.github/workflows/model-ci.yml"
MATRIX = "    strategy:\n      matrix:\n        seed: [1, 2]\n"


def other_commit(use):
    """Change the first digit of the commit that an action is pinned to."""
    return re.sub("@(.)", lambda digit: "@1" if digit[1] == "0" else "@0", use)


def planted(name, old, new, *, of=None, also=()):
    return pytest.param(old, new, of, {name, *also}, id=f"{name}-{len(old) + len(new)}")


ONE = [
    planted("trigger-pull-request-missing", "  pull_request:\n", "  push:\n"),
    planted("trigger-merge-group-missing", "  merge_group:\n", ""),
    planted("trigger-path-filter", "  pull_request:\n", "  pull_request:\n    paths: [src/**]\n"),
    planted("trigger-path-filter", "  pull_request:\n", "  pull_request:\n    paths-ignore: ['**.md']\n"),
    planted("trigger-branch-filter", "  pull_request:\n", "  pull_request:\n    branches: [release/*]\n"),
    planted("trigger-branch-filter", "  pull_request:\n", "  pull_request:\n    branches-ignore: [main]\n"),
    planted("trigger-types", "  pull_request:\n", "  pull_request:\n    types: [opened]\n"),
    planted("permission-contents-missing", "      contents: read # to check the code out\n", ""),
    planted("permission-checks-missing", "      checks: write # to write the check\n", ""),
    planted("permission-checks-missing", "checks: write", "checks: read"),
    planted("permission-statuses-missing", "      statuses: write # to write the commit status of the same name\n", ""),
    planted("permission-pull-requests-missing", "      pull-requests: write # to write the comment\n", ""),
    planted("permission-too-wide", "contents: read", "contents: write"),
    planted("pin-action", pin("actions/setup-python"), "actions/setup-python@v6"),
    planted("pin-mlci", pin("mlci/mlci"), "mlci/mlci@main"),
    planted("concurrency-missing", CONCURRENCY, ""),
    planted("concurrency-shared", "${{ github.workflow }}-${{ github.ref }}", "mlci"),
    planted("timeout-missing", "    timeout-minutes: 60\n", ""),
    planted("checkout-shallow", "          fetch-depth: 0 # a baseline can be another commit\n", ""),
    planted("checkout-shallow", "fetch-depth: 0", "fetch-depth: 2"),
    planted("checkout-keeps-token", "          persist-credentials: false\n", ""),
    planted("checkout-missing", f"uses: {pin('actions/checkout')}", "run: echo"),
    planted("python-version-unquoted", '"3.13"', "3.10"),
    planted("requirements-missing", "requirements.txt", "requirements-train.txt"),
    planted("workflow-invalid", "jobs:\n", "jobs:\n  mlci: {}\n"),
    planted("workflow-missing", pin("mlci/mlci"), pin("actions/setup-python")),
    planted("workflow-config-missing", pin("mlci/mlci"), f"{pin('mlci/mlci')}\n        with: {{config: models/a.yml}}"),
    planted("verdict-ignored", "    timeout-minutes: 60\n", "    timeout-minutes: 60\n    continue-on-error: true\n"),
    planted("publish-missing", pin("mlci/mlci"), f"{pin('mlci/mlci')}\n        with:\n          publish: false"),
    planted("secret-beside-code", "    timeout-minutes: 60\n", ENVIRONMENT),
    planted("fork-target-base", "  pull_request:\n", "  pull_request_target:\n"),
    planted("permissions-unset", PERMISSIONS, "", of=template().replace("permissions: {}\n", "")),
]
STAGED = [
    planted("publish-skipped", "      - name: Publish\n        if: always()\n", "      - name: Publish\n"),
    planted("gate-step-missing", own("gate"), pin("actions/setup-python"), also={"handoff-upload-missing"}),
]
SPLIT = [
    planted("secrets-inherited", CALL, f"    secrets: inherit\n{CALL}"),
    planted("artifact-name-matrix", CALL, MATRIX + CALL),
]
TWO_JOBS = [
    planted("handoff-upload-missing", f"uses: {pin('actions/upload-artifact')}", "run: echo"),
    planted("handoff-hidden-files", "          include-hidden-files: true\n", ""),
    planted("handoff-download-missing", f"uses: {pin('actions/download-artifact')}", "run: echo"),
    planted("handoff-needs-missing", "    needs: evaluate\n", ""),
    planted("publish-skipped", "    if: always()\n", ""),
    planted("publish-missing", f"      - if: always()\n        uses: {own('publish')}", "      - run: echo"),
    planted("artifact-name-matrix", "    outputs:\n", f"{MATRIX}    outputs:\n"),
    planted("pin-mlci-mixed", own("gate"), other_commit(own("gate"))),
]
PROMOTE = [
    planted("concurrency-cancels-promotion", "cancel-in-progress: false", "cancel-in-progress: true"),
    planted("permission-contents-write-missing", "contents: write", "contents: read"),
]


def found(text):
    return {one.name for one in check_setup(with_workflow(text))}


def plant(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


def blocks():
    """Yield the workflows of README and guides; that of several models needs their configurations: test_models."""
    pages = sorted((ROOT / "docs" / "how-to").rglob("*.md"))
    for page in (ROOT / "README.md", *(page for page in pages if page.stem != "gate-several-models")):
        for block in re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            if "\njobs:\n" in block:
                yield pytest.param(block, id=page.stem)


@pytest.mark.parametrize("text", [template(), template("mlci-split.yml"), two_jobs(), stages_in_one_job(), *blocks()])
def test_check_setup__good_workflow(text):
    assert check_setup(with_workflow(text)) == []


def test_check_setup__all_templates():
    texts = {path.name: path.read_text("utf-8") for path in TEMPLATES.glob("*.yml")}
    one_job = {name: text for name, text in texts.items() if "/sealed-" not in text}  # the pair has a test of its own
    assert len(one_job) == len(texts) - 2
    workflows = tuple(WorkflowFile(f"{FOLDER}/{name}", text) for name, text in one_job.items())
    assert check_setup(replace(good_facts(), workflows=workflows)) == []


@pytest.mark.parametrize(("old", "new", "of", "names"), ONE)
def test_check_setup__planted(old, new, of, names):
    assert found(plant(of or template(), old, new)) == names


@pytest.mark.parametrize(("old", "new", "of", "names"), STAGED)
def test_check_setup__planted_in_stages(old, new, of, names):
    assert found(plant(of or stages_in_one_job(), old, new)) == names


@pytest.mark.parametrize(("old", "new", "of", "names"), SPLIT)
def test_check_setup__planted_in_called_workflow(old, new, of, names):
    assert found(plant(of or template("mlci-split.yml"), old, new)) == names


@pytest.mark.parametrize(("old", "new", "of", "names"), TWO_JOBS)
def test_check_setup__planted_in_two_jobs(old, new, of, names):
    assert found(plant(of or two_jobs(), old, new)) == names


@pytest.mark.parametrize(("old", "new", "of", "names"), PROMOTE)
def test_check_setup__planted_in_promotion(old, new, of, names):
    assert found(plant(of or template("mlci-promote.yml"), old, new)) >= names


@pytest.mark.parametrize("head", ["github.event.pull_request.head.sha", "github.head_ref"])
def test_check_setup__target_with_checkout_of_the_head(head):
    text = plant(template(), "  pull_request:\n", "  pull_request_target:\n")
    ref = f"          ref: ${{{{ {head} }}}}\n"
    text = plant(text, "          persist-credentials: false\n", f"          persist-credentials: false\n{ref}")
    assert found(text) == {"fork-target-checkout"}


def asked(text, line="  when: asked\n"):
    """Check a workflow beside a configuration whose training has to be asked for."""
    config = CONFIG.replace("  model: model.txt\n", f"  model: model.txt\n{line}")
    loaded = load_text(config, catalogue, path="mlci.yml")
    return {finding.name: finding for finding in check_setup(replace(with_workflow(text), loaded=loaded))}


def test_check_setup__training_on_request():
    assert asked(template("mlci-asked.yml")) == {}
    (finding,) = asked(template(), '  when: asked\n  label: "train me"\n').values()
    assert finding.name == "trigger-label-missing"
    assert "no workflow runs when the label `train me` is set" in finding.what
    assert "types: [opened, synchronize, reopened, labeled]" in finding.lines
    repaired = plant(
        template(), "  pull_request:\n", f"  pull_request:\n    {finding.lines.splitlines()[-1].strip()}\n"
    )
    assert asked(repaired) == {}
    assert asked(template(), "") == {}


def test_check_setup__a_job_for_each_stage():
    stages = (ROOT / "tests" / "e2e" / "workflows" / "stages.yml").read_text("utf-8")
    assert found(stages) == {
        "concurrency-missing",
        "handoff-hidden-files",
        "pin-mlci",
        "trigger-merge-group-missing",
    }
