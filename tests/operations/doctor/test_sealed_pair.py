"""Planted defects in the pair of sealed mode."""

import re
from dataclasses import replace

import pytest

from mlci.config.read import load_text
from mlci.metrics import catalogue
from mlci.operations.doctor.doctor import check_setup
from mlci.operations.doctor.workflows import FOLDER, WorkflowFile
from tests.support.project import BY_FILE, holdout, mlci, write
from tests.support.project import config as project_config
from tests.support.setups import CONFIG, good_facts, pin, template

TRAIN, GATE = "mlci-train.yml", "mlci-gate.yml"
PERSIST = "          persist-credentials: false\n"


SEALED = CONFIG.replace("{ref: main}", "production")


def found(*, config=SEALED, **changed):
    """Return the findings about a pair, some of whose files are changed or left out."""
    texts = {TRAIN: template(TRAIN), GATE: template(GATE), **{f"mlci-{k}.yml": text for k, text in changed.items()}}
    workflows = tuple(WorkflowFile(f"{FOLDER}/{name}", text) for name, text in texts.items() if text)
    loaded = load_text(config, catalogue, path="mlci.yml")
    return check_setup(replace(good_facts(), workflows=workflows, loaded=loaded))


def names(**changed):
    return {one.name for one in found(**changed)}


def plant(name, old, new):
    text = template(name)
    assert old in text
    return text.replace(old, new, 1)


def test_sealed_pair__templates():
    assert found() == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sealed-train-rights", "      contents: read", "      id-token: write # why not\n      contents: read"),
        ("sealed-train-rights", "      contents: read", "      contents: write"),
        (
            "sealed-train-secret",
            "        run: python -m pip",
            "        env: {T: '${{ secrets.T }}'}\n        run: python",
        ),
        *(
            ("sealed-train-secret", "    steps:\n", f"    env:\n      TOKEN: ${{{{ {read} }}}}\n    steps:\n")
            for read in (
                "github.token",
                "github['token']",
                "GitHub.Token",
                "toJSON(github)",
                "github[matrix.name]",
                "secrets['AWS']",
                "Secrets.AWS",
                "toJSON(secrets)",
                "secrets.*",
            )
        ),
        ("sealed-names-differ", "name: mlci train\n", "name: train\n"),
        ("checkout-keeps-token", PERSIST, ""),
        ("trigger-merge-group-missing", "  merge_group:\n", ""),
        ("trigger-path-filter", "  pull_request:\n", "  pull_request:\n    paths: [src/**]\n"),
        ("trigger-pull-request-missing", "  pull_request:\n", "  push:\n"),
        ("fork-target-base", "  pull_request:\n", "  pull_request_target:\n"),
    ],
)
def test_sealed_pair__planted_in_training(name, old, new):
    assert name in names(train=plant(TRAIN, old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sealed-gate-trigger", "  workflow_run:\n", "  pull_request_target:\n  workflow_run:\n"),
        ("sealed-gate-types", "types: [requested, completed]", "types: [completed]"),
        ("sealed-names-differ", "workflows: [mlci train]", "workflows: [mlci]"),
        (
            "sealed-gate-step",
            "      - name: mlci\n",
            "      - run: pip install -r requirements.txt\n      - name: mlci\n",
        ),
        ("sealed-gate-cancelled", "cancel-in-progress: false", "cancel-in-progress: true"),
        ("permission-actions-missing", "      actions: read #", "      # actions: read #"),
        ("permission-pull-requests-missing", "      pull-requests: write #", "      # pull-requests: write #"),
        (
            "fork-target-checkout",
            PERSIST,
            f"{PERSIST}          ref: ${{{{ github.event.workflow_run.head_sha }}}}\n",
        ),
    ],
)
def test_sealed_pair__planted_in_gate(name, old, new):
    assert names(gate=plant(GATE, old, new)) == {name}


def test_sealed_pair__refused_settings():
    more = "  - {metric: train_seconds, max: 60}\ntests: {run: pytest}\n"
    refused = [one for one in found(config=CONFIG + more) if one.name == "sealed-refused"]
    assert [one.line for one in refused] == [15, 20, 21]
    assert "a baseline by `ref` has to be trained" in refused[0].what
    assert refused[0].lines == "write `baseline: production`, or `baseline: none`"


@pytest.mark.parametrize(
    ("environment", "key", "severity", "lines"),
    [
        (False, False, "error", ["environment: mlci-gate", "label-key: ${{ secrets.MLCI_LABEL_KEY }}"]),
        (False, True, "warning", ["environment: mlci-gate"]),
        (True, False, "error", ["label-key: ${{ secrets.MLCI_LABEL_KEY }}"]),
        (True, True, None, []),
    ],
)
def test_sealed_pair__label_key(environment, key, severity, lines):
    text = template(GATE).rstrip("\n") + ("\n        with:\n          label-key: ${{ secrets.K }}\n" if key else "\n")
    text = text.replace("    name: gate\n", "    name: gate\n    environment: mlci-gate\n") if environment else text
    sealed = re.sub(r"( *)data: .*\n", r"\1data: holdout.csv\n\1labels: l.sealed\n", SEALED, count=1)
    assert "l.sealed" in sealed
    ended = [one for one in found(config=sealed, gate=text) if one.name == "sealed-label-key"]
    assert [one.severity for one in ended] == [severity][: len(lines)]
    assert all(line in ended[0].lines for line in lines)


def test_closed_labels__note(tmp_path):
    folder = write(tmp_path / "p", {"mlci.yml": project_config(baseline="none", **BY_FILE), "holdout.csv": holdout()})
    assert mlci("seal", "--key", tmp_path / "key", cwd=folder).code == 0
    names = "data: holdout_features.csv\n  labels: holdout_labels.sealed"
    (folder / "mlci.yml").write_text((folder / "mlci.yml").read_text().replace("data: holdout.csv", names))
    findings = {one["name"]: one["severity"] for one in mlci("doctor", "--json", cwd=folder).report["findings"]}
    assert (findings["sealed-labels-closed"], "data-invalid" in findings) == ("note", False)
    opened = mlci("doctor", "--json", cwd=folder, MLCI_LABEL_KEY=(tmp_path / "key").read_text()).report["findings"]
    assert not {"sealed-labels-closed", "data-invalid"} & {one["name"] for one in opened}


def test_sealed_pair__one_half():
    assert names(gate="") == {"sealed-gate-missing"}
    assert names(train="") >= {"sealed-train-missing"}


def test_sealed_pair__another_path():
    [one] = found(train="", other=template(TRAIN))
    assert (one.name, one.lines) == ("sealed-train-path", f"with:\n  train-workflow: {FOLDER}/mlci-other.yml")


def test_sealed_pair__called_workflows():
    call = pin("mlci/mlci").replace("mlci/mlci@", "mlci/mlci/.github/workflows/sealed-{}.yml@")
    called = {}
    for name, half in ((TRAIN, "train"), (GATE, "gate")):
        text = template(name)
        start, steps = text.index("    runs-on:"), text.index("    steps:\n")
        rest = text[start:steps].partition("    permissions:\n")
        called[half] = f"{text[:start]}    permissions:\n{rest[2]}    uses: {call.format(half)}\n"
    assert found(**called) == []
    assert names(train=called["train"] + "    secrets: inherit\n", gate=called["gate"]) == {
        "sealed-train-secret",
        "secrets-inherited",
    }
