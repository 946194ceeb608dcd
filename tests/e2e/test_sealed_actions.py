"""Both actions of sealed mode on the harness, and artifacts that no honest training uploads, each refused by name."""

import io
import json
import zipfile

import pytest

from tests.e2e.harness.composite import use
from tests.e2e.harness.job import Job
from tests.e2e.machine import STANDINS, checkout, environment
from tests.e2e.workflows.loop import granted_permissions
from tests.e2e.workflows.sealed import ARTIFACT, GATE, SealedLoop, files_of
from tests.e2e.workflows.world import World


@pytest.fixture
def sealed(tmp_path, scenario):
    with World(tmp_path / "world", production=True) as world:
        world.promote()
        yield SealedLoop(world, scenario)


@pytest.fixture
def job_for(sealed, language, tmp_path):
    """Return a function that begins a job for an event, with the commit of the run checked out."""

    def begin(event, number=None, *, token, name, **facts):
        fake = sealed.world.fake
        variables = fake.environment(event, number, folder=tmp_path / f"event-{name}", **facts)
        unwanted = {"output", "step_summary", "env"}
        github = {key.removeprefix("GITHUB_").lower(): value for key, value in variables.items() if "GITHUB_" in key}
        github = {key: value for key, value in github.items() if key not in unwanted}
        github |= {"event": fake.event(event, number, **facts), "token": token}
        machine = environment(tmp_path / "home") | {
            "E2E_REMOTE": str(sealed.world.remote),
            "E2E_ARTIFACTS": str(tmp_path / "artifacts"),
        }
        standins = {f"actions/{folder.name}": folder for folder in STANDINS.iterdir() if folder.is_dir()}
        job = Job(language=language, scratch=tmp_path / name, github=github, machine=machine, standins=standins)
        assert use(job, STANDINS / "checkout").outcome == "success"
        return job

    return begin


