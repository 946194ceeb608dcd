"""`mlci init --sealed`: the two workflows, checked by `mlci doctor`, and setups that can't be sealed."""

import sys
from pathlib import Path

import pytest

from mlci.operations.doctor.workflows import WorkflowFile
from tests.support.project import holdout, mlci, predictions, write
from tests.support.repository import commit, git, init
from tests.support.training_repositories import SPLITS_INSIDE, loans

TRAIN, GATE = ".github/workflows/mlci-train.yml", ".github/workflows/mlci-gate.yml"
COMMANDS = ".github/workflows/mlci-commands.yml"
SCRIPT = f"open('predictions.csv', 'w').write({predictions(1)!r})\n"
FILES = {"train.py": SCRIPT, "holdout.csv": holdout(), "predictions.csv": predictions(1)}
OPTIONS = (
    "--sealed",
    "--yes",
    "--train",
    "python train.py",
    "--data",
    "holdout.csv",
    "--predictions",
    "predictions.csv",
)
OPTIONS += ("--label", "y", "--key", "id", "--decision", "p", "--slices", "")


def workflow(folder, path):
    found = WorkflowFile(path, (folder / path).read_text("utf-8"))
    assert found.nodes.error is None
    return found


def test_init_sealed__two_workflows_that_agree(tmp_path):
    commit(init(tmp_path), {**FILES, "requirements.txt": "pandas\n", ".python-version": "3.12\n"})
    ended = mlci("init", *OPTIONS, cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "note: registry-unread" in ended.out  # the registry is on GitHub, which needs a token
    assert "\n1 note\n" in ended.out  # and nothing else is to correct
    assert not (tmp_path / ".github/workflows/mlci.yml").exists()
    train, gate = workflow(tmp_path, TRAIN), workflow(tmp_path, GATE)
    assert gate.events["workflow_run"]["workflows"] == [train.data["name"]]
    assert 'python-version-file: ".python-version"' in train.text
    assert "pip install" not in gate.text
    assert "registry: github" in (tmp_path / "mlci.yml").read_text()
    assert list(workflow(tmp_path, COMMANDS).events) == ["issue_comment"]
    made = mlci("sealed", "predict", cwd=tmp_path, PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    assert made.code == 0, made.err
    assert "mlci sealed predict" in ended.out.splitlines()[-3]


def test_init_sealed__model_in_a_folder(tmp_path):
    commit(init(tmp_path), {**{f"models/churn/{name}": text for name, text in FILES.items()}, "README.md": ""})
    ended = mlci("init", *OPTIONS, cwd=tmp_path / "models/churn")
    assert ended.code == 0, ended.err
    train, gate = (workflow(tmp_path, path.replace(".yml", "-churn.yml")) for path in (TRAIN, GATE))
    assert gate.events["workflow_run"]["workflows"] == [train.data["name"]] == ["mlci train churn"]
    assert not (tmp_path / COMMANDS).exists()
    [job], [judging] = train.jobs, gate.jobs
    assert job.step_with("sealed-predict").inputs == {"working-directory": "models/churn"}
    assert judging.step_with("sealed-gate").inputs == {
        "working-directory": "models/churn",
        "train-workflow": train.path,
    }
    assert "\n1 note\n" in ended.out


def test_init_sealed__keeps_what_exists(tmp_path):
    commit(init(tmp_path), {**FILES, GATE: "name: mine\n"})
    ended = mlci("init", *OPTIONS, cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert f"kept     {GATE} exists; it is not overwritten" in ended.out
    assert git(tmp_path, "status", "--short", GATE) == ""


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"train.py": SPLITS_INSIDE, "data/loans.csv": loans(60)}, (), "training makes holdout.csv"),
        (
            {"fit.py": "", "metrics.json": '{"auc": 0.9}'},
            ("--metrics", "metrics.json"),
            "only a metrics file was found",
        ),
        (
            {**FILES, "holdout.csv": "x,y\n" + "1,0\n2,1\n" * 40, "predictions.csv": "p\n" + "0\n1\n" * 40},
            ("--train", "python train.py", "--data", "holdout.csv", "--label", "y", "--decision", "p"),
            "`mlci init --sealed --key id`",
        ),
    ],
)
def test_init_sealed__refused(tmp_path, files, options, message):
    commit(init(tmp_path), files)
    ended = mlci("init", "--sealed", "--yes", *options, cwd=tmp_path)
    assert (ended.code, (tmp_path / "mlci.yml").exists()) == (2, False)
    assert message in ended.err


def test_init_sealed__json(tmp_path):
    ended = mlci("init", *OPTIONS, "--json", cwd=write(tmp_path, FILES))
    assert ended.code == 0, ended.err
    assert TRAIN in ended.out
    assert not (tmp_path / "mlci.yml").exists()
