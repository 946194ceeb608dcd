"""Actions of users on a pull request between two runs, and projects with more than one model."""

from dataclasses import replace

import pytest

from tests.publish.job import CONFIG, Job
from tests.support.publish.scene import BOT, MODEL, NAME, bad, good, publisher, stands


@pytest.fixture
def pull(fake):
    return fake.pull("topic")


def own_comment(fake):
    """Mlci's comment as the fake stores it."""
    return next(row for row in fake.state.all("comments") if row["body"].startswith("<!-- mlci "))


def test_publish__pull_request_closed_meanwhile(fake, pull):
    one = publisher(fake, pull, report=bad())
    opened = one.open()
    fake.change_pull(pull, state="closed")
    done = one.publish(known=opened.check)
    assert (done.refused, done.failures) == ([], [])
    stands(fake, pull, run=100, conclusion="failure", text="1 gate failed")


def test_publish__comment_edited_by_a_user(fake, pull):
    publisher(fake, pull, report=bad()).publish()
    written = own_comment(fake)["body"]
    fake.state.change(own_comment(fake), body=written.replace("❌", "✅").replace("1 gate failed", "every gate passed"))
    publisher(fake, pull, run=101, report=bad()).publish()
    stands(fake, pull, run=101, conclusion="failure", text="1 gate failed")
    assert "every gate passed" not in fake.comments(pull)[0]["body"]


def test_publish__marker_removed_by_a_user(fake, pull):
    publisher(fake, pull, report=bad()).publish()
    fake.state.change(own_comment(fake), body="I hid this.")
    publisher(fake, pull, run=101, report=bad()).publish()
    theirs, added = fake.comments(pull)
    assert theirs["body"] == "I hid this."
    assert " run=101.1 -->" in added["body"]


def test_publish__comment_deleted_by_a_user(fake, pull):
    publisher(fake, pull).publish()
    fake.state.remove("comments", own_comment(fake))
    publisher(fake, pull, run=101).publish()
    stands(fake, pull, run=101, conclusion="success", text="✅")


def test_publish__conversation_locked(fake, tmp_path, pull):
    fake.change_pull(pull, locked=True)
    job = Job(fake, tmp_path / "work", pull)
    job.leave(bad())
    done = job.run("--ended", "failure", "--code", "1")
    assert done.code == 1
    assert "the conversation is locked. Unlock it, or read the verdict in the check." in done.err
    assert done.err.count("::warning::") == 1
    assert fake.check_runs()[0]["conclusion"] == "failure"


def test_publish__model_renamed(fake, pull):
    publisher(fake, pull).publish()
    before = fake.comments(pull)[0]["body"]
    renamed = publisher(fake, pull, run=101, report=bad(model="churn"))
    replace(renamed, where=replace(renamed.where, model="churn")).publish()
    old, new = fake.comments(pull)
    assert old["body"] == before
    assert new["body"].startswith("<!-- mlci id=churn ")
    assert {check["name"] for check in fake.check_runs()} == {NAME, "mlci / churn"}


def test_publish__two_models_in_one_job(fake, tmp_path, pull):
    token, job = fake.token(), Job(fake, tmp_path / "work", pull)
    (job.folder / "churn.yml").write_text(CONFIG.replace(MODEL, "churn").replace("POLICY", "always"))
    configs = {MODEL: "mlci.yml", "churn": "churn.yml"}
    for config in configs.values():
        assert job.run("--open", "--config", config, token=token).code == 0
    for model, config in configs.items():
        job.leave(bad(model=model) if model == "churn" else good())
        code = "1" if model == "churn" else "0"
        done = job.run("--config", config, "--ended", "success", "--code", code, token=token)
        assert (done.code, done.err) == (int(code), "")
        assert job.outputs()["verdict"] == ("block" if model == "churn" else "pass")
        assert model in job.summary()
    assert {check["name"]: check["conclusion"] for check in fake.check_runs()} == {
        NAME: "success",
        "mlci / churn": "failure",
    }
    assert [one["user"]["login"] for one in fake.comments(pull)] == [BOT, BOT]
    assert len(fake.requests) <= 16


def test_publish__report_of_another_model_in_the_folder(fake, tmp_path, pull):
    job = Job(fake, tmp_path / "work", pull)
    (job.folder / "churn.yml").write_text(CONFIG.replace(MODEL, "churn").replace("POLICY", "always"))
    job.leave(good())
    done = job.run("--config", "churn.yml", "--ended", "success", "--code", "0")
    assert done.code == 1
    assert "the report is about the model credit-risk, the configuration about churn" in done.out
    assert [check["conclusion"] for check in fake.check_runs()] == ["failure"]


