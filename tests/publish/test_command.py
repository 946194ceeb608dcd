"""`mlci publish`: files before requests, outputs, exit codes, remedies and messages."""

import json
import os
import re
import subprocess

import pytest

from mlci.cli.github_actions import head_of_this_run, write_outputs
from mlci.cli.wiring import load_configuration, report_context
from mlci.report.serialization import dump_report
from tests.publish.job import CONFIG, Job
from tests.support.project import mlci
from tests.support.publish.scene import BOT, MODEL, NAME, Clock, bad, good, publisher, unsure, wide
from tests.support.workflow_commands import WRITTEN


@pytest.fixture
def job(fake, tmp_path):
    return Job(fake, tmp_path / "work", fake.pull("topic"))


@pytest.mark.parametrize(
    ("report", "code", "ended", "verdict", "exit_code"),
    [
        (good(), "0", "success", "pass", 0),
        (unsure(), "0", "success", "warn", 0),
        (bad(), "1", "failure", "block", 1),
    ],
)
def test_publish__open_to_outputs(job, report, code, ended, verdict, exit_code):
    token = job.fake.token()
    opened = job.run("--open", token=token)
    assert (opened.code, opened.err) == (0, "")
    assert f"check `{NAME}` is in progress: http" in opened.out
    job.leave(report)
    done = job.run("--ended", ended, "--code", code, token=token)
    assert (done.code, done.err) == (exit_code, "")
    (check,), (comment,) = job.fake.check_runs(), job.fake.comments(job.pull)
    assert job.outputs() == {
        "check": f"{check['id']}@100.1",
        "verdict": verdict,
        "report": ".mlci/out/report.json",
        "baseline-version": "7",
        "comment-url": comment["html_url"],
        "check-url": check["html_url"],
    }
    assert job.summary().startswith("## ")
    assert "credit-risk" in job.summary()
    assert check["details_url"].endswith(f"/{job.fake.name}/actions/runs/100")
    assert comment["html_url"] in done.out
    assert len(job.fake.requests) <= 8
    if verdict == "block":
        assert f"{job.fake.url}/{job.fake.name}/blob/{job.head}/mlci.yml#L31" in comment["body"]
        assert f"{job.fake.url}/{job.fake.name}/actions/runs/100" in comment["body"]


def test_publish__json_outside_of_a_job(job):
    job.leave(bad())
    done = job.run("--json")
    values = json.loads(done.out)
    assert (done.code, values["exit_code"], values["verdict"], values["pull"]) == (1, 1, "block", job.pull)
    assert values["comment_url"] == job.fake.comments(job.pull)[0]["html_url"]
    assert values["check_url"] == job.fake.check_runs()[0]["html_url"]
    assert [values["warnings"], values["notices"]] == [[], []]


def test_publish__at_most_eight_requests_without_a_runner_folder(job):
    job.leave(good())
    for run in (100, 101):
        job.fake.forget_requests()
        token = job.fake.token()
        job.run("--open", run=run, token=token, RUNNER_TEMP="")
        job.leave(wide(run - 90))
        job.run("--ended", "failure", "--code", "1", run=run, token=token, RUNNER_TEMP="")
        assert len(job.fake.requests) <= 8, job.fake.requests
    assert (job.folder / ".mlci/.gitignore").read_text() == "*\n"


def another_job(job):
    """A folder of another machine's runner."""
    temp = job.folder.parent / "another-job"
    temp.mkdir(exist_ok=True)
    return str(temp)


def test_publish__at_most_eight_requests_over_two_jobs(job):
    job.run("--open")
    assert set(job.outputs()) == WRITTEN['"$MLCI" publish --open']
    values = job.outputs()["check"]
    assert values == f"{job.fake.check_runs()[0]['id']}@100.1"
    job.leave(wide(50))
    arguments = ("--ended", "failure", "--code", "1", "--check", values)
    done = job.run(*arguments, RUNNER_TEMP=another_job(job))
    assert (done.code, done.err) == (1, "")
    assert len(job.fake.requests) <= 8, job.fake.requests
    assert job.run(*arguments, RUNNER_TEMP=another_job(job)).code == 1  # a second time it is no longer true
    (check,) = job.fake.check_runs()
    assert (check["conclusion"], len(check["annotations"])) == ("failure", 50)


