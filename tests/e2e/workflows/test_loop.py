"""Production from the first pull request to a rollback, by the workflows of the templates."""

import re
import threading

import pytest

from tests.e2e.workflows import act
from tests.e2e.workflows.loop import PROMOTE, REPRODUCE, ROLLBACK, Loop, granted_permissions
from tests.e2e.workflows.world import World


@pytest.fixture
def loop(tmp_path, scenario):
    with World(tmp_path / "world", production=True) as world:
        yield Loop(world, scenario)


def list_writes(seen):
    """Return the content that a run wrote on GitHub, by kind."""
    calls = (call for call in seen.calls if not call.startswith("GET "))
    return {call.split("/")[1] for call in calls}


def test_lifecycle__whole_loop(loop):
    run, first, number = loop.judged("first", "again", "first-pull-request")
    assert run.code == 0, run.log
    assert "no baseline yet; it is recorded when this merges" in first.comment
    assert "ROC AUC" in first.comment  # the gate on the model's own value is judged
    assert first.check["conclusion"] == "success"

    run, seen = loop.merged(number, "merged-and-promoted")
    assert (run.code, run.jobs) == (0, {"retrain": "success", "promote": "success"}), run.log
    assert "version 1 of churn is in production; it is the first one" in "\n".join(run.summaries)
    assert loop.champion() == 1

    run, better, number = loop.judged("better", "better", "better-candidate")
    assert (run.code, better.check["conclusion"]) == (0, "success"), run.log
    assert "version 1" in better.comment
    assert list_writes(better) <= {"check-runs", "statuses", "issues"}  # a pull request only reads the registry

    run, seen = loop.merged(number, "better-promoted")
    assert run.code == 0, run.log
    assert "version 2 of churn is in production; it replaces version 1" in "\n".join(run.summaries)
    assert seen.check["conclusion"] == "success"
    assert loop.champion() == 2

    run, blocked, number = loop.judged("worse", "regression", "regression-blocked")
    assert (run.code, blocked.check["conclusion"], blocked.status) == (1, "failure", "failure"), run.log
    assert "ROC AUC fell from" in blocked.page
    assert "version 2" in blocked.comment

    run = loop.by_hand(ROLLBACK, "rolled-back", version="", reason="scores drift since Monday")
    assert (run.code, run.jobs) == (0, {"rollback": "success"}), run.log
    assert "version 1 is in production again" in "\n".join(run.summaries)
    assert loop.champion() == 1

    run, after = loop.again(number, "judged-against-the-one-before")
    assert [check["conclusion"] for check in after.checks] == ["failure"] * 2  # one of each run
    assert run.code == 1, run.log
    assert "version 1" in after.comment

    run = loop.by_hand(REPRODUCE, "trained-again", version="2", runs="2")
    assert (run.code, run.jobs) == (0, {"reproduce": "success", "record": "success"}), run.log
    assert "Version 2 is reproduced: the same bytes, and the same predictions" in run.output

    assert loop.verified()
    assert "version 2, trained again: identical (2 trainings; entry 4)" in "\n".join(run.summaries)
    promoted, again, back, trained = loop.ledger()
    kinds = [entry["body"]["kind"] for entry in (promoted, again, back, trained)]
    assert kinds == ["promotion", "promotion", "rollback", "reproduced"]
    assert (trained["body"]["version"], trained["state"]["reproduced"]) == (2, {"2": 4})
    assert back["body"]["reason"] == "scores drift since Monday"
    assert {entry["by"]["actor"] for entry in (promoted, again, back)} == {"octocat"}
    assert back["by"]["run"].endswith("/actions/runs/1006")


def test_lifecycle__two_merges_at_once(loop):
    """As if the workflow had no queue: GitHub lets the second run wait, and act does not."""
    run, _ = loop.merged(loop.world.pull("first", "better"), "first-version")  # and what both share of this machine
    assert run.code == 0, run.log
    starts, merges = [], []
    for change in ("again", "longer"):
        merges.append(loop.world.merge(loop.world.pull(change, change)))
        starts.append(loop.promotion())
    runs = [None, None]

    def start(index):
        runs[index] = act.run(starts[index])

    threads = [threading.Thread(target=start, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, run in enumerate(runs):
        loop.scenario.text(f"2-{index}-act.log", run.log)
        loop.scenario.markdown(f"2-{index}-summary", {str(i): text for i, text in enumerate(run.summaries, 1)})
    assert runs[1].code == 0, runs[1].log

    assert loop.verified()
    promotions = [entry for entry in loop.ledger() if entry["body"]["kind"] == "promotion"]
    versions = [(entry["body"]["version"], entry["body"]["replaced"]) for entry in promotions]
    if runs[0].code == 0:
        assert versions == [(1, None), (2, 1), (3, 2)]
        assert [entry["by"]["commit"] for entry in promotions[1:]] == merges
    else:  # the later merge was faster, and the earlier one's build does not replace it
        assert versions == [(1, None), (2, 1)]
        assert promotions[1]["by"]["commit"] == merges[1]
        assert "was made from the later commit" in "\n".join(runs[0].summaries)
    again = [run for run in runs if "re-evaluated because" in "\n".join(run.summaries)]
    order = " then ".join(str(merges.index(entry["by"]["commit"]) + 1) for entry in promotions[1:])
    loop.scenario.saw(f"merge {order}; {len(again)} of two was judged again, against the other")


def test_lifecycle__only_the_promoting_job_may_write_contents():
    """GitHub would grant this, whatever act passes."""
    text = PROMOTE.read_text("utf-8")
    retrain, promote, attest = re.split(r"\n  (?:promote|attest):\n", text)
    assert granted_permissions(retrain) == {"contents": "read", "checks": "write", "statuses": "write"}
    assert granted_permissions(promote) == {"contents": "write"}
    assert granted_permissions(attest) == {"contents": "read", "id-token": "write", "attestations": "write"}
