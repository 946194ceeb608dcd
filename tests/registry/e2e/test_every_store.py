"""The life of a model in every kind of registry, through the command line; each shows the planted change."""

from dataclasses import dataclass, field

import pytest

from tests.fake_github.fake import Fake
from tests.support.project import KNOWN, change, expected_change, holdout, mlci, run
from tests.support.registry.lifecycle import promote_run, repository
from tests.support.repository import commit


@dataclass(frozen=True)
class Registry:
    """A registry, its address in ``registry:``, and the variables that open it."""

    written: str
    environment: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def folder(tmp_path):
    return Registry(str(tmp_path / "registry"))


@pytest.fixture
def s3_bucket(s3):
    return Registry(s3.url, s3.environment)


@pytest.fixture
def google_bucket(google):
    return Registry(google.url, google.environment)


@pytest.fixture
def github(tmp_path):
    with Fake(tmp_path / "model.git", private=True) as fake:
        token = fake.token({"contents": "write"})
        yield Registry("github", {"GITHUB_API_URL": fake.url, "GITHUB_REPOSITORY": fake.name, "GITHUB_TOKEN": token})


@pytest.fixture(params=["folder", "s3_bucket", "google_bucket", "github"])
def registry(request) -> Registry:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(("before", "after", "known"), KNOWN)
def test_run__known_change(tmp_path, registry, before, after, known):
    project = repository(tmp_path / "project", before, more=f"registry: {registry.written}\n")
    assert promote_run(project, **registry.environment) == 1
    commit(project, {"k.txt": str(after)})
    ended = run(project, **registry.environment)
    assert change(ended) == expected_change(before, after)
    assert change(ended)[2] == pytest.approx(known)
    assert (ended.code, ended.report["baseline"]["version"]) == (1 if known < 0 else 0, "1")
    assert not (project / ".mlci/registry").exists()


def test_lifecycle__promote_run_and_roll_back(tmp_path, registry):
    here = registry.environment
    project = repository(tmp_path / "project", 3, more=f"registry: {registry.written}\n")
    first = run(project, "--record", **here)
    assert [gate["outcome"] for gate in first.report["gates"]] == ["no_baseline"]
    assert promote_run(project, **here) == 1
    commit(project, {"k.txt": "1"})
    assert promote_run(project, "--note", "better", **here) == 2
    commit(project, {"k.txt": "4"})
    assert run(project, "--record", **here).code == 1
    assert mlci("promote", cwd=project, **here).code == 1
    back = mlci("rollback", "--reason", "it drifts", "--json", cwd=project, **here)
    assert back.report == {"version": 1, "replaced": 2, "entry": 5}
    commit(project, {"k.txt": "2", "holdout.csv": holdout(60, first=500)})
    ended = run(project, "--record", **here)
    assert change(ended) == expected_change(3, 2)
    assert mlci("ledger", "verify", "--files", cwd=project, **here).code == 0
    kinds = [row["body"]["kind"] for row in mlci("ledger", "log", "--json", cwd=project, **here).report]
    assert kinds == ["verdict", "promotion", "promotion", "verdict", "rollback", "rescored", "verdict"]
    assert mlci("versions", "--json", cwd=project, **here).report["champion"] == 1


def test_run__bucket_not_found(tmp_path, s3):
    project = repository(tmp_path, 1, more="registry: s3://no-such-bucket/x\n")
    ended = run(project, **s3.environment)
    assert (ended.code, ended.out) == (4, "")
    assert "the bucket no-such-bucket does not exist" in ended.err
    assert not (project / "trained.log").exists()


@pytest.mark.parametrize("lacks", ["GITHUB_REPOSITORY", "GITHUB_TOKEN"])
def test_run__github_registry_without_a_repository_or_token(tmp_path, github, lacks):
    project = repository(tmp_path / "project", 1, more="registry: github\n")
    ended = run(project, **{name: value for name, value in github.environment.items() if name != lacks})
    assert ended.code == 2
    assert "mlci.yml:" in ended.err
    assert lacks in ended.err


def test_run__github_repository_not_found(tmp_path, github):
    project = repository(tmp_path / "project", 1, more="registry: github\n")
    ended = run(project, **github.environment | {"GITHUB_REPOSITORY": "octo-org/another"})
    assert (ended.code, ended.out) == (4, "")
    assert "not there for this token (404)" in ended.err