@pytest.mark.parametrize("values", ["", "1@99.1", "7", "x@100.1", "{id}@100.2", "{id}@100.1 ", "../1@100.1"])
def test_publish__check_of_another_attempt(job, values):
    job.run("--open")
    (opened,) = job.fake.check_runs()
    job.leave(bad())
    given = values.format(id=opened["id"])
    done = job.run("--ended", "failure", "--code", "1", "--check", given, RUNNER_TEMP=another_job(job))
    assert (done.code, done.err) == (1, "")
    assert [(one["id"], one["conclusion"]) for one in job.fake.check_runs()] == [(opened["id"], "failure")]


@pytest.mark.parametrize("spoil", ["other-token", "edited", "garbage", "gone", "another-run", "pipe"])
def test_publish__forged_note(job, spoil):
    """The candidate's code can change the note; it must not lead the token to another check."""
    token = job.fake.token()
    victim = Job(job.fake, job.folder.parent / "victim", job.pull)
    victim.run("--open", run=7)
    job.run("--open", token=token)
    (note,) = job.folder.glob("mlci-opened-*")
    other = next(victim.folder.glob("mlci-opened-*"))
    theirs = job.fake.check_runs()[0]["id"]
    {
        "other-token": lambda: None,
        "edited": lambda: note.write_text(re.sub(r'(\\"id\\": )\d+', rf"\g<1>{theirs}", note.read_text())),
        "garbage": lambda: note.write_text("[" * 10_000),
        "gone": note.unlink,
        "pipe": lambda: (note.unlink(), os.mkfifo(note)),
        "another-run": lambda: note.write_text(other.read_text()),
    }[spoil]()
    job.leave(bad())
    done = job.run("--ended", "failure", "--code", "1", token=job.fake.token() if spoil == "other-token" else token)
    assert done.code == 1
    states = {check["external_id"]: check["status"] for check in job.fake.check_runs()}
    assert states == {"7.1": "in_progress", "100.1": "completed"}


@pytest.mark.parametrize(
    ("arguments", "conclusion", "words"),
    [
        (("--ended", "failure", "--code", "3"), "failure", "train or predict step failed"),
        (("--ended", "failure", "--code", ""), "failure", "did not finish"),
        (("--ended", "failure", "--code", "70"), "failure", "a bug in mlci"),
        (("--ended", "skipped", "--code", ""), "failure", "did not finish"),
        (("--ended", "cancelled", "--code", ""), "cancelled", "cancelled or ran into its time limit"),
        (("--ended", "success", "--code", "0"), "failure", "wrote no readable report"),
    ],
)
def test_publish__no_report_replaces_a_stale_success(job, arguments, conclusion, words):
    job.leave(good())
    assert job.run("--ended", "success", "--code", "0").code == 0
    (job.folder / ".mlci/out/report.json").unlink()
    done = job.run(*arguments, run=101)
    assert done.code == 1
    assert job.fake.check_runs()[-1]["conclusion"] == conclusion
    assert job.fake.statuses(job.head)[0]["state"] == "error"
    (comment,) = job.fake.comments(job.pull)
    assert words in comment["body"]
    assert "✅" not in comment["body"]
    assert f"/{job.fake.name}/actions/runs/101" in comment["body"]
    assert words in job.summary(101)
    assert job.outputs(101)["verdict"] == "error"
    assert job.outputs(101)["report"] == ""


