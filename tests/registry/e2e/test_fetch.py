"""`mlci fetch` and `mlci run --fetched`: the run uses neither network nor token, and accepts one copy only."""

import json
import shutil

import pytest

from tests.fake_github import seeding
from tests.fake_github.fake import Fake
from tests.support import training
from tests.support.project import change, expected_change, holdout, mlci, write
from tests.support.registry.lifecycle import count_trainings, files, promote_run, repository
from tests.support.repository import commit
from tests.support.workflow_commands import read_pairs

IN_THE_REPOSITORY = "registry: github\n"
MOST_REQUESTS = 40


@pytest.fixture
def github(tmp_path):
    """A GitHub, and the variables by which it is reached."""
    seeding.repository(tmp_path / "model.git")
    with Fake(tmp_path / "model.git") as fake:
        yield fake


def variables(fake, **permissions):
    token = fake.token(permissions=permissions)
    return {"GITHUB_API_URL": fake.url, "GITHUB_REPOSITORY": fake.name, "GITHUB_TOKEN": token}


def fetch(project, fake, tmp_path):
    """Fetch with a token that can only read the contents; return the digest as a later step gets it."""
    outputs = tmp_path / "outputs.txt"
    outputs.write_text("")
    done = mlci("fetch", cwd=project, GITHUB_OUTPUT=str(outputs), **variables(fake, contents="read"))
    assert done.code == 0, done.err
    found = read_pairs(outputs)
    assert found["model"] == "planted"
    return found["fetched"]


def offline(project, digest):
    """Run without any variable that leads to the network."""
    return mlci("run", "--json", "--fetched", digest, cwd=project)


def champion(folder, fake, k):
    """A project with a champion in the repository's own registry."""
    project = repository(folder, k, more=IN_THE_REPOSITORY)
    assert promote_run(project, **variables(fake, contents="write")) == 1
    return project


def test_fetched_run__compares_with_the_champion(tmp_path, github):
    project = champion(tmp_path / "project", github, 3)
    commit(project, {"k.txt": "1"})
    digest = fetch(project, github, tmp_path)
    asked = len(github.requests)
    ended = offline(project, digest)
    assert change(ended) == expected_change(3, 1)
    assert ended.report["baseline"]["version"] == "1"
    assert len(github.requests) == asked


def test_fetched_run__before_the_first_promotion(tmp_path, github):
    project = repository(tmp_path / "project", 3, more=IN_THE_REPOSITORY)
    ended = offline(project, fetch(project, github, tmp_path))
    assert ended.code == 0, ended.err
    assert ended.report["gates"][0]["outcome"] == "no_baseline"


def test_fetched_run__moved_rows_scored_by_the_champions_model(tmp_path, github):
    project = champion(tmp_path / "project", github, 3)
    commit(project, {"holdout.csv": holdout(60, first=500), "k.txt": "1"})
    before = count_trainings(project)
    ended = offline(project, fetch(project, github, tmp_path))
    assert change(ended)[2] == pytest.approx(0.2), ended.err
    assert any("its own model scored the new rows" in note for note in ended.report["notes"])
    assert count_trainings(project) == before + 1


def test_fetch__copies_recorded_retrainings(tmp_path, github):
    gate = "  - {metric: balanced_accuracy, max_drop: 0.2, noise: retraining}\n"
    project = repository(tmp_path / "project", 3, more=gate + IN_THE_REPOSITORY)
    first = mlci("run", cwd=project, **variables(github, contents="write"))
    assert first.code == 0, first.err
    assert mlci("promote", cwd=project, **variables(github, contents="write")).code == 0
    assert mlci("reproduce", "-k", 2, cwd=project, **variables(github, contents="write")).code == 0
    commit(project, {"k.txt": "1"})
    ended = offline(project, fetch(project, github, tmp_path))
    assert ended.report, ended.err
    reasons = [row["reason"] for row in ended.report["gates"] if row["reason"]]
    assert len(reasons) == 1
    assert reasons[0].startswith("version 1 was retrained 2 times, and a spread takes 3")


