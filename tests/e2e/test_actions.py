"""mlci's actions on the harness, which covers what act does not: the job's status, and variables of each step."""

import subprocess
import sys

import pytest

from tests.e2e.harness.composite import use
from tests.e2e.harness.job import Job
from tests.e2e.machine import STANDINS, checkout, environment
from tests.e2e.workflows.seen import CHECK
from tests.e2e.workflows.world import World


@pytest.fixture
def world(request, tmp_path):
    """A repository; with the parameter ``production``, one that is its own registry."""
    with World(tmp_path / "world", production=getattr(request, "param", None) == "production") as repository:
        yield repository


IN_PRODUCTION = pytest.mark.parametrize("world", ["production"], indirect=True)


@pytest.fixture
def start(world, language, tmp_path):
    """Begin a job for an event, at the point where the commit of the run is checked out."""

    def begin(event: str, number: int, *, fork: bool = False) -> Job:
        variables = world.fake.environment(event, number, folder=tmp_path / "event")
        facts = {name.removeprefix("GITHUB_").lower(): value for name, value in variables.items() if "GITHUB_" in name}
        unwanted = {"output", "step_summary", "env"}
        github = {name: value for name, value in facts.items() if name not in unwanted}
        github |= {"event": world.fake.event(event, number), "token": world.fake.token(fork=fork)}
        standins = {f"actions/{folder.name}": folder for folder in STANDINS.iterdir() if folder.is_dir()}
        machine = environment(tmp_path / "home") | {
            "E2E_REMOTE": str(world.remote),
            "E2E_ARTIFACTS": str(tmp_path / "artifacts"),
        }
        job = Job(language=language, scratch=tmp_path / "job", github=github, machine=machine, standins=standins)
        assert use(job, STANDINS / "checkout", given={"fetch-depth": "0"}).outcome == "success"
        return job

    return begin


def keep(scenario, world, ran, sha):
    """Keep what was seen; the line on the terminal has the check's conclusion."""
    scenario.text("steps.txt", ran.outline() + "\n")
    scenario.text("log.txt", ran.log)
    scenario.facts("checks.json", world.fake.check_runs(sha))
    [check] = world.fake.check_runs(sha)
    assert check["name"] == CHECK
    steps = ", ".join(f"{step.name} {step.outcome}" for step in ran.steps if step.outcome != "success")
    scenario.saw(
        f"check {check['conclusion'] or check['status']}, action {ran.outcome} ({steps or 'every step ran well'})"
    )
    return check


def test_action__whole_run_in_one_step(world, start, scenario):
    number = world.pull("candidate", "better")
    job = start("pull_request", number)
    ran = use(job, checkout())
    check = keep(scenario, world, ran, world.fake.head(number))

    assert ran.outcome == "success", ran.log
    assert ran.outputs["verdict"] == "pass"
    assert ran.outputs["comment-url"] == world.fake.comments(number)[0]["html_url"]
    assert check["conclusion"] == "success"
    assert all(not step.set_env and not step.set_path for step in ran.every())  # nothing leaks into later steps


def test_action__token_in_publishing_steps_only(world, start, scenario):
    number = world.pull("candidate", "better")
    job = start("pull_request", number)
    ran = use(job, checkout())
    keep(scenario, world, ran, world.fake.head(number))
    token = job.github["token"]
    holders = [step.name for step in ran.every() if token in step.environment.values()]
    scenario.saw(f"token seen by: {', '.join(holders)}")
    assert holders == ["Open the check", "Fetch the baseline", "Publish"]
    assert token not in ran.log


def test_action__empty_and_odd_output_folders(world, start, scenario):
    """`out: ${{ vars.OUT }}` is empty if the variable is not set."""
    number = world.pull("candidate", "better")
    job = start("pull_request", number)
    for given, folder in (("", ".mlci/out"), ("-o u't $(touch ran)", "-o u't $(touch ran)")):
        ran = use(job, checkout(), given={"out": given})
        check = keep(scenario, world, ran, world.fake.head(number))
        assert (ran.outcome, ran.outputs["verdict"], check["conclusion"]) == ("success", "pass", "success"), ran.log
        assert ran.outputs["report"] == f"{folder}/report.json"
        assert (job.workspace / ran.outputs["report"]).is_file()
    assert not list(job.workspace.rglob("ran"))


@IN_PRODUCTION
def test_action__no_token_in_any_parent_process_of_training(world, start, scenario):
    """Also not for root, to whom every process's first environment is visible."""
    number = world.pull("candidate", "spy")
    ran = use(start("pull_request", number), checkout())
    check = keep(scenario, world, ran, world.fake.head(number))
    assert (ran.outputs["verdict"], check["conclusion"]) == ("warn", "success"), ran.log
    found = subprocess.run(
        [sys.executable, "train.py"], cwd=world.work, env={"A": "ghs_x"}, capture_output=True, text=True, check=False
    )
    assert found.stderr == "here is a token\n"