@pytest.mark.parametrize("text", ["", "{", '{"schema": "mlci/report/1"}', "[" * 100_000, '{"verdict": "pass"}'])
def test_publish__unreadable_report(job, text):
    job.leave(good())
    (job.folder / ".mlci/out/report.json").write_text(text)
    assert job.run("--ended", "success", "--code", "0").code == 1
    assert job.fake.check_runs()[0]["conclusion"] == "failure"
    assert "did not finish" in job.fake.comments(job.pull)[0]["body"]


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "merge_group", "push"])
def test_publish__report_without_the_head(fake, tmp_path, event):
    """A report without a commit, or one about the base, which `GITHUB_SHA` names on `pull_request_target`."""
    facts = {"branch": "topic"} if event == "push" else {}
    job = Job(fake, tmp_path / "work", fake.pull("topic"), event=event, **facts)
    base = fake.sha("refs/heads/main")
    for run, commit in enumerate([None, base] if event == "pull_request_target" else [None], start=100):
        job.leave(good(), head=base)
        report = job.folder / ".mlci/out/report.json"
        values = json.loads(report.read_text())
        report.write_text(json.dumps({**values, "candidate": {**values["candidate"], "commit": commit}}))
        head = json.loads(job.run("--open", "--json", run=run).out)["head"]
        done = job.run("--ended", "success", "--code", "0", run=run)
        assert done.code == 1
        assert ("names no commit" if commit is None else "which is not this run's") in done.out
        assert job.outputs(run)["verdict"] == "error"
        assert {one["conclusion"] for one in fake.check_runs(head)} == {"failure"}
        assert fake.statuses(head)[0]["state"] == "error"


def test_publish__report_is_a_pipe(job):
    job.leave(good())
    path = job.folder / ".mlci/out/report.json"
    path.unlink()
    os.mkfifo(path)
    assert job.run("--ended", "success", "--code", "0").code == 1
    assert job.fake.check_runs()[0]["conclusion"] == "failure"


def test_publish__committed_report_after_a_failed_run(job):
    job.leave(good())
    assert job.run("--ended", "failure", "--code", "").code == 1
    assert job.outputs()["verdict"] == "error"
    assert job.fake.check_runs()[0]["conclusion"] == "failure"


def test_publish__report_of_another_commit(job):
    job.leave(good(), head="b" * 40)
    assert job.run("--ended", "success", "--code", "0").code == 1
    assert "about the commit bbbbbbb" in job.fake.comments(job.pull)[0]["body"].replace("<!-- -->", "")


def test_publish__invalid_configuration(job):
    (job.folder / "mlci.yml").write_text(CONFIG.replace("POLICY", "sometimes"))
    opened = job.run("--open")
    assert opened.code == 2
    assert "::error file=mlci.yml,line=8::" in opened.err
    done = job.run("--ended", "failure", "--code", "2", run=101)
    assert (done.code, done.err) == (2, "")  # `mlci run` has named the lines already
    body = job.fake.comments(job.pull)[0]["body"]
    assert "configuration or data that can't be used" in body
    assert "mlci.yml:8" in body.replace("<!-- -->", "")
    assert job.run("--ended", "failure", "--code", "", run=102).err.startswith("::error file=mlci.yml,line=8::")
    (job.folder / "mlci.yml").write_text("model: [")
    done = job.run("--ended", "failure", "--code", "2", run=103)
    assert done.code == 2
    assert "does not name the model" in done.err
    assert "can't be used" in job.summary(103)


def test_publish__no_token(job):
    job.leave(bad())
    done = job.run("--ended", "failure", "--code", "1", token=None)
    assert done.code == 1
    assert done.err.startswith("::notice::nothing was published on GitHub: the token is missing: pass `MLCI_TOKEN:")
    assert "1 gate failed" in job.summary()
    assert job.outputs()["verdict"] == "block"
    assert job.run("--open", token=None).code == 0
    assert job.fake.requests == []


def test_publish__outside_of_a_workflow(tmp_path):
    (tmp_path / "mlci.yml").write_text(CONFIG.replace("POLICY", "always"))
    (tmp_path / "report.json").write_text(dump_report(good()))
    blank = dict.fromkeys(("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_SHA", "GITHUB_REPOSITORY"), "")
    done = mlci("publish", "report.json", cwd=tmp_path, **blank)
    assert done.code == 0, done.err
    assert done.err.startswith("notice: nothing was published on GitHub: this is not a workflow run")
    assert done.out == "credit-risk: the gate passed\n"


