"""Changes that do not affect the model: no training, but training if in doubt."""

import json
import shutil

import pytest

from mlci.operations.models.relevant_changes import Relevance
from tests.support.project import files, holdout, mlci, predictions, repository, run
from tests.support.registry.lifecycle import promote_run
from tests.support.repository import commit, git, start_branch

README = {"README.md": "# Better words\n", "docs/guide/start.md": "Begin.\n"}


def count_trainings(folder) -> int:
    """Return how many trainings there were."""
    path = folder / "trained.log"
    return len(path.read_text().split()) if path.exists() else 0


@pytest.fixture(scope="module")
def promoted_project(tmp_path_factory):
    """Return a project whose main is in production, on a branch, to be copied."""
    folder = repository(tmp_path_factory.mktemp("promoted"), files(2, baseline="production"), {})
    assert promote_run(folder) == 1
    return folder


@pytest.fixture
def promoted(promoted_project, tmp_path):
    return shutil.copytree(promoted_project, tmp_path / "copy")


def test_run__documentation_only_against_production(tmp_path):
    repository(tmp_path, files(2, baseline="production", more="  - {metric: accuracy, min: 0.7}\n"), {})
    assert promote_run(tmp_path) == 1
    before = count_trainings(tmp_path)
    commit(tmp_path, README)
    ended = run(tmp_path, "--changed-since", "main")
    assert (ended.code, count_trainings(tmp_path)) == (0, before)
    report = ended.report
    assert report["unchanged_since"] == git(tmp_path, "rev-parse", "main").strip()
    assert report["candidate"]["commit"] == git(tmp_path, "rev-parse", "HEAD").strip()
    assert [(gate["outcome"], gate["candidate"]) for gate in report["gates"]] == [("passed", 0.8)] * 2
    text = (tmp_path / ".mlci/out/comment.md").read_text()
    assert "planted: nothing relevant changed" in text
    assert "nothing was trained, the numbers are the baseline's" in text
    assert not (tmp_path / ".mlci/out/bundle").exists()


def test_run__unchanged_champion_below_its_floor_blocks(promoted):
    git(promoted, "checkout", "--quiet", "main")
    commit(promoted, files(2, baseline="production", more="  - {metric: accuracy, min: 0.9}\n"))
    start_branch(promoted, "words")
    commit(promoted, README)
    ended = run(promoted, "--changed-since", "main")
    assert ended.code == 1  # the champion was made under another configuration, so that this is a full run
    assert ended.report["unchanged_since"] is None


def test_run__any_other_change_is_trained(promoted):
    before = count_trainings(promoted)
    commit(promoted, README | {"train.py": "# a comment\n" + files(2)["train.py"]})
    ended = run(promoted, "--changed-since", "main")
    assert count_trainings(promoted) > before
    assert ended.report["unchanged_since"] is None
    assert "train.py differs, so everything runs" in ended.err


def test_run__uncommitted_change_is_trained(promoted):
    before = count_trainings(promoted)
    commit(promoted, README)
    (promoted / "k.txt").write_text("3")
    assert run(promoted, "--changed-since", "main").report["unchanged_since"] is None
    assert count_trainings(promoted) > before


def test_run__everything_is_trained_without_the_option(promoted):
    before = count_trainings(promoted)
    commit(promoted, README)
    assert run(promoted).report["unchanged_since"] is None
    assert count_trainings(promoted) > before


def test_run__commit_not_in_the_clone_is_trained(promoted):
    before = count_trainings(promoted)
    commit(promoted, README)
    ended = run(promoted, "--changed-since", "f" * 40)
    assert ended.report["unchanged_since"] is None
    assert "no common commit is in this clone (`fetch-depth: 0`?), so training runs" in ended.err
    assert run(promoted, "--changed-since", "--output=x").report["unchanged_since"] is None
    assert count_trainings(promoted) > before


def test_run__champion_of_another_commit_is_trained(promoted):
    git(promoted, "checkout", "--quiet", "main")
    commit(promoted, {"k.txt": "1"})  # merged, and not promoted
    start_branch(promoted, "words")
    commit(promoted, README)
    assert run(promoted, "--changed-since", "main").report["unchanged_since"] is None


