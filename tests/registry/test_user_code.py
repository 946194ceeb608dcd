"""`mlci promote` in a workflow: the job that can write the registry runs no command, model or custom metric."""

import json

import pytest

from mlci.errors import UserCodeError
from mlci.execution.interface import RefusingRunner, Step
from tests.support.project import change, expected_change, files, holdout, mlci, run, write
from tests.support.registry.jobs import AGAIN, OWN, Jobs, assert_refused, write_marks
from tests.support.registry.lifecycle import bodies, manifest, promote, repository, state
from tests.support.repository import commit


@pytest.fixture(scope="module")
def promoted_once(tmp_path_factory):
    return Jobs(tmp_path_factory.mktemp("once") / "project")


@pytest.fixture
def jobs(promoted_once, tmp_path):
    return promoted_once.copied(tmp_path / "project")


def test_promote__rows_moved_before_the_run(jobs):
    """The run scored the champion: its predictions travel in the bundle, and a promotion judges from them."""
    commit(jobs.folder, {"k.txt": "1", "holdout.csv": holdout(60, first=500)})
    jobs.retrain()
    content = json.loads((jobs.folder / ".mlci/out/bundle/bundle.json").read_text())
    assert content["champion"]["version"] == 1
    assert content["champion"]["predictions"]["fingerprint"] == content["predictions"]["fingerprint"]
    ended = jobs.promote("--again")
    assert (ended.code, ended.report["version"]) == (0, 2), ended.err
    assert [body.kind for body in bodies(jobs.folder)] == ["promotion", "rescored", "verdict", "promotion"]
    report = json.loads((jobs.folder / ".mlci/out/report.json").read_text())
    accuracy = next(row for row in report["metrics"] if row["metric"] == "accuracy")
    assert (accuracy["baseline"], accuracy["candidate"]) == pytest.approx((0.7, 0.9))
    assert "champion" not in manifest(jobs.folder, 2)
    assert mlci("ledger", "verify", "--files", cwd=jobs.folder).code == 0


def test_promote__rows_moved_after_the_run(jobs):
    commit(jobs.folder, {"k.txt": "1"})
    jobs.retrain()
    commit(jobs.folder, {"holdout.csv": holdout(60, first=500)})
    said = assert_refused(jobs.promote())
    assert "because the evaluation set moved; for that the bundle's own model would have to score" in said
    assert "runs no user code" in said
    assert AGAIN in said
    assert state(jobs.folder).champion == 1
    jobs.retrain()
    assert jobs.promote().report["version"] == 2


def test_promote__a_custom_metric(tmp_path):
    jobs = Jobs(tmp_path / "project", more=OWN)
    commit(jobs.folder, {"k.txt": "1"})
    jobs.retrain()
    assert "own.py" in jobs.ran.read_text()
    assert "Leave out `--again`" in assert_refused(jobs.promote("--again"))
    assert jobs.promoted_meanwhile(2) == 2
    said = assert_refused(jobs.promote())
    assert "the custom metric `own:hits` would have to be evaluated" in said
    assert AGAIN in said
    jobs.retrain()
    assert jobs.promote().report["version"] == 3


def test_import__in_a_workflow(tmp_path):
    """Nothing scores the model in the job that imports it; the next run does, and its promotion needs no more."""
    folder, ran = repository(tmp_path / "project", 1), tmp_path / "ran.log"
    commit(folder, write_marks(1))
    (tmp_path / "model.txt").write_text("2")
    ended = promote(folder, "--import", tmp_path / "model.txt", GITHUB_ACTIONS="true", RAN=str(ran))
    assert (ended.code, ended.report["version"], ran.exists()) == (0, 1, False), ended.err
    assert "in a workflow `mlci promote` runs no user code" in ended.report["notes"][-1]
    ended = run(folder, RAN=str(ran), GITHUB_ACTIONS="true")
    assert change(ended) == expected_change(2, 1)
    ran.unlink()
    ended = promote(folder, "--again", RAN=str(ran), GITHUB_ACTIONS="true")
    assert (ended.code, ended.report["version"], ran.exists()) == (0, 2, False), ended.err


def test_runner__refuses_every_step(tmp_path):
    with pytest.raises(UserCodeError, match="`predict` would have to run"):
        RefusingRunner().run(Step(name="predict", command="touch ran", cwd=tmp_path))


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        (["run", "--record"], "in a separate job with `mlci promote --record`"),
        (["reproduce", "-k", "3"], "`--no-record --save FILE`"),
    ],
)
def test_a_workflow__trains_in_no_job_that_writes_a_remote_registry(tmp_path, command, instead):
    write(tmp_path, files(2))
    text = (tmp_path / "mlci.yml").read_text()
    (tmp_path / "mlci.yml").write_text(f"{text}registry: s3://models/credit\n")
    ended = mlci(*command, cwd=tmp_path, GITHUB_ACTIONS="true")
    assert ended.code == 2
    assert "no job both runs your commands and writes the registry" in ended.err
    assert instead in ended.err
    assert not (tmp_path / "trained.log").exists()