def test_publish__token_of_a_fork(fake, tmp_path):
    job = Job(fake, tmp_path / "work", fake.pull("topic", fork=True))
    job.leave(bad())
    token = fake.token(fork=True)
    opened = job.run("--open", token=token)
    assert (opened.code, opened.err) == (0, "")
    assert opened.out == "the check is not opened: the pull request comes from a fork\n"
    done = job.run("--ended", "failure", "--code", "1", token=token)
    assert done.code == 1
    assert done.err.startswith("::notice::The pull request comes from a fork, so the job's token can only read")
    assert done.err.count("::") == 2
    assert "1 gate failed" in job.summary()
    assert job.outputs() == {
        "verdict": "block",
        "report": ".mlci/out/report.json",
        "baseline-version": "7",
        "comment-url": "",
        "check-url": "",
    }


@pytest.mark.parametrize("missing", ["checks", "statuses", "pull-requests"])
def test_publish__permission_is_missing(job, missing):
    job.leave(good())
    token = job.fake.token({name: "write" for name in ("checks", "statuses", "pull-requests") if name != missing})
    done = job.run("--ended", "success", "--code", "0", token=token)
    assert done.code == 0
    assert done.err.startswith("::warning::GitHub refused to ")
    assert done.err.rstrip().endswith(f"Add to the job:%0A%0A    permissions:%0A      {missing}: write")
    assert done.err.count("::warning::") == 1
    opened = job.run("--open", run=101, token=token)  # the same in the log, for the end says it beside the run
    assert opened.code == 0
    assert "::" not in opened.err
    assert opened.err.count(f"{missing}: write") == (0 if missing == "pull-requests" else 2)


def test_publish__outage_exits_with_four(job, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("mlci.github.retry.POLICY", clock.patience())
    job.fake.fail(times=0)
    job.leave(good())
    done = job.run("--ended", "success", "--code", "0")
    assert done.code == 4
    assert "::error::GitHub: could not list check runs" in done.err
    assert "the gate passed" in done.out
    assert "credit-risk" in job.summary()
    assert job.outputs()["verdict"] == "pass"
    assert job.outputs()["check-url"] == ""
    assert job.run("--open").code == 4


def test_publish__events(job, monkeypatch):
    monkeypatch.setattr("mlci.github.retry.POLICY", Clock().patience())
    job.leave(good())
    job.fake.fail("POST", "/statuses/*", status=502)
    token = job.fake.token()
    done = job.run("--ended", "success", "--code", "0", token=token, MLCI_LOG="json")
    lines = [json.loads(line) for line in done.err.splitlines()]
    (check,), (comment,) = job.fake.check_runs(), job.fake.comments(job.pull)
    sent = [one for one in lines if one["event"] == "request_sent"]
    assert len(sent) == len(job.fake.requests)
    (failed,) = [place for place, one in enumerate(lines) if one.get("status") == 502]
    assert (lines[failed]["verb"], lines[failed + 1]["event"]) == ("POST", "request_delayed")
    assert lines[failed + 1]["service"] == "github"
    (published,) = [one for one in lines if one["event"] == "report_published"]
    assert (published["check_url"], published["comment_url"]) == (check["html_url"], comment["html_url"])
    assert {one["run"] for one in lines} == {check["external_id"]}
    assert f"run={check['external_id']} " in comment["body"].splitlines()[0]
    assert token not in done.err


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GITHUB_TOKEN", "ghs_secret\nghs_other", "GITHUB_TOKEN has a line break"),
        ("MLCI_TOKEN", "ghs_secret\r\nX-Evil: 1", "MLCI_TOKEN has a line break"),
        ("MLCI_TOKEN", "ghs_secrét", "MLCI_TOKEN has a line break, a space or another character"),
        ("MLCI_TOKEN", "Bearer ghs_secret", "write `MLCI_TOKEN: ${{ github.token }}`"),
        ("GITHUB_REPOSITORY", "../..", "GITHUB_REPOSITORY is '../..', which is not OWNER/NAME"),
        ("GITHUB_REPOSITORY", "octocat/..", "`export GITHUB_REPOSITORY=owner/name`"),
        ("GITHUB_REPOSITORY", "octocat", "GITHUB_REPOSITORY is 'octocat'"),
        ("GITHUB_REPOSITORY", "o/r?x=1\n::error::x", "which is not OWNER/NAME"),
    ],
)
def test_publish__invalid_environment(job, name, value, says):
    job.leave(bad())
    for arguments in (("--open",), ("--ended", "failure", "--code", "1")):
        done = job.run(*arguments, **{name: value})
        assert done.code == 2
        assert done.err.startswith("::error::")
        assert says in done.err
        assert "ghs_sec" not in done.err + done.out
        assert len(done.err.splitlines()) == 1
    assert job.fake.requests == []
    assert "1 gate failed" in job.summary()
    assert job.outputs()["verdict"] == "block"


