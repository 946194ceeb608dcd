"""`mlci promote` in a workflow, in every way in which a bundle may have to be judged again."""

import pytest

from tests.support.project import TRAIN, change, expected_change, holdout, run
from tests.support.registry.jobs import AGAIN, MARK, OWN, Jobs, assert_refused
from tests.support.registry.lifecycle import bodies, champion, files, promote, state
from tests.support.repository import commit, git


def test_promote__another_version_on_the_same_rows(tmp_path):
    jobs = Jobs(tmp_path / "project")
    commit(jobs.folder, {"k.txt": "1"})
    jobs.retrain()
    assert jobs.promoted_meanwhile(2) == 2
    ended = jobs.promote()
    assert (ended.code, ended.report["version"], ended.report["replaced"]) == (0, 3, 2), ended.err
    assert ended.report["judged_again"] == ["it was judged against version 1, and version 2 is in production"]


def test_promote__gate_blocks_on_moved_rows(tmp_path):
    """The champion stays; its predictions on the new rows are stored, so that it is not scored again."""
    jobs = Jobs(tmp_path / "project")
    commit(jobs.folder, {"k.txt": "5", "holdout.csv": holdout(60, first=500)})
    assert jobs.retrain().code == 1
    assert assert_refused(jobs.promote()) == "a gate blocks"
    assert assert_refused(jobs.promote()) == "a gate blocks"
    assert [body.kind for body in bodies(jobs.folder)] == ["promotion", "rescored"]
    commit(jobs.folder, {"k.txt": "2"})
    jobs.ran.unlink(missing_ok=True)
    ended = jobs.retrain()
    assert change(ended) == expected_change(3, 2)
    assert len(jobs.ran.read_text().split()) == 2  # the candidate's own two steps


def test_promote__rows_moved_and_another_version_meanwhile(tmp_path):
    jobs = Jobs(tmp_path / "project")
    commit(jobs.folder, {"k.txt": "1", "holdout.csv": holdout(60, first=500)})
    jobs.retrain()
    assert jobs.promoted_meanwhile(2) == 2
    said = assert_refused(jobs.promote())
    assert "it was judged against version 1, and version 2 is in production" in said
    assert "neither the registry nor the bundle holds its predictions on these rows" in said
    assert AGAIN in said
    assert state(jobs.folder).champion == 2
    jobs.retrain()
    assert jobs.promote().report["version"] == 3


def test_promote__scikit_learn_metric(tmp_path):
    """It is evaluated without the user's folders on the module path."""
    jobs = Jobs(tmp_path / "project", more="  - {metric: jaccard_score, min: 0.5}\n")
    commit(jobs.folder, {"k.txt": "1", "joblib.py": MARK, "scipy.py": MARK})
    jobs.retrain()
    ended = jobs.promote("--again")
    assert (ended.code, ended.report["version"]) == (0, 2), ended.err


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"baseline": "none", "more": OWN}, "Set `baseline: production` in the configuration"),
        ({"more": OWN}, "Give the job that trains the same configuration as this one"),
    ],
)
def test_promote__remedies(tmp_path, settings, remedy):
    jobs = Jobs(tmp_path / "project", more=OWN)
    commit(jobs.folder, {"k.txt": "1", "mlci.yml": files(1, **settings)["mlci.yml"]})
    jobs.retrain()
    if "baseline" not in settings:
        commit(jobs.folder, {"mlci.yml": files(1, more=OWN.replace("0.5", "0.6"))["mlci.yml"]})
    assert remedy in assert_refused(jobs.promote())


def test_promote__outside_of_a_workflow_models_score_moved_rows(tmp_path):
    jobs = Jobs(tmp_path / "project")
    commit(jobs.folder, {"k.txt": "1"})
    jobs.retrain()
    commit(jobs.folder, {"holdout.csv": holdout(60, first=500)})
    assert promote(jobs.folder, RAN=str(jobs.ran)).report["version"] == 2
    assert len(jobs.ran.read_text().split()) > 1


def test_promote__evaluation_set_made_by_training(tmp_path):
    jobs = Jobs(tmp_path / "project")
    makes = f"{MARK}{TRAIN}open('made.csv', 'w').write({holdout()!r})\n"
    text = files(1)["mlci.yml"].replace("holdout.csv", "made.csv")
    git(jobs.folder, "rm", "--quiet", "holdout.csv")
    commit(
        jobs.folder, {".gitignore": ".mlci/\nmodel.txt\ntrained.log\nmade.csv\n", "mlci.yml": text, "train.py": makes}
    )
    commit(jobs.folder, {"k.txt": "1"})
    jobs.retrain()
    (jobs.folder / "made.csv").unlink()  # another job's checkout
    said = assert_refused(jobs.promote("--again"))
    assert "`made.csv`, which its training made, would have to be here" in said
    assert "mlci run && mlci promote" not in said
    assert jobs.promote().report["version"] == 2


def test_bundle__predictions_of_the_champion_were_altered(tmp_path):
    folder = champion(tmp_path, 3)
    commit(folder, {"k.txt": "1", "holdout.csv": holdout(60, first=500)})
    run(folder)
    there = folder / ".mlci/out/bundle/champion/predictions.csv"
    there.write_text(there.read_text().replace(",0\n", ",1\n"))
    ended = promote(folder)
    assert (ended.code, "predictions.csv: was altered" in ended.err) == (2, True), ended.err


def test_bundle__no_champion_predictions_if_the_rows_did_not_move(tmp_path):
    folder = champion(tmp_path, 3)
    commit(folder, {"k.txt": "1"})
    run(folder)
    assert not (folder / ".mlci/out/bundle/champion").exists()