@IN_PRODUCTION
def test_action__registry_refuses_access(world, start, scenario):
    number = world.pull("candidate", "better")
    world.fake.fail("GET", "/git/ref/*", status=403, times=0)
    ran = use(start("pull_request", number), checkout())
    check = keep(scenario, world, ran, world.fake.head(number))
    assert (ran.outcome, ran.outputs["verdict"], check["conclusion"]) == ("failure", "error", "failure"), ran.log
    assert [step.outcome for step in ran.steps if step.name == "Train, evaluate, judge"] == ["skipped"]


@IN_PRODUCTION
def test_action__token_in_one_step_of_promote_and_rollback(world, start, scenario):
    number = world.pull("candidate", "better")
    job = start("pull_request", number)
    job.github["token"] = world.fake.token({"contents": "write"})
    judged = use(job, checkout(), given={"publish": "false", "bundle": "true"})
    assert judged.outcome == "success", judged.log
    assert judged.outputs["artifact-id"]
    promoted = use(job, checkout() / "actions" / "promote", given={"note": "by hand"})
    assert promoted.outcome == "success", promoted.log
    found = {name: promoted.outputs[name] for name in ("promoted", "version", "replaced", "verdict")}
    assert found == {"promoted": "true", "version": "1", "replaced": "", "verdict": "warn"}
    again = use(job, checkout() / "actions" / "promote")
    assert (again.outcome, again.outputs["promoted"], again.outputs["version"]) == ("success", "false", "1")
    back = use(job, checkout() / "actions" / "rollback", given={"version": "7", "reason": "a test"})
    assert (back.outcome, back.outputs["rolled-back"]) == ("failure", "")
    assert "has no version 7" in back.log
    stay = use(
        job, checkout() / "actions" / "rollback", given={"version": "1", "reason": "a test"}, condition="always()"
    )
    assert (stay.outcome, stay.outputs["rolled-back"], stay.outputs["version"]) == ("success", "false", "1")
    for ran, names in ((promoted, ["Promote"]), (stay, ["Roll back"]), (judged, ["Fetch the baseline"])):
        assert [step.name for step in ran.every() if job.github["token"] in step.environment.values()] == names
    scenario.text("log.txt", "\n".join(ran.log for ran in (judged, promoted, again, back, stay)))
    scenario.saw("version 1 promoted, once; a version that is not there refused")


def test_action__blocked_change_reports_first_and_fails_last(world, start, scenario):
    number = world.pull("candidate", "regression")
    ran = use(start("pull_request", number), checkout())
    check = keep(scenario, world, ran, world.fake.head(number))
    assert (ran.outcome, ran.outputs["verdict"], check["conclusion"]) == ("failure", "block", "failure")
    assert [step.name for step in ran.steps if step.outcome == "failure"] == [ran.steps[-1].name]


def test_action__crash_that_prints_commands(world, start, scenario):
    number = world.pull("candidate", "crash")
    ran = use(start("pull_request", number), checkout())
    check = keep(scenario, world, ran, world.fake.head(number))
    assert (ran.outcome, ran.outputs["verdict"], check["conclusion"]) == ("failure", "error", "failure")
    assert "did not finish" in world.fake.comments(number)[0]["body"]


def test_action__run_without_an_exit_code(world, start, scenario):
    """Training ends the shell that waits for mlci, and leaves a passing report of this commit."""
    number = world.pull("candidate", "kill")
    job = start("pull_request", number)
    first = use(job, checkout())
    assert first.outputs["verdict"] == "pass", first.log
    (job.workspace / first.outputs["report"]).rename(job.workspace / "earlier.json")
    ran = use(job, checkout())
    check = keep(scenario, world, ran, world.fake.head(number))
    assert (ran.outcome, ran.outputs["verdict"], check["conclusion"]) == ("failure", "error", "failure"), ran.log
    assert (job.workspace / ".mlci/out/report.json").read_bytes() == (job.workspace / "earlier.json").read_bytes()
    assert "did not finish" in world.fake.comments(number)[0]["body"]


def test_action__cancelled_or_timed_out_run(world, start, scenario):
    """A job's `timeout-minutes` cancels it, so that both are one case."""
    number = world.pull("candidate", "slow")
    job = start("pull_request", number)
    job.stop = (job.workspace / "started").exists
    ran = use(job, checkout())
    check = keep(scenario, world, ran, world.fake.head(number))
    assert (check["status"], check["conclusion"]) == ("completed", "cancelled"), ran.log
    assert "the evaluation was cancelled" in world.fake.comments(number)[0]["body"]
    assert ran.outputs["verdict"] == "error"


def test_action__failure_of_an_earlier_step(world, start, scenario):
    """Inside of an action `job.status` is the job's; under act it is that of the action's own steps."""
    number = world.pull("candidate", "crash")
    job = start("pull_request", number)
    actions = checkout() / "actions"
    assert use(job, actions / "publish", given={"open": "true"}).outcome == "success"
    assert use(job, actions / "evaluate").outcome == "failure"
    assert use(job, actions / "gate").outcome == "skipped"
    ran = use(job, actions / "publish", condition="always()")
    check = keep(scenario, world, ran, world.fake.head(number))
    assert (ran.outputs["verdict"], check["conclusion"]) == ("error", "failure")
