"""Production by the workflows of the templates: the model's issue, and an experiment that rolls back."""

from datetime import timedelta

from tests.e2e.after_merge.production import (
    EXPERIMENT_SECTION,
    MONITOR_SECTION,
    WEEK,
    Week,
    experiment_files,
    monitored_files,
    this_monday,
)
from tests.e2e.workflows.loop import EXPERIMENT, MONITOR

STEP = "        id: monitor\n"


def watch_at(folder, now):
    """Return the template with a clock: windows up to ``now`` are complete."""
    text = MONITOR.read_text("utf-8")
    assert text.count(STEP) == 1
    path = folder / MONITOR.name
    path.write_text(text.replace(STEP, f'{STEP}        with: {{now: "{now:%Y-%m-%dT%H:%M}"}}\n'), "utf-8")
    return path


def test_monitor__issue_opened_updated_and_closed(loop, tmp_path):
    world, today = loop.world, this_monday()
    world.configure(MONITOR_SECTION)
    world.promote()

    def watch(weeks, name, workflow):
        begins = [today - (4 - place) * WEEK for place in range(len(weeks))]
        log = [Week(at, turned=turned) for at, turned in zip(begins, weeks, strict=True)]
        world.commit(monitored_files(world.work / "model.json", log))
        run, _ = loop.started(workflow, "schedule", name)
        assert (run.code, run.jobs) == (0, {"monitor": "success"}), run.log
        [issue] = world.fake.issues()
        loop.scenario.markdown(f"{loop.steps}-issue", {issue["title"]: issue["body"]})
        loop.scenario.saw(f"issue {issue['state']}: {issue['title']}")
        return run, issue

    run, opened = watch([False, True], "opened", watch_at(tmp_path, today - 2 * WEEK))
    since = f"{today - 3 * WEEK:%Y-%m-%d}"
    assert (opened["state"], opened["title"]) == ("open", f"mlci monitor: churn, alarm since {since}")
    assert opened["labels"] == ["mlci-monitor"]
    assert run.outputs("monitor")["state"] == "alarm"
    assert [event["event_type"] for event in world.fake.dispatches()] == ["mlci-retrain"]
    assert (world.artifact("mlci-monitor") / "monitor.html").is_file()

    run, updated = watch([False, True, True], "updated", watch_at(tmp_path, today - WEEK + timedelta(hours=5)))
    assert (updated["number"], updated["state"]) == (opened["number"], "open")
    assert updated["body"] != opened["body"]
    assert len(world.fake.dispatches()) == 1

    run, closed = watch([False, True, True, False, False], "closed", MONITOR)
    assert (closed["number"], closed["state"], closed["title"]) == (
        opened["number"],
        "closed",
        "mlci monitor: churn, well",
    )
    assert (run.outputs("monitor")["state"], len(world.fake.dispatches())) == ("ok", 1)
    outcomes = [entry["body"]["outcome"] for entry in loop.ledger() if entry["body"]["kind"] == "monitored"]
    assert outcomes[-1] == "ok"
    assert "alarm" in outcomes


def test_experiment__keeps_going_then_rolls_the_registry_back(loop):
    world = loop.world
    world.configure(EXPERIMENT_SECTION, experiment_files(300, control=0.8, treatment=0.8))
    world.promote()
    world.merge(world.pull("second", "better"))
    world.promote()
    run, _ = loop.started(EXPERIMENT, "schedule", "keep-going")
    assert (run.code, run.jobs) == (0, {"experiment": "success"}), run.log
    assert "churn: keep going" in "\n".join(run.summaries)
    assert loop.champion() == 2

    world.commit(experiment_files(4_000, control=0.8, treatment=0.6))
    run, _ = loop.started(EXPERIMENT, "schedule", "rolled-back")
    assert (run.code, run.jobs) == (1, {"experiment": "failure"}), run.log
    assert "churn: roll back" in "\n".join(run.summaries)
    assert (world.artifact("mlci-experiment") / "experiment.html").is_file()
    last = loop.ledger()[-1]["body"]
    assert (loop.champion(), last["kind"], last["version"], last["replaced"]) == (1, "rollback", 1, 2)
    assert "stayed" in last["reason"]