def archive(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return data.getvalue()


def oversized(files):
    """Return an archive of under a megabyte whose predictions inflate to more than 512 MiB."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        target.writestr("manifest.json", files["manifest.json"])
        with target.open("predictions.csv", "w") as stream:
            for _ in range(600):
                stream.write(bytes(1 << 20))
    return data.getvalue()


def perfect(predictions, labels):
    """Return predictions that know the labels of a table."""
    head, *rows = predictions.decode().splitlines()
    known = dict(labels)
    return "\n".join([head, *(f"{row.split(',')[0]},{known[row.split(',')[0]]}.0" for row in rows)]).encode() + b"\n"


FORGED = b'{"roc_auc": 1.0}'
HOSTILE = {
    "forged metrics beside the predictions": lambda f: archive({**f, "report.json": FORGED}),
    "forged metrics in place of predictions": lambda f: archive(
        {"report.json": FORGED, "manifest.json": f["manifest.json"]}
    ),
    "forged metrics in the manifest's place": lambda f: archive({**f, "manifest.json": FORGED}),
    "zip slip": lambda f: archive({"predictions.csv": f["predictions.csv"], "../../mlci.yml": b"gates: []"}),
    "oversized": oversized,
    "a row of no customer": lambda f: archive({**f, "predictions.csv": f["predictions.csv"] + b"77777,0.5\n"}),
}
REASONS = {
    "forged metrics beside the predictions": "it has 3 entries, and 2 entries are the most",
    "forged metrics in place of predictions": "it holds 'report.json'",
    "zip slip": "leads out of the archive",
    "oversized": "are the most",
    "a row of no customer": "has more rows than the evaluation set's 900",
}


def test_sealed_actions__hostile_artifacts(sealed, job_for, scenario):
    """One checkout of main judges all of them, as runs of one machine would."""
    world = sealed.world
    fake = world.fake
    number, other = world.pull("candidate", "better", fork=True), world.pull("other", "again")
    job = job_for("pull_request", number, token=fake.token(fork=True), name="train")
    trained = use(job, checkout() / "actions" / "sealed-predict")
    assert trained.outcome == "success", trained.log
    assert trained.outputs["artifact"] == ARTIFACT
    assert all(job.github["token"] not in step.environment.values() for step in trained.every())
    [folder] = (job.scratch.parent / "artifacts" / job.github["run_id"]).iterdir()
    honest = files_of(folder)
    assert sorted(honest) == ["manifest.json", "predictions.csv"]

    manifest = json.loads(honest["manifest.json"]) | {"pull_request": other, "commit": fake.head(other)}
    cases = {name: make(honest) for name, make in HOSTILE.items()}
    cases["another pull request in the manifest"] = archive({**honest, "manifest.json": json.dumps(manifest)})
    gate, seen = None, {}
    for name, data in cases.items():
        run = sealed.requested(number, status="completed", conclusion="success")
        fake.artifact(run, ARTIFACT, data)
        token = fake.token(granted_permissions(GATE.read_text("utf-8")))
        if gate is None:
            gate = job_for("workflow_run", token=token, name="gate", of=run)
        gate.github |= {"event": fake.event("workflow_run", of=run), "token": token, "run_id": str(run)}
        event = job_event(gate, tmp=gate.scratch, payload=gate.github["event"])
        gate.github["event_path"] = event
        ran = use(gate, checkout() / "actions" / "sealed-gate", condition="always()")
        check = fake.check_runs(fake.head(number))[-1]
        scenario.text(f"{name}.log", ran.log)
        text = f"{check['output']['title']} {check['output']['summary']} {check['output']['text']}"
        seen[name] = (ran.outcome, check["conclusion"], REASONS.get(name, "") in text)
        scenario.text(f"{name}.md", text)
        ignored = name not in REASONS
        scenario.saw(f"{name}: {'ignored' if ignored else 'refused'}")
        assert [step.name for step in ran.every() if token in step.environment.values()] == ["Judge and publish"]
    refused, ignored = ("failure", "failure", True), ("success", "success", True)
    assert seen == {name: refused if name in REASONS else ignored for name in cases}
    assert fake.check_runs(fake.head(other)) == []
    assert not any(path.name == "mlci.yml" for path in gate.scratch.parent.iterdir())


def job_event(job, *, tmp, payload):
    path = tmp / f"event-{job.github['run_id']}.json"
    path.write_text(json.dumps(payload), "utf-8")
    return str(path)


def test_sealed_actions__stale_head_and_swapped_labels(sealed, job_for, scenario):
    world = sealed.world
    fake = world.fake
    fork = fake.fork()
    first = world.push("candidate", "regression", to=fork)
    number = fake.pull("candidate", fork=True)
    run = sealed.requested(number)
    predictions = (world.work / "holdout.csv").read_text("utf-8").splitlines()
    rows = [(line.split(",")[0], line.split(",")[-1]) for line in predictions[1:]]
    swapped = [(key, str(1 - int(label))) for key, label in rows]  # as the fork's own labels say
    honest = ("customer,score\n" + "".join(f"{key},0.5\n" for key, _ in rows)).encode()
    fake.change_run(run, status="completed", conclusion="success")
    fake.artifact(run, ARTIFACT, archive({"predictions.csv": perfect(honest, swapped), "manifest.json": b"{}"}))
    token = fake.token(granted_permissions(GATE.read_text("utf-8")))
    gate = job_for("workflow_run", token=token, name="gate", of=run)
    ran = use(gate, checkout() / "actions" / "sealed-gate")
    check = fake.check_runs(first)[-1]
    assert (ran.outcome, check["conclusion"]) == ("failure", "failure"), ran.log
    assert "churn: blocked, all 4 gates failed" in fake.comments(number)[0]["body"]

    world.push("candidate", "again", to=fork)
    comment = fake.comments(number)[0]["body"]
    stale = sealed.requested(number)
    fake.change_run(stale, head_sha=first, status="completed", conclusion="success")
    fake.artifact(stale, ARTIFACT, archive({"predictions.csv": perfect(honest, rows), "manifest.json": b"{}"}))
    gate.github |= {"event": fake.event("workflow_run", of=stale), "run_id": str(stale)}
    gate.github["event_path"] = job_event(gate, tmp=gate.scratch, payload=gate.github["event"])
    ran = use(gate, checkout() / "actions" / "sealed-gate", condition="always()")
    check = fake.check_runs(first)[-1]
    assert check["conclusion"] == "cancelled", ran.log
    assert "a newer commit replaced this one" in check["output"]["title"]
    assert fake.check_runs(fake.head(number)) == []
    assert fake.comments(number)[0]["body"] == comment
    scenario.saw("labels of the fork ignored; perfect predictions for a stale head concluded as cancelled")
