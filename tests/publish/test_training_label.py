"""A check of training that has to be asked for: it blocks, and the run that the label starts replaces it."""

from tests.publish.job import Job
from tests.support.publish.scene import NAME, good


def not_trained():
    report = good()
    rows = report.evaluation.model_copy(update={"rows": None, "fingerprint": None})
    nothing = {"gates": (), "metrics": (), "disparities": (), "agreement": None, "curves": None, "trend": ()}
    return report.model_copy(update={**nothing, "verdict": "block", "training_label": "mlci:train", "evaluation": rows})


def conclusions(fake):
    return [(one["name"], one["status"], one["conclusion"], one["output"]["title"]) for one in fake.check_runs()]


def test_publish__not_trained_until_asked(fake, tmp_path):
    job = Job(fake, tmp_path / "work", fake.pull("topic"))
    job.run("--open", run=100)
    job.leave(not_trained())
    assert job.run("--ended", "failure", "--code", "1", run=100).code == 1
    assert conclusions(fake) == [(NAME, "completed", "failure", "not trained yet")]
    (comment,) = fake.comments(job.pull)
    assert "add the label mlci:train to the pull request, or comment /mlci run" in comment["body"]
    job.run("--open", run=101)  # started by the label
    job.leave(good())
    assert job.run("--ended", "success", "--code", "0", run=101).code == 0
    newest = max(fake.check_runs(), key=lambda one: one["id"])
    assert (newest["name"], newest["conclusion"]) == (NAME, "success")
    (comment,) = fake.comments(job.pull)
    assert "not trained yet" not in comment["body"]
