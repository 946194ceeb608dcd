"""`mlci init` in repositories with several models: a configuration for each, and one workflow with a matrix."""

import json
import re
import shlex

import pytest

from mlci.operations.doctor.workflows import WorkflowFile
from mlci.operations.init.workflow import WORKFLOW, ModelJob, add_entry, matrix_text, plan_workflow
from tests.support.project import mlci, write
from tests.support.repository import commit, git, init
from tests.support.setups import ROOT, template
from tests.support.training_repositories import SPLITS_INSIDE, loans, saved

SOURCES = {"train.py": SPLITS_INSIDE, "data/loans.csv": loans(60)}


def folders(*names, sources=SOURCES) -> dict[str, str]:
    return {f"{folder}/{name}": text for folder in names for name, text in sources.items()}


def jobs(folder):
    (job,) = WorkflowFile(WORKFLOW, (folder / WORKFLOW).read_text()).jobs
    return job.data["strategy"]["matrix"]["include"]


def job(name, *, install="pip install x", python=None):
    return ModelJob(model=name, folder=name, install=install, python=python)


def test_init__several_models_at_the_top(tmp_path):
    """The whole journey: folders are found, set up and checked, run on their own, and undone."""
    own = folders("churn", "fraud", sources=saved())
    scripts = {f"{name}/train.py": SPLITS_INSIDE.replace("loans.csv", "test.csv") for name in ("churn", "fraud")}
    more = {"requirements.txt": "pandas\n", "fraud/requirements.txt": "scikit-learn\n"}
    commit(init(tmp_path), {**own, **scripts, **more, "churn/.python-version": "3.12\n", "notes.md": ""})
    ended = mlci("init", "--yes", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.out.count("warning: training-missing") == ended.out.count("\n1 warning\n") == 2  # saved predictions
    assert jobs(tmp_path) == [
        {"model": "churn", "folder": "churn", "python": "", "python-file": "churn/.python-version",
         "install": "python -m pip install --requirement requirements.txt"},
        {"model": "fraud", "folder": "fraud", "python": "3.13", "python-file": "",
         "install": "cd fraud && python -m pip install --requirement requirements.txt"},
    ]  # fmt: skip
    for name in ("churn", "fraud"):
        run = mlci("run", "--json", "--config", f"{name}/mlci.yml", cwd=tmp_path)
        assert (run.code, run.report["model"]) == (0, name), run.err
    undo = next(line for line in ended.out.splitlines() if line.startswith("Undo: "))
    for step in undo.removeprefix("Undo: ").split(" && "):
        kind, *words = step.split()
        assert kind == "rm", step
        for word in words:
            (tmp_path / word).unlink()
    assert git(tmp_path, "status", "--short") == ""


def test_init__each_folder_on_its_own(tmp_path):
    """A second model is added to the workflow of the first one, and undoing it leaves the first one's."""
    commit(init(tmp_path), folders("churn", "fraud"))
    assert mlci("init", "--yes", cwd=tmp_path / "churn").code == 0
    first = (tmp_path / WORKFLOW).read_text()
    ended = mlci("init", "--yes", cwd=tmp_path / "fraud")
    assert ended.code == 0, ended.err
    assert "Nothing to correct." in ended.out
    assert [entry["folder"] for entry in jobs(tmp_path)] == ["churn", "fraud"]
    undo = re.search(r"^Undo: rm mlci.yml .gitignore && (.*)$", ended.out, re.MULTILINE)[1].split(" && ")
    assert undo == ["git apply .mlci/init/undo.patch", "git -C .. apply fraud/.mlci/init/workflow.patch"]
    for step in undo:
        git(tmp_path / "fraud", *step.split()[1:])
    assert (tmp_path / WORKFLOW).read_text() == first
    assert (tmp_path / "fraud/train.py").read_text() == SPLITS_INSIDE
    assert mlci("init", "--yes", cwd=tmp_path / "fraud").code == 2  # its configuration exists


def test_plan_workflow__workflow_that_finds_models_by_itself():
    assert plan_workflow(template(), job("fraud"), template("mlci-models.yml")) is None


def test_init__folder_whose_name_needs_quotes(tmp_path):
    commit(init(tmp_path), {**folders("Bob's model"), "Bob's model/requirements.txt": "pandas\n"})
    ended = mlci("init", "--yes", "Bob's model", cwd=tmp_path)
    assert ended.code == 0, ended.err
    (entry,) = jobs(tmp_path)
    assert shlex.split(entry["install"])[:3] == ["cd", "Bob's model", "&&"]
    command = next(line for line in ended.out.splitlines() if line.startswith("Next: "))
    assert shlex.split(command)[-1] == "Bob's model/mlci.yml"


def test_init__names_that_no_other_model_has(tmp_path):
    commit(init(tmp_path), folders("a/model", "b/model"))
    for name in ("a/model", "b/model"):
        assert mlci("init", "--yes", name, cwd=tmp_path).code == 0
    assert [entry["model"] for entry in jobs(tmp_path)] == ["model", "b-model"]
    assert "\nmodel: b-model\n" in (tmp_path / "b/model/mlci.yml").read_text()
    write(tmp_path, folders("c"))
    ended = mlci("init", "--json", "--model", "model", cwd=tmp_path / "c")
    assert (ended.code, "--model model: a/model has a model of this name" in ended.err) == (2, True), ended.err


@pytest.mark.parametrize(
    "files",
    [
        {"churn/train.py": SPLITS_INSIDE, "fraud/train.py": SPLITS_INSIDE, "data/loans.csv": loans(60)},  # shared data
        {**folders("churn", "fraud"), "train.py": SPLITS_INSIDE.replace("data/", "churn/data/")},
        folders("model", "model/experiment"),
    ],
)
def test_init__folders_of_one_model(tmp_path, files):
    plan = json.loads(mlci("init", "--json", cwd=write(tmp_path, files)).out)
    assert plan["on_ramp"] == "script"


def test_init__options_are_about_one_model(tmp_path):
    commit(init(tmp_path), folders("churn", "fraud"))
    ended = mlci("init", "--yes", "churn", "fraud", "--label", "defaulted", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "`mlci init churn --label COLUMN`" in ended.err
    plans = json.loads(mlci("init", "--json", cwd=tmp_path).out)
    assert [plan["changes"][1]["new"] for plan in plans] == [True, False]


def test_workflow__documented():
    page = (ROOT / "docs" / "how-to" / "workflows" / "gate-several-models.md").read_text("utf-8")
    install = "python -m pip install --requirement requirements.txt"
    text = matrix_text(template(), [job(name, install=install) for name in ("tumour", "diabetes")])
    assert text.partition("\nname:")[2] in page


@pytest.mark.parametrize(
    "text",
    [
        template(),
        "on: push\njobs: {}\n",
        matrix_text(template(), [job("a")]).replace("        include: #", "        include: ${{ fromJSON('[]') }} #"),
        matrix_text(template(), [job("a")]).replace("working-directory: ${{ matrix.folder }}", "config: a/mlci.yml"),
        matrix_text(template(), [job("a")]).replace("install: pip install x", "install: >\n              pip install"),
    ],
)
def test_workflow__that_is_not_a_matrix_of_folders(text):
    """The workflow is left as it is, and the model gets one with a concurrency group of its own."""
    change = plan_workflow(template(), job("b"), text)
    assert (change.path, change.before) == (".github/workflows/mlci-b.yml", None)
    assert "\nname: mlci-b\n" in change.after


def test_workflow__entry_between_others_bytes():
    text = matrix_text(template(), [job("a"), job("b")]).replace("\n", "\r\n")
    after = add_entry(text, job("c", install='say "hi"', python="c/.python-version"))
    added = [line for line in after.splitlines(keepends=True) if line not in text.splitlines(keepends=True)]
    assert len(after.splitlines()) == len(text.splitlines()) + len(added)
    assert "".join(added).replace("\r\n", "\n") == (
        '          - model: c\n            folder: c\n'
        '            python: ""\n            python-file: c/.python-version\n'
        '            install: "say \\"hi\\""\n'
    )  # fmt: skip
    assert add_entry(after, job("c")) == after
