"""`mlci setup`: labels that workflows read, against a fake of GitHub."""

import json

import pytest

from mlci.errors import OutsideError
from mlci.operations.doctor.label_conditions import find_labels
from mlci.operations.doctor.workflows import WorkflowFile
from mlci.operations.setup.labels import COLOUR, LabelUse, apply_label, plan_labels
from tests.fake_github.fake import Fake
from tests.support.github_settings import run_setup, settings_client, write_settings
from tests.support.project import files, write
from tests.support.setups import template

TRAIN = LabelUse("mlci:train", "Read by mlci.yml")


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
        ("GitHub.Event.Label.Name == 'it''s'", ["it's"]),
        ("github.event['label'].name == 'a' && !(github.event.label.name != 'b')", ["a", "b"]),
        ("contains(join(github.event.pull_request.labels.*.name, ','), 'x')", []),
        ("github.actor == 'a' # github.event.label.name == 'b'", []),
        ("startsWith(github.event.label.name, 'a') && env.LABEL == 'b'", []),
    ],
)
def test_find_labels__conditions(condition, names):
    assert list(find_labels([WorkflowFile(".github/workflows/mlci.yml", gate(condition))])) == names


def test_find_labels__workflow_without_mlci():
    text = gate("github.event.label.name == 'a'").replace("mlci/mlci@", "octo-org/other@")
    assert find_labels([WorkflowFile(".github/workflows/other.yml", text)]) == {}


def test_labels__created_and_corrected(fake):
    write_settings(fake, "POST", "/labels", {"name": "MLCI:Train", "color": "ff0000", "description": "Ours"})
    write_settings(fake, "POST", "/labels", {"name": "gpu", "color": "00ff00"})
    uses = [TRAIN, LabelUse("gpu", "Read by mlci.yml"), LabelUse("large run", "Read by a.yml")]
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
        "large run": (COLOUR, "Read by a.yml"),
    }


def test_labels__token_that_may_not_write_issues(fake):
    client = settings_client(fake, {"administration": "write", "issues": "read"})
    (plan,) = plan_labels(client, [TRAIN])
    with pytest.raises(OutsideError, match="the token lacks `issues: write`"):
        apply_label(client, plan)


def asked(label=""):
    model = files(1)
    return {**model, "mlci.yml": model["mlci.yml"].replace("train:\n", f"train:\n  when: asked\n{label}", 1)}


@pytest.mark.parametrize(
    ("model", "workflow", "expected"),
    [
        (files(1), "mlci.yml", {}),
        (files(1), "mlci-asked.yml", {}),  # names the label in a comment only
        (asked(), "mlci-asked.yml", {"mlci:train": (COLOUR, "Asks mlci to train the model of a pull request")}),
        (asked("  label: gpu\n"), "mlci.yml", {"gpu": ("00ff00", "Ours")}),
    ],
    ids=["none", "template", "configuration", "team's"],
)
def test_setup__labels_of_templates_and_configurations(fake, tmp_path, model, workflow, expected):
    """Check, apply and check again; labels of the team that nothing reads stay."""
    others = {"mlci:notes": ("0000ff", "Team's"), "gpu": ("00ff00", "Ours")}
    for name, (colour, text) in others.items():
        write_settings(fake, "POST", "/labels", {"name": name, "color": colour, "description": text})
    folder = write(tmp_path / "checkout", {**model, f".github/workflows/{workflow}": template(workflow)})
    missing = [name for name in expected if name not in others]
    drift = run_setup(fake, folder, "check")
    assert drift.code == 1
    assert [line for line in drift.out.splitlines() if "does not exist yet" in line] == [
        f"  ~ label {name}: does not exist yet" for name in missing
    ]
    assert run_setup(fake, folder, "apply").code == 0
    assert labels(fake) == others | expected
    done = run_setup(fake, folder, "check", "--json")
    document = json.loads(done.out)
    assert (done.code, document["labels"]) == (0, [{"name": name, "exists": True, "changes": []} for name in expected])
