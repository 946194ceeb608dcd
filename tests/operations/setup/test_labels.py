"""`mlci setup`: labels that workflows read, against a fake of GitHub."""

import json

import pytest

from mlci.errors import OutsideError
from mlci.operations.doctor.workflows import LabelUse, WorkflowFile, find_labels
from mlci.operations.setup.labels import COLOUR, apply_label, plan_labels
from tests.fake_github.fake import Fake
from tests.support.github_settings import run_setup, settings_client, write_settings
from tests.support.project import files, write
from tests.support.setups import template

TRAIN = LabelUse("mlci:train", ("mlci.yml",))


@pytest.fixture
def fake(tmp_path):
    with Fake(tmp_path / "model.git") as made:
        yield made


def labels(fake):
    return {one["name"]: (one["color"], one["description"]) for one in write_settings(fake, "GET", "/labels", None)}


def gate(condition):
    return template().replace("    runs-on:", f"    if: {condition}\n    runs-on:", 1)


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("contains(github.event.pull_request.labels.*.name, 'mlci:train')", ["mlci:train"]),
        ("${{ github.event.label.name == 'GPU run' || 'b' == github.event.label.name }}", ["GPU run", "b"]),
        ("github.event.action != 'labeled' || github.event.label.name != 'a'", ["a"]),
        ("contains(github.event.pull_request.labels.*.name, matrix.label)", []),
        ("github.event.head.label == 'octo-org:main'", []),
    ],
)
def test_find_labels__conditions(condition, names):
    assert [one.name for one in find_labels([WorkflowFile(".github/workflows/mlci.yml", gate(condition))])] == names


def test_find_labels__workflow_without_mlci():
    text = gate("github.event.label.name == 'a'").replace("mlci/mlci@", "octo-org/other@")
    assert find_labels([WorkflowFile(".github/workflows/other.yml", text)]) == ()


def test_labels__created_and_corrected(fake):
    write_settings(fake, "POST", "/labels", {"name": "MLCI:Train", "color": "ff0000", "description": "Ours"})
    write_settings(fake, "POST", "/labels", {"name": "gpu", "color": "00ff00"})
    uses = [TRAIN, LabelUse("gpu", ("mlci.yml",)), LabelUse("large run", ("a.yml", "b.yml"))]
    found = plan_labels(settings_client(fake), uses)
    assert [one.changes for one in found] == [
        (f"colour #{COLOUR}, not #ff0000", "description 'Read by mlci.yml', not 'Ours'"),
        (),
        ("does not exist yet",),
    ]
    for plan in found:
        apply_label(settings_client(fake), plan)
    assert labels(fake) == {
        "MLCI:Train": (COLOUR, "Read by mlci.yml"),
        "gpu": ("00ff00", None),
        "large run": (COLOUR, "Read by a.yml, b.yml"),
    }


def test_labels__token_that_may_not_write_issues(fake):
    client = settings_client(fake, {"administration": "write", "issues": "read"})
    (plan,) = plan_labels(client, [TRAIN])
    with pytest.raises(OutsideError, match="the token lacks `issues: write`"):
        apply_label(client, plan)


def test_setup__label_of_the_workflow(fake, tmp_path):
    """Check, apply and check again; a label of the team that no workflow reads stays."""
    write_settings(fake, "POST", "/labels", {"name": "mlci:notes", "color": "0000ff", "description": "Team's"})
    text = gate("contains(github.event.pull_request.labels.*.name, 'mlci:train')")
    folder = write(tmp_path / "checkout", {**files(1), ".github/workflows/mlci.yml": text})
    drift = run_setup(fake, folder, "check")
    assert (drift.code, drift.out.splitlines()[-2:]) == (
        1,
        [
            "  ~ label mlci:train: does not exist yet",
            "`mlci setup apply` writes the ruleset mlci and the label mlci:train.",
        ],
    )
    assert run_setup(fake, folder, "apply").code == 0
    done = run_setup(fake, folder, "check")
    assert (done.code, done.out.splitlines()[-2:]) == (0, ["  = label mlci:train", "Nothing to change."])
    assert labels(fake)["mlci:notes"] == ("0000ff", "Team's")
    assert json.loads(run_setup(fake, folder, "plan", "--json").out)["labels"] == [
        {"name": "mlci:train", "exists": True, "changes": []}
    ]
