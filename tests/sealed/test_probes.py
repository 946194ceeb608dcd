"""Budget of looks at the labels: pure decisions, two gates at once, and a gate that counts before it evaluates."""

import json
import shutil
import threading
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.operations.sealed.probes import UsedBudget, next_look, record_look
from mlci.registry import ledger, verification
from mlci.registry.entries import PROBES, DayOfProbes
from mlci.registry.registry import Registry
from tests.support.registry.histories import Memory, look, stamp
from tests.support.repository import commit
from tests.support.sealed_scene import ARTIFACT, CHAMPION, NAME, PERMISSIONS, sealed_files

DAY, NEXT = "2026-05-01", "2026-05-02"
REGISTRY = "../registry"


def day(*names, pull="4", day=DAY):
    return DayOfProbes(day=day, pulls={pull: names})


@pytest.mark.parametrize(
    ("before", "found"),
    [
        (None, look()),
        (day(), look()),
        (day("6.1"), look()),
        (day("7.1"), None),
        (day("7.1", "8.1"), None),
        (day("6.1", "7.2"), UsedBudget(day=DAY, looks=2, all_looks=2)),
        (day("6.1", "6.2", "6.3"), UsedBudget(day=DAY, looks=3, all_looks=3)),
        (day("6.1", "6.2", pull="5"), look()),
        (day("6.1", "6.2", day="2026-04-30"), look()),
        (day("6.1", day=NEXT), look(day=NEXT)),
        (day("6.1", "6.2", day=NEXT), UsedBudget(day=NEXT, looks=2, all_looks=2)),
        (day(*map(str, range(PROBES)), pull="5"), UsedBudget(day=DAY, looks=0, all_looks=PROBES)),
    ],
)
def test_next_look__budget_of_two(before, found):
    assert next_look(before, look(), 2) == found


@pytest.mark.parametrize(("day", "renewal"), [("2026-12-31", "2027-01-01"), ("2028-02-28", "2028-02-29")])
def test_used_budget__renewal(day, renewal):
    assert UsedBudget(day=day, looks=1, all_looks=1).renewal == f"{renewal} 00:00 UTC"


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 3)), max_size=20), st.integers(1, 3))
def test_record_look__any_order(asked, per_day):
    memory, allowed = Memory(), set()
    for pull, run, date in asked:
        if record_look(Registry(memory, stamp()), look(pull=pull, run=run, day=f"2026-05-0{date}"), per_day) is None:
            allowed.add((pull, run))
    bodies = [entry.body for entry in ledger.iter_all(memory)]
    assert {(body.pull, body.run) for body in bodies} == allowed
    assert [body.day for body in bodies] == sorted(body.day for body in bodies)
    counts = [(body.pull, body.day) for body in bodies]
    assert all(counts.count(one) <= per_day for one in counts)
    assert verification.verify_ledger(memory).findings == ()