def rewrite_index(folder):
    """The index with another entry in it, well formed."""
    path = folder / "copy.json"
    index = json.loads(path.read_text())
    index["tail"], index["entries"], index["witness"] = 0, {}, None
    path.write_text(json.dumps(index))


def other_file(folder):
    for path in (folder / "files").iterdir():
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def replace_by_link(folder):
    for path in list((folder / "files").iterdir()):
        shutil.move(path, folder / "elsewhere")
        path.symlink_to(folder / "elsewhere")


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (rewrite_index, "is not what `mlci fetch` left: something wrote to it since"),
        (other_file, "altered"),
        (replace_by_link, "is not in the copy"),
        (shutil.rmtree, "`mlci fetch` leaves it"),
        (lambda folder: shutil.rmtree(folder / "files"), "is not in the copy"),
    ],
)
def test_fetched_run__copy_changed_since(tmp_path, github, tamper, said):
    project = champion(tmp_path / "project", github, 3)
    digest = fetch(project, github, tmp_path)
    before = count_trainings(project)
    tamper(project / ".mlci/fetched")
    ended = offline(project, digest)
    assert (ended.code, ended.out) == (4, "")
    assert said in ended.err
    assert count_trainings(project) == before


def test_fetch__registry_in_a_folder(tmp_path):
    project = repository(tmp_path / "project", 3)
    outputs = tmp_path / "outputs.txt"
    done = mlci("fetch", cwd=project, GITHUB_OUTPUT=str(outputs))
    assert (done.code, read_pairs(outputs)) == (0, {"model": "planted", "fetched": ""})
    assert "nothing to fetch" in done.out
    assert offline(project, "").code == 0


def test_fetched_run__record_is_refused(tmp_path, github):
    project = champion(tmp_path / "project", github, 3)
    digest = fetch(project, github, tmp_path)
    ended = mlci("run", "--record", "--fetched", digest, cwd=project)
    assert ended.code == 2
    assert "--record needs the registry itself, and --fetched reads a copy" in ended.err


def test_fetch__no_token(tmp_path, github):
    project = write(tmp_path / "project", files(3, more=IN_THE_REPOSITORY))
    done = mlci("fetch", cwd=project, GITHUB_API_URL=github.url, GITHUB_REPOSITORY=github.name)
    assert done.code == 2
    assert "GITHUB_TOKEN" in done.err


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_REPOSITORY"])
def test_fetch__invalid_name(tmp_path, github, name):
    project = write(tmp_path / "project", files(3, more=IN_THE_REPOSITORY))
    environment = {**variables(github, contents="read"), name: "../..\nx"}
    done = mlci("fetch", cwd=project, **environment)
    assert (done.code, len(done.err.splitlines()), github.requests) == (2, 1, [])
    assert f"{name} " in done.err


def test_fetch__number_of_requests(tmp_path, github):
    project = champion(tmp_path / "project", github, 3)
    before = len(github.requests)
    fetch(project, github, tmp_path)
    assert len(github.requests) - before <= MOST_REQUESTS
    assert {method for method, *_ in github.requests[before:]} == {"GET"}


@pytest.mark.parametrize("start", [0, 40])
def test_fetch__training_makes_the_rows_later(tmp_path, github, start):
    """A fresh checkout has no evaluation set yet, and the one that training makes may be another."""
    project = training.project(tmp_path / "project")
    text = (project / "mlci.yml").read_text()
    commit(project, {"mlci.yml": text + IN_THE_REPOSITORY})
    assert promote_run(project, **variables(github, contents="write")) == 1
    commit(training.fresh(project), {"k.txt": "3", "start.txt": str(start)})
    ended = offline(project, fetch(project, github, tmp_path))
    assert change(ended) == expected_change(1, 3), ended.err
    shared = ended.report["evaluation"]["shared"]
    moved = {"added": 40, "removed": 40, "rows": 60, "changed": 0, "repeated": None}
    assert shared == (moved if start else None)
