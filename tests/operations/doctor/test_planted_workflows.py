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


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ("secrets['AWS']", "the secret `AWS`"),
        ("Secrets.AWS", "the secret `AWS`"),
        ("format('{0}', secrets.aws)", "the secret `AWS`"),
        ("secrets[matrix.name]", "all secrets"),
        ("toJSON(secrets)", "all secrets"),
        ("secrets.GITHUB_TOKEN", None),
        ("'secrets.AWS'", None),
        ("vars.AWS", None),
    ],
)
def test_check_setup__secret_however_it_is_written(secret, what):
    environment = f"    timeout-minutes: 60\n    env:\n      KEY: ${{{{ {secret} }}}}\n"
    findings = check_setup(with_workflow(plant(template(), "    timeout-minutes: 60\n", environment)))
    assert [one.what for one in findings] == ([f"`KEY` puts {what} beside the code of pull requests."] if what else [])


def conditional(condition, of=None):
    return plant(of or template(), "    runs-on:", f"    if: {condition}\n    runs-on:")


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("false", {"gate-never-runs"}),
        ("${{ false }}", {"gate-never-runs"}),
        ("github.event_name == 'push'", {"gate-never-runs"}),
        ("${{ github['event_name'] == 'PUSH' && github.actor != 'a' }}", {"gate-never-runs"}),
        ("github.ref == 'refs/heads/main'", {"gate-never-runs"}),
        ("startsWith(github.ref, 'refs/heads/main')", {"gate-never-runs"}),
        ("failure()", {"gate-never-runs"}),
        ("github.event_name == 'pull_request'", {"gate-skips-queue"}),
        ("github.event_name != 'push'", set()),
        ("always()", set()),
        ("${{ !cancelled() }}", set()),
        ("github.actor != 'dependabot[bot]'", set()),
        ("github.event.pull_request.draft == false", set()),
        ('contains(fromJSON(\'["pull_request", "merge_group"]\'), github.event_name)', set()),
        ("vars.GATE == 'on' || github.event_name == 'merge_group'", set()),
        ("${{ a", set()),
    ],
)
def test_check_gate_runs__condition(condition, names):
    assert found(conditional(f'"{condition}"' if '"' not in condition else condition)) == names
    step = f"uses: {pin('mlci/mlci')}"
    if '"' not in condition:
        open_names = {"gate-may-skip"} if re.search("actor|draft|vars", condition) and not names else names
        assert found(plant(template(), step, f"if: {condition}\n        {step}")) == open_names


def test_check_gate_runs__one_finding_a_line():
    assert len(check_setup(with_workflow(conditional("false")))) == 1


def test_check_gate_runs__jobs_of_a_configuration():
    stopped = found(plant(two_jobs(), "  evaluate:\n", "  evaluate:\n    if: false\n"))
    assert stopped == {"gate-never-runs"}
    assert found(plant(two_jobs(), "    if: always()\n", "    if: false\n")) >= {"gate-never-runs"}
    text = template()
    other = text.partition("jobs:\n")[2].replace("  mlci:\n", "  other:\n", 1)
    assert found(conditional("github.event_name == 'push'") + other) == set()


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("steps.changed.outputs.model == 'true'", {"gate-may-skip"}),
        ("hashFiles('mlci.yml') != ''", {"gate-may-skip"}),
        ("contains(fromJSON('[1]'), github.event_name)", set()),
        ("github.event_name == 'pull_request' || github.event_name == 'merge_group'", set()),
    ],
)
def test_check_gate_may_skip__step(condition, names):
    step = f"uses: {pin('mlci/mlci')}"
    assert found(plant(template(), step, f"if: {condition}\n        {step}")) == names


def test_check_gate_may_skip__reported_by_the_step_that_publishes():
    step = f"      - uses: {own('evaluate')}\n"
    when = "      - if: steps.changed.outputs.model == 'true'\n        uses: "
    assert found(plant(two_jobs(), step, step.replace("      - uses: ", when))) == set()
    published = f"      - if: always()\n        uses: {own('publish')}\n"
    skipped = published.replace("always()", "always() && github.actor != 'a'")
    assert found(plant(two_jobs(), published, skipped)) == {"gate-may-skip"}


NEEDED = "  first:\n    if: github.event_name == 'push'\n    runs-on: ubuntu-latest\n    steps: [{run: echo}]\n"


@pytest.mark.parametrize(
    ("lines", "jobs", "names"),
    [
        ("    needs: [ghost]\n", "", {"needs-unknown"}),
        ("    needs: ghost\n", "", {"needs-unknown"}),
        ("    needs: first\n", NEEDED, {"gate-never-runs"}),
        ("    needs: first\n    if: always()\n", NEEDED, set()),
        ("    needs: First\n", NEEDED.replace("push", "pull_request"), {"gate-skips-queue"}),
        ("    needs: first\n", NEEDED.replace("== 'push'", "!= 'push'"), set()),
    ],
)
def test_check_needed_jobs__planted(lines, jobs, names):
    text = plant(template(), "    runs-on:", f"{lines}    runs-on:")
    assert found(text.rstrip("\n") + "\n" + jobs) == names


def test_check_setup__gate_that_can_not_work():
    assert found(plant(template(), "    timeout-minutes: 60\n", "    timeout-minutes: 0\n")) == {"timeout-zero"}
    destroyed = "  merge_group:\n    types: [destroyed]\n"
    assert found(plant(template(), "  merge_group:\n", destroyed)) == {"trigger-types"}
    branch = "  merge_group:\n    branches: [release/*]\n"
    assert found(plant(template(), "  merge_group:\n", branch)) == {"trigger-branch-filter"}
    checkout = f"uses: {pin('actions/checkout')}"
    assert found(plant(template(), checkout, f"if: false\n        {checkout}")) == {"checkout-missing"}
    head, _, steps = template().partition("    steps:\n")
    assert "checkout-missing" in found(f"{head}    steps:\n      - uses: {pin('mlci/mlci')}\n{steps}")


@pytest.mark.parametrize(
    "flag", ["${{ true }}", "'true'", "${{ github.event_name == 'pull_request' }}", "${{ always() }}"]
)
def test_check_verdict_counts__expression(flag):
    line = "    timeout-minutes: 60\n"
    assert found(plant(template(), line, f"{line}    continue-on-error: {flag}\n")) == {"verdict-ignored"}


@pytest.mark.parametrize(
    "flag", ["false", "'false'", "${{ false }}", "${{ github.event_name == 'push' }}", "${{ failure() }}"]
)
def test_check_verdict_counts__verdict_that_counts(flag):
    line = "    timeout-minutes: 60\n"
    assert found(plant(template(), line, f"{line}    continue-on-error: {flag}\n")) == set()


def test_check_setup__owner_and_name_in_capitals():
    text = re.sub(r"uses: ([\w-]+/[\w-]+)", lambda use: f"uses: {use[1].upper()}", template())
    assert "MLCI/MLCI@" in text
    assert "ACTIONS/CHECKOUT@" in text
    assert found(text) == set()


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