def test_publish__line_break_after_the_token(job):
    job.leave(good())
    done = job.run("--ended", "success", "--code", "0", MLCI_TOKEN=job.fake.token() + "\r\n")
    assert (done.code, done.err) == (0, "")
    assert job.fake.check_runs()[0]["conclusion"] == "success"


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b'{"pull_request": {"number": "7; rm -rf"}}', b"\xff"])
def test_publish__hostile_payload(job, data):
    job.leave(bad())
    path = job.folder / "evil.json"
    path.write_bytes(data)
    done = job.run("--ended", "failure", "--code", "1", GITHUB_EVENT_PATH=str(path))
    assert done.code in {1, 2}
    assert job.fake.requests == []
    assert "failed" in job.summary() or "did not finish" in job.summary()
    assert job.outputs()["verdict"] in {"block", "error"}
    assert all(line.startswith(("::notice::", "::error")) for line in done.err.splitlines())


@pytest.mark.parametrize(
    ("event", "facts", "published"),
    [
        ("merge_group", {}, True),
        ("push", {"branch": "topic"}, True),
        ("workflow_dispatch", {"branch": "topic"}, True),
        ("schedule", {}, True),
        ("pull_request_target", {}, True),
    ],
)
def test_publish__every_event_with_a_commit(fake, tmp_path, event, facts, published):
    pull = fake.pull("topic")
    job = Job(fake, tmp_path / "work", pull, event=event, **facts)
    values = fake.environment(event, pull, folder=tmp_path / "look", **facts)
    sha = fake.head(pull) if event == "pull_request_target" else values["GITHUB_SHA"]
    job.leave(bad(), head=sha)
    done = job.run("--ended", "failure", "--code", "1")
    assert done.code == 1
    assert [check["conclusion"] for check in fake.check_runs(sha)] == ["failure"]
    assert len(fake.comments(pull)) == (event == "pull_request_target")


def test_publish__check_of_another_app(job):
    publisher(job.fake, job.pull, token=job.fake.token(app="evil"), run=3).publish()
    job.leave(good())
    done = job.run("--ended", "success", "--code", "0")
    assert "::error::another check named `mlci / credit-risk` is on " in done.err
    assert "made by the app evil" in done.err
    assert (done.code, job.outputs()["verdict"]) == (1, "error")


@pytest.mark.parametrize("policy", ["never", "on-failure"])
def test_publish__policy_of_the_configuration(fake, tmp_path, policy):
    job = Job(fake, tmp_path / "work", fake.pull("topic"), policy=policy)
    job.leave(good())
    done = job.run("--ended", "success", "--code", "0")
    assert "comment on #1 none, as the policy says" in done.out
    assert fake.comments(job.pull) == []
    assert job.outputs()["comment-url"] == ""


def test_publish__summary_is_full(job):
    job.leave(wide(100))
    folder = job.folder / "full"
    folder.mkdir()
    full = folder / "summary.md"
    full.write_text("x" * 1_000_000)
    assert job.run("--ended", "failure", "--code", "1", GITHUB_STEP_SUMMARY=str(full)).code == 1
    assert full.stat().st_size == 1_000_000
    full.write_text("x" * 990_000)
    job.run("--ended", "failure", "--code", "1", run=101, GITHUB_STEP_SUMMARY=str(full))
    assert 990_000 < full.stat().st_size <= 1_000_000
    assert "100 gates failed" in full.read_text()
    whole = job.folder / "whole.md"
    job.run("--ended", "failure", "--code", "1", run=102, GITHUB_STEP_SUMMARY=str(whole))
    assert whole.stat().st_size > 10_000  # more than there was room for


