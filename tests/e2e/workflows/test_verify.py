"""The weekly verification of the registry, by the workflow of the template."""

import json

from tests.e2e.workflows.loop import BRANCH, VERIFY, Loop, granted_permissions
from tests.e2e.workflows.world import World
from tests.support.repository import git


def alter_file(loop, version: int, name: str) -> None:
    """Replace a version's file by other bytes of the same length, which GitHub's pages do not allow."""
    found = json.loads(loop.world.mlci("show", str(version), "--json"))
    [digest] = [file["digest"] for file in found["manifest"]["files"] if file["name"] == name]
    row = loop.world.fake.state.one("assets", name=digest)
    row.update(digest=loop.world.fake.state.keep(b"x" * row["size"]))
    loop.world.fake.forget_requests()


def test_verify_workflow__whole_and_damaged_registry(tmp_path, scenario):
    with World(tmp_path / "world", production=True) as world:
        loop = Loop(world, scenario)
        run, seen = loop.weekly("nothing-yet")
        assert (run.code, run.jobs) == (0, {"verify": "success"}), run.log
        assert "the ledger is whole: 0 entries" in seen.summary

        for change in ("again", "longer"):
            run, _ = loop.merged(world.pull(change, change), f"promoted-{change}")
            assert run.code == 0, run.log
        run, seen = loop.weekly("whole")
        assert (run.code, run.jobs) == (0, {"verify": "success"}), run.log
        assert "the ledger is whole: 2 entries, 2 versions" in seen.summary
        assert "read and whole; version 2 is in production" in seen.summary
        assert run.annotations("error") == run.annotations("warning") == []
        assert [call for call in seen.calls if not call.startswith("GET ")] == []

        alter_file(loop, 1, "model.json")  # of a version that no run looks at
        run, seen = loop.weekly("a-file-was-altered")
        assert (run.code, run.jobs) == (1, {"verify": "failure"}), run.log
        [message] = run.annotations("error")
        assert f"{world.fake.name}, branch {BRANCH}: `model.json` of version 1 was altered" in message
        assert "the ledger is not whole" in seen.summary
        assert "of version 1 was altered: it is not sha256" in seen.summary
        assert "exit status 4" in run.log

        git(world.remote, "update-ref", f"refs/heads/{BRANCH}", f"{BRANCH}~1")
        run, seen = loop.weekly("cut-back")
        assert (run.code, run.jobs) == (1, {"verify": "failure"}), run.log
        [message] = run.annotations("error")
        assert "the ledger ends at entry 1, but entry 2 was there: it was cut back" in message
        assert "the ledger is not whole" in seen.summary


def test_verify_workflow__reads_only():
    assert granted_permissions(VERIFY.read_text("utf-8")) == {"contents": "read"}