@pytest.mark.parametrize("temp", [True, False])
def test_publish__checkout_not_writable(fake, tmp_path, pull, temp):
    """A file in place of mlci's folder: unlike a read-only disk, it also stops root."""
    token, job = fake.token(), Job(fake, tmp_path / "work", pull)
    job.leave(good())
    report = tmp_path / "report.json"
    (job.folder / ".mlci/out/report.json").rename(report)
    (job.folder / ".mlci/out").rmdir()
    (job.folder / ".mlci").rmdir()
    (job.folder / ".mlci").write_text("")
    where = {} if temp else {"RUNNER_TEMP": ""}
    assert job.run("--open", token=token, **where).code == 0
    done = job.run(str(report), "--ended", "success", "--code", "0", token=token, **where)
    assert (done.code, done.err) == (0, "")
    assert [check["conclusion"] for check in fake.check_runs()] == ["success"]
    assert len(fake.comments(pull)) == 1


def dependabots(fake, tmp_path, pull, **permissions):
    """A job that Dependabot started, and its output after publishing a report that blocks."""
    job = Job(fake, tmp_path / "work", pull, sender="dependabot[bot]")
    job.leave(bad())
    token = fake.token(permissions or {"contents": "read", "checks": "read"})
    assert job.run("--open", token=token).code == 0
    return job.run("--ended", "failure", "--code", "1", token=token)


def test_dependabot__read_only_token(fake, tmp_path, pull):
    done = dependabots(fake, tmp_path, pull)
    assert done.code == 1
    assert done.err.startswith("::notice::Dependabot started the run.")
    assert "permissions:%0A      checks: write%0A      pull-requests: write%0A      statuses: write" in done.err
    assert "fork" not in done.err
    assert done.err.count("::") == 2


def test_dependabot__permissions_of_its_token(fake, tmp_path, pull):
    done = dependabots(fake, tmp_path, pull, **{"statuses": "write", "pull-requests": "write"})
    assert "permissions:%0A      checks: write%0A%0A" in done.err
    assert fake.statuses(fake.head(pull))[0]["state"] == "failure"
    assert "1 gate failed" in fake.comments(pull)[0]["body"]


def test_dependabot__token_with_all_permissions(fake, tmp_path, pull):
    done = dependabots(fake, tmp_path, pull, **{"checks": "write", "statuses": "write", "pull-requests": "write"})
    assert (done.code, done.err) == (1, "")


@pytest.mark.parametrize("policy", ["always", "never"])
def test_token__switched_to_an_app(fake, pull, policy):
    publisher(fake, pull).publish()
    for run in (101, 102):
        done = publisher(fake, pull, run=run, report=bad(), token=fake.token(app="our-checks"), policy=policy).publish()
        assert (done.stale, done.refused, done.failures) == ([], [], [])
    old, *new = fake.comments(pull)
    assert old["user"]["login"] == BOT
    assert "✅" not in old["body"]
    assert "is reported with another token now" in old["body"]
    assert [one["user"]["login"] for one in new] == (["our-checks[bot]"] if policy == "always" else [])
    assert all(one["html_url"] in old["body"] for one in new)


@pytest.mark.parametrize("policy", ["always", "never"])
def test_token__cannot_edit_the_old_comment(fake, pull, policy):
    publisher(fake, pull).publish()
    before = fake.comments(pull)[0]["body"]
    token = fake.token(user="octocat")  # who may comment, and not change what others wrote
    done = publisher(fake, pull, run=101, report=bad(), token=token, policy=policy).publish()
    old, new = fake.comments(pull)
    assert (old["body"], [one.id for one in done.stale]) == (before, [old["id"]])
    assert (new["user"]["login"], "1 gate failed" in new["body"]) == ("octocat", True)


def test_token__switched_back(fake, pull, tmp_path):
    publisher(fake, pull, token=fake.token(app="our-checks")).publish()
    (old,) = fake.comments(pull)
    job = Job(fake, tmp_path / "work", pull)
    job.leave(bad())
    done = job.run("--ended", "failure", "--code", "1", run=101)
    assert f"::warning::the comment {old['html_url']} by our-checks[bot] carries mlci's marker" in done.err
    assert fake.comments(pull)[0]["body"] == old["body"]