def test_publish__runner_files_not_writable(job):
    job.leave(good())
    gone = str(job.folder / "no/such/folder")
    done = job.run("--ended", "success", "--code", "0", GITHUB_STEP_SUMMARY=gone, GITHUB_OUTPUT=gone)
    assert done.code == 0
    assert done.err.count("::warning::can't write to") == 3
    assert job.fake.check_runs()[0]["conclusion"] == "success"


def test_write_outputs__value_cannot_set_another_output(tmp_path):
    path = tmp_path / "output.txt"
    evil = "x\nmlci\nverdict=pass\nverdict<<EOF\npass\nEOF"
    for value in (evil, "block"):
        write_outputs(path, {"verdict": value})
    found = re.findall(r"^(.+?)<<(mlci-[0-9a-f]{32})\n(.*?)\n\2$", path.read_text(), re.MULTILINE | re.DOTALL)
    assert [(name, value) for name, _, value in found] == [("verdict", evil), ("verdict", "block")]
    assert found[0][1] != found[1][1]


def test_publish__details_url_is_not_https(job):
    assert job.run("--details-url", "javascript:alert(1)").code == 2


def test_head_of_this_run__head_of_the_event_not_the_merge(job):
    values = job.fake.environment("pull_request", job.pull, folder=job.folder)
    assert values["GITHUB_SHA"] != job.head
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLCI_HEAD_SHA", "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_SHA"):
            patch.delenv(name, raising=False)
        assert head_of_this_run() is None
        for name, value in values.items():
            patch.setenv(name, value)
        assert head_of_this_run() == job.head
        patch.setenv("GITHUB_EVENT_NAME", "issue_comment")
        assert head_of_this_run() == values["GITHUB_SHA"]
        (job.folder / "event.json").write_text("[")
        assert head_of_this_run() == values["GITHUB_SHA"]
        patch.setenv("MLCI_HEAD_SHA", "f" * 40)
        assert head_of_this_run() == "f" * 40


@pytest.mark.parametrize(
    ("at", "believed"),
    [
        ("refs/pull/1/merge", True),
        ("topic", True),
        ("main", False),  # what GitHub's own step checks out on `pull_request_target`
    ],
)
@pytest.mark.parametrize("more", [False, True], ids=["as it is", "with a commit on top"])
@pytest.mark.parametrize("depth", [(), ("--depth=1",)], ids=["whole", "shallow"])
def test_publish__checkout_without_the_head(fake, tmp_path, at, believed, more, depth):
    job = Job(fake, tmp_path / "work", fake.pull("topic"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def git(*words):
        subprocess.run(["git", *words], cwd=job.folder, env=environment, check=True, capture_output=True)

    git("init", "--quiet")
    git("fetch", "--quiet", *depth, (tmp_path / "model.git").as_uri(), at)
    git("reset", "--quiet", "FETCH_HEAD")  # the folder has its configuration
    if more:
        git("-c", "user.name=O", "-c", "user.email=o@example.org", "commit", "--quiet", "--allow-empty", "-m", "More")
    for run, event in enumerate(("pull_request", "pull_request_target"), start=100):
        # Nothing in this one names the head any more, and doubt blocks.
        doubt = depth and more and (event, at) == ("pull_request_target", "refs/pull/1/merge")
        job.event = event
        named = named_commit(job, tmp_path / event)
        assert (named == job.head) == (believed and not doubt)
        job.leave(good(), head=named)
        done, (*_, check) = job.run("--ended", "success", "--code", "0", run=run), fake.check_runs(job.head)
        assert check["external_id"] == f"{run}.1"
        assert (done.code, check["conclusion"]) == ((0, "success") if named == job.head else (1, "failure"))


def named_commit(job, folder):
    """Return the commit that `mlci run` names in this checkout."""
    values = job.fake.environment(job.event, job.pull, folder=folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**values, "MLCI_HEAD_SHA": ""}.items():
            patch.setenv(name, value)
        return report_context(load_configuration(job.folder / "mlci.yml")).candidate.commit


def test_publish__marker_names_the_model_of_the_run(job):
    job.leave(good())
    job.run("--ended", "success", "--code", "0")
    (comment,) = job.fake.comments(job.pull)
    assert comment["user"]["login"] == BOT
    assert comment["body"].startswith(f"<!-- mlci id={MODEL} head={job.head} run=100.1 -->\n")
