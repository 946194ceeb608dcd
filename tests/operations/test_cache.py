"""The cache of baselines from a commit: trained once, and again if anything that affects the result changes."""

import shutil
from pathlib import Path

import pytest

from tests.support.project import BY_RUNNING, PYTHON, change, config, expected_change, files, holdout, repository, run
from tests.support.repository import commit, git


def train(folder, log, *more):
    """Run a repository; return what was trained, by the models' numbers, and the change."""
    log.unlink(missing_ok=True)
    ended = run(folder, *more, TRAINED=str(log))
    assert ended.report["gates"], ended.err
    return log.read_text().split(), change(ended)


@pytest.fixture(scope="module")
def trained_project(tmp_path_factory):
    """A repository whose baseline a first run trained, to be copied."""
    folder = tmp_path_factory.mktemp("cached")
    repository(folder / "repo", files(1), files(3))
    assert train(folder / "repo", folder / "log") == (["1", "3"], expected_change(1, 3))
    return folder / "repo"


@pytest.fixture
def project(trained_project, tmp_path):
    """Return a copy of that repository, and a function that runs it."""
    folder = Path(shutil.copytree(trained_project, tmp_path / "repo"))
    return folder, lambda *more: train(folder, tmp_path / "log", *more)


def test_run__cached_baseline_is_not_trained(project):
    _, trained = project
    assert trained() == (["3"], expected_change(1, 3))
    assert trained("--no-cache") == (["1", "3"], expected_change(1, 3))


def test_run__cached_baseline_for_a_better_candidate(project):
    folder, trained = project
    commit(folder, {"k.txt": "0"})
    assert trained() == (["0"], expected_change(1, 0))


def test_run__baseline_at_another_commit_is_trained(project):
    folder, trained = project
    git(folder, "checkout", "--quiet", "main")
    commit(folder, {"k.txt": "2"})
    git(folder, "checkout", "--quiet", "change")
    assert trained() == (["2", "3"], expected_change(2, 3))


def test_run__other_configuration_trains_the_baseline(project):
    folder, trained = project
    commit(folder, {"mlci.yml": config(baseline="{ref: main}", more="policy: {seed: 8}\n")})
    assert trained() == (["1", "3"], expected_change(1, 3))


def test_run__other_gates_use_the_cached_baseline(project):
    folder, trained = project
    commit(folder, {"mlci.yml": config(baseline="{ref: main}", more="  - {metric: recall, max_drop: 0.05}\n")})
    assert trained()[0] == ["3"]


def test_run__other_rows_train_the_baseline(project):
    folder, trained = project
    commit(folder, {"holdout.csv": holdout().replace("\n5,0,0\n", "\n5,0,1\n")})
    assert trained()[0] == ["1", "3"]


def test_run__other_order_of_keyed_rows_uses_the_cached_baseline(project):
    folder, trained = project
    head, *rows = holdout().splitlines()
    commit(folder, {"holdout.csv": "\n".join([head, *reversed(rows)]) + "\n"})
    assert trained() == (["3"], expected_change(1, 3))


def test_run__other_order_of_rows_without_a_key_trains_the_baseline(tmp_path):
    """Cached predictions of the old order, joined by position, would belong to other rows."""
    predict = """\
import csv, os
k = int(open(os.environ["MLCI_MODEL"]).read())
rows = list(csv.DictReader(open(os.environ["MLCI_DATA"])))
with open(os.environ["MLCI_PREDICTIONS"], "w") as out:
    out.write("p\\n" + "".join(f"{int(r['x']) ^ (int(r['d']) < k)}\\n" for r in rows))
"""
    lines = [f"{i % 10},{i // 10 % 2},{i // 10 % 2}" for i in range(100)]
    text = "\n".join(["d,x,y", *lines]) + "\n"

    def contents(k, text=text):
        return {
            **files(k),
            "mlci.yml": config(baseline="{ref: main}").replace("  key: id\n", ""),
            "predict.py": predict,
            "holdout.csv": text,
        }

    repository(tmp_path, contents(1), contents(3))
    assert change(run(tmp_path)) == expected_change(1, 3)
    head, *rows = text.splitlines()
    commit(tmp_path, {"holdout.csv": "\n".join([head, *sorted(rows)]) + "\n"})
    assert change(run(tmp_path)) == expected_change(1, 3)


def test_run__two_configurations_in_one_folder_do_not_share_baselines(tmp_path):
    """They train differently on main and are alike in the candidate."""
    one, other = (config(baseline="{ref: main}", predict=BY_RUNNING) for _ in range(2))
    harder = other.replace(f"{PYTHON} train.py", "echo 5 > k.txt; " + f"{PYTHON} train.py")
    before = {**files(1), "a.yml": one, "b.yml": harder}
    repository(tmp_path, before, {**before, "k.txt": "3", "b.yml": other})
    assert change(run(tmp_path, "--config", "a.yml")) == expected_change(1, 3)
    assert change(run(tmp_path, "--config", "b.yml")) == expected_change(5, 3)


def test_run__committed_cache_is_not_used(project):
    folder, trained = project
    git(folder, "add", "--force", ".mlci/cache")
    git(folder, "commit", "--quiet", "--message", "planted")
    assert trained() == (["1", "3"], expected_change(1, 3))