def test_run__moved_data_outside_of_the_repository_is_trained(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (tmp_path / "holdout.csv").write_text(holdout())
    given = files(2, baseline="production")
    given["mlci.yml"] = given["mlci.yml"].replace("holdout.csv", "../holdout.csv")
    del given["holdout.csv"]
    repository(folder, given, {})
    assert promote_run(folder) == 1
    commit(folder, README)
    assert run(folder, "--changed-since", "main").report["unchanged_since"] is not None
    (tmp_path / "holdout.csv").write_text(holdout(120))
    assert run(folder, "--changed-since", "main").report["unchanged_since"] is None


def test_run__documentation_only_against_a_file(tmp_path):
    project = files(3, baseline="{file: old.csv}", more="  - {metric: accuracy, min: 0.75}\n")
    repository(tmp_path, project | {"old.csv": predictions(2)}, README)
    ended = run(tmp_path, "--changed-since", "main")
    assert (ended.code, count_trainings(tmp_path), ended.report["verdict"]) == (0, 0, "pass")
    assert [(gate["baseline"], gate["candidate"]) for gate in ended.report["gates"]] == [(0.8, 0.8)] * 2


def test_run__documentation_only_against_a_reference(tmp_path):
    repository(tmp_path, files(2), README)
    ended = run(tmp_path, "--changed-since", "main")
    assert (ended.code, count_trainings(tmp_path), ended.report["verdict"]) == (0, 0, "pass")
    assert (ended.report["gates"], ended.report["metrics"]) == ([], [])
    summary = (tmp_path / ".mlci/out/summary.md").read_text()
    assert "nothing was evaluated" in summary
    assert "metrics files" not in summary
    assert "nothing relevant changed" in mlci("report", ".mlci/out/report.json", cwd=tmp_path).out


def test_run__changed_reference_is_trained(tmp_path):
    repository(tmp_path, files(2), README)
    git(tmp_path, "checkout", "--quiet", "main")
    commit(tmp_path, {"k.txt": "1"})
    git(tmp_path, "checkout", "--quiet", "change")
    assert run(tmp_path, "--changed-since", "main").report["unchanged_since"] is None


def test_run__paths_of_the_base_decide(tmp_path):
    narrow = files(2)
    narrow["mlci.yml"] += "paths: [train.py, predict.py, k.txt]\n"
    repository(tmp_path, narrow, {"notes.txt": "x"})
    assert run(tmp_path, "--changed-since", "main").report["unchanged_since"] is not None


def test_run__change_cannot_narrow_its_own_paths(tmp_path):
    changed = files(3)
    changed["mlci.yml"] += "paths: ['*.md']\n"
    repository(tmp_path, files(2), changed)
    ended = run(tmp_path, "--changed-since", "main")
    assert ended.report["unchanged_since"] is None
    assert ended.code == 1


def test_evaluate_and_gate__in_two_jobs(tmp_path):
    repository(tmp_path, files(2), README)
    assert mlci("evaluate", "--changed-since", "main", cwd=tmp_path).code == 0
    ended = mlci("gate", "--json", cwd=tmp_path)
    assert (ended.code, count_trainings(tmp_path)) == (0, 0)
    assert json.loads(ended.out)["unchanged_since"] == git(tmp_path, "rev-parse", "main").strip()


@pytest.mark.parametrize(
    ("patterns", "folder", "matter"),
    [
        (None, ".", ["src/a.py", "data/x.md", "docs/table.csv", "models/churn/mlci.yml", ".github/workflows/a.yml"]),
        (("src/**",), ".", ["src/a.py", ".github/workflows/a.yml"]),
        (("**", "../../src/a.py"), "models/churn", ["src/a.py", "models/churn/mlci.yml", ".github/workflows/a.yml"]),
        (("../../data",), "models/churn", ["data/x.md", ".github/workflows/a.yml"]),
        (("**/[ab].p?", "!src"), ".", [".github/workflows/a.yml"]),
        (("[z-a]", "[[:a:]]", "s[!x]c/*"), ".", ["src/a.py", ".github/workflows/a.yml"]),
    ],
)  # fmt: skip
def test_relevant__globs(patterns, folder, matter):
    changed = ["README.md", "docs/a/b.md", "docs/table.csv", "src/a.py", "data/x.md", "models/churn/mlci.yml"]
    changed += [".github/workflows/a.yml", ".github/ISSUE_TEMPLATE/bug.yml"]
    relevance = Relevance(patterns=patterns, folder=folder)
    assert set(filter(relevance.matters, changed)) == set(matter)
