"""Which models of a repository a change can affect, in real git repositories."""

import json

import pytest

from mlci.operations.doctor.matrix import fill
from mlci.operations.monorepo import plan as planning
from tests.support.project import mlci
from tests.support.repository import commit, git, init, start_branch
from tests.support.setups import template
from tests.support.workflow_commands import read_pairs

CONFIG = """\
model: {name}
task: binary
evaluation: {{data: holdout.csv, key: id, label: y, positive: 1}}
predict: {{file: candidate.csv, score: score}}
baseline: {{file: production.csv}}
gates:
  - {{metric: accuracy, min: 0.5}}
"""


def model(folder, *, name=None, paths=None):
    """Return the files of a model's folder."""
    config = CONFIG.format(name=name or folder.rpartition("/")[2]) + (f"paths: {json.dumps(paths)}\n" if paths else "")
    tables = {f"{folder}/{table}.csv": "id,y,score\n1,1,0.9\n" for table in ("holdout", "candidate", "production")}
    return {f"{folder}/mlci.yml": config, f"{folder}/train.py": "1\n", **tables}


def repository(folder, *models, **files):
    """Make a repository with models and other files, on a branch that starts at main."""
    commit(init(folder), {name: text for one in models for name, text in one.items()} | files)
    start_branch(folder, "topic")
    return folder


def planned(folder, *arguments, changed="main", **environment):
    """Return the plan that the command prints."""
    ended = mlci("models", "plan", "--json", "--changed", changed, *arguments, cwd=folder, **environment)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def affected(folder, *arguments, **more):
    return {one["model"]: one["reason"] for one in planned(folder, *arguments, **more)["affected"]}


def test_plan_affected__only_those_whose_files_changed(tmp_path):
    names = [f"m{number}" for number in range(50)]
    top = repository(tmp_path, *(model(f"models/{name}") for name in names), **{"README.md": "a\n", "docs/a.md": "a\n"})
    commit(top, {"models/m7/train.py": "2\n", "README.md": "b\n", "docs/a.md": "b\n"})
    plan = planned(top)
    assert plan["affected"] == [{"model": "m7", "folder": "models/m7", "reason": "models/m7/train.py differs"}]
    assert sorted([*plan["unaffected"], "m7"]) == sorted(names)
    assert plan["base"] == git(top, "rev-parse", "main")


def test_plan_affected__compared_with_the_merge_base(tmp_path):
    top = repository(tmp_path, model("a"), model("b"))
    commit(top, {"a/train.py": "2\n"})
    git(top, "checkout", "--quiet", "main")
    commit(top, {"b/train.py": "2\n"})
    git(top, "checkout", "--quiet", "topic")
    assert list(affected(top)) == ["a"]


def test_plan_affected__shared_code(tmp_path):
    """Without `paths`, files outside of all models' folders count for each; with `paths`, those that are named."""
    named = model("named", paths=["**", "../shared/**", "!../shared/*.md"])
    top = repository(tmp_path, model("any"), named, model("own", paths=["**"]), **{"shared/io.py": "1\n"})
    commit(top, {"shared/io.py": "2\n"})
    assert affected(top) == {"any": "shared/io.py differs", "named": "shared/io.py differs"}
    commit(top, {"shared/io.py": "1\n", "shared/a.md": "1\n"})
    assert list(affected(top)) == ["any"]


def test_plan_affected__configuration_that_would_hide_shared_code(tmp_path):
    """The folders of other models and `paths` are those of the base: a change cannot take itself out."""
    top = repository(tmp_path, model("a"), model("b", paths=["**", "../shared/**"]), **{"shared/io.py": "1\n"})
    commit(top, {**model("shared", name="c"), "b/mlci.yml": model("b", paths=["nothing/**"])["b/mlci.yml"]})
    commit(top, {"shared/io.py": "2\n"})
    assert set(affected(top)) == {"a", "b", "c"}


def test_plan_affected__nested_folders(tmp_path):
    """A folder inside of a model's folder is the model's, too."""
    top = repository(tmp_path, model("a"), model("a/inner", name="inner"), model("b"))
    commit(top, {"a/inner/train.py": "2\n"})
    assert set(affected(top)) == {"a", "inner"}


def test_plan_affected__configuration_with_errors_is_evaluated(tmp_path):
    top = repository(tmp_path, model("a"), model("b"))
    commit(top, {"a/mlci.yml": "model: a\ntask: binry\n"})
    assert affected(top)["a"].startswith("its configuration has errors: ")
    assert set(affected(top)) == {"a"}


def test_plan_affected__removed_and_renamed(tmp_path):
    top = repository(tmp_path, model("a"), model("b"))
    git(top, "rm", "-rq", "a")
    git(top, "mv", "b", "c")
    commit(top, {"c/train.py": "2\n"})
    plan = planned(top)
    assert (plan["removed"], [one["model"] for one in plan["affected"]]) == (["a/mlci.yml", "b/mlci.yml"], ["b"])


@pytest.mark.parametrize(("changed", "reason"), [("", "no commit to compare"), ("nowhere", "nowhere has no common")])
def test_plan_affected__nothing_to_compare_with(tmp_path, changed, reason):
    top = repository(tmp_path, model("a"), model("b"))
    found = affected(top, changed=changed)
    assert set(found) == {"a", "b"}
    assert all(one.startswith(reason) for one in found.values())


def test_plan_affected__some_folders(tmp_path):
    top = repository(tmp_path, model("x/a"), model("x/b"), model("y/c"))
    assert set(affected(top, "x", changed="")) == {"a", "b"}
    ended = mlci("models", "plan", "z", cwd=top)
    assert (ended.code, "git tracks no mlci.yml below 'z'" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            [model("a", name="same"), model("b", name="same")],
            "'a/mlci.yml', 'b/mlci.yml' have a model of the name `same`",
        ),
        ([model("a", name="models")], "which is the name of the overview's check, `mlci / models`"),
    ],
)
def test_plan_affected__names_that_clash(tmp_path, models, message):
    ended = mlci("models", "plan", cwd=repository(tmp_path, *models))
    assert ended.code == 2
    assert message in " ".join(ended.err.split())


def test_plan_affected__more_than_a_matrix_may_have(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "MOST_JOBS", 1)
    ended = mlci("models", "plan", cwd=repository(tmp_path, model("a"), model("b")))
    assert (ended.code, "at most 1 jobs of one matrix" in ended.err) == (2, True)


def test_plan_affected__outputs_for_the_template(tmp_path):
    """The matrix has every value that the template's job reads."""
    more = {"a/requirements.txt": "x\n", "b/.python-version": "3.12\n"}
    top, output = repository(tmp_path / "top", model("a"), model("b"), **more), tmp_path / "output"
    planned(top, changed="", GITHUB_OUTPUT=str(output))
    values = read_pairs(output)
    assert (values["any"], set(values)) == ("true", {"any", "matrix", "plan"})
    entries = json.loads(values["matrix"])["include"]
    assert entries == [
        {"model": "a", "folder": "a", "python": "3.13", "python-file": "",
         "install": "cd a && python -m pip install --requirement requirements.txt"},
        {"model": "b", "folder": "b", "python": "", "python-file": "b/.python-version", "install": ""},
    ]  # fmt: skip
    assert "${{ matrix" not in fill(template("mlci-models.yml"), entries[0])