def test_record_look__two_gates_at_once():
    memory, gate = Memory(), threading.Barrier(2)
    append = memory.append

    def together(number, entry):
        if number == 1:
            gate.wait(10)  # both have read an empty ledger
        return append(number, entry)

    memory.append = together
    ended = []
    registry = Registry(memory, stamp())
    threads = [
        threading.Thread(target=lambda run=run: ended.append(record_look(registry, look(run=run), 1))) for run in (7, 8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(map(str, ended)) == sorted(["None", str(UsedBudget(day=DAY, looks=1, all_looks=1))])
    assert len(memory.kept) == 1


@pytest.fixture
def counted(scene):
    """The default branch with one look a day, and its registry where the job does not lose it."""
    shutil.move(scene.folder / ".mlci" / "registry", scene.folder.parent / "registry")
    configure(scene, f"registry: {REGISTRY}\nprobe: {{per_day: 1}}\n")
    return scene


def configure(scene, more):
    text = (scene.folder / "mlci.yml").read_text()
    commit(scene.folder, {"mlci.yml": text.split("registry:")[0] + more})


def bodies(scene):
    folder = next((scene.folder.parent / "registry").rglob("ledger"))
    found = [json.loads(path.read_text())["body"] for path in sorted(folder.iterdir())]
    return [body for body in found if body["kind"] == "probed"]


def test_gate__budget_used_up(counted):
    first = counted.train(sealed_files(1))
    assert (counted.gate(first).code, counted.check()["conclusion"]) == (0, "success")
    (body,) = bodies(counted)
    assert (body["pull"], body["head"], body["run"], body["attempt"]) == (counted.pull, counted.head, first, 1)
    done = counted.gate(counted.train(sealed_files(CHAMPION + 3)))
    newest = max(counted.checks(), key=lambda check: check["id"])
    assert (done.code, newest["conclusion"], counted.status()["state"]) == (2, "failure", "error")
    shown = newest["output"]["summary"]
    assert "00:00 UTC" in shown
    assert "A maintainer can raise" in shown
    assert "accuracy" not in done.out + done.err + shown + counted.comments()[0]["body"]
    assert not (counted.folder / ".mlci/out/report.json").exists()
    assert len(bodies(counted)) == 1
    configure(counted, f"registry: {REGISTRY}\nprobe: {{per_day: 2}}\n")
    assert (counted.gate(counted.train(sealed_files(1))).code, len(bodies(counted))) == (0, 2)


def test_gate__same_look_again(counted):
    run = counted.train(sealed_files(1))
    assert [counted.gate(run, attempt=attempt).code for attempt in (1, 2)] == [0, 0]
    assert len(bodies(counted)) == 1


def test_gate__failed_evaluation_counts(counted):
    broken = sealed_files(1) | {"predictions.csv": "id,p\n1,1\n"}
    assert counted.gate(counted.train(broken)).code == 2
    assert len(bodies(counted)) == 1


def test_gate__dry_run_is_not_counted(counted):
    assert counted.gate(counted.train(sealed_files(1)), "--dry-run").code == 0
    assert bodies(counted) == []


def test_gate__merge_group_is_not_counted(counted):
    """A merge group is judged past the budget of its pull requests, and in a registry that can't be written to."""
    assert counted.gate(counted.train(sealed_files(1))).code == 0
    event = counted.fake.event("merge_group", counted.pull)["merge_group"]
    branch = event["head_ref"].removeprefix("refs/heads/")
    for _ in range(2):
        run = counted.fake.run(branch=branch, name="mlci-train", event="merge_group")
        counted.fake.artifact(run, ARTIFACT, sealed_files(1))
        assert counted.gate(run).code == 0
        assert counted.status(event["head_sha"])["state"] == "success"
    assert [body["pull"] for body in bodies(counted)] == [counted.pull]
    configure(counted, "probe: {per_day: 1}\n")
    run = counted.fake.run(branch=branch, name="mlci-train", event="merge_group")
    counted.fake.artifact(run, ARTIFACT, sealed_files(1))
    done = counted.gate(run)
    assert "can't be counted" not in counted.fake.check_runs(event["head_sha"], NAME)[-1]["output"]["title"], done.err


def test_gate__registry_of_the_job(scene):
    configure(scene, "probe: {per_day: 1}\n")
    done = scene.gate(scene.train(sealed_files(1)))
    assert (done.code, scene.check()["conclusion"]) == (4, "failure")
    assert "name a registry that lasts" in scene.check()["output"]["summary"]


@pytest.mark.parametrize(("level", "code"), [("read", 4), ("write", 0)])
def test_gate__registry_in_the_repository(scene, level, code):
    configure(scene, "registry: github\nprobe: {per_day: 1}\n")
    token = scene.fake.token(PERMISSIONS | {"contents": level})
    done = scene.gate(scene.train(sealed_files(1)), token=token)
    assert done.code == code, done.err
    assert ("instead of `contents: read`" in unescape(scene.check()["output"]["summary"])) == (level == "read")
