"""Waivers by comment under sealed mode: from the comment to the verdict, and comments that are refused."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.workflows.sealed import SealedLoop
from tests.e2e.workflows.world import World

MAINTAINER, AUTHOR = "dana", "octocat"


def soon():
    """Return a day on which a waiver may end."""
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


@pytest.fixture
def sealed(tmp_path, scenario):
    """A model in production, a maintainer who wrote none of it, and its author, who is an administrator."""
    with World(tmp_path / "world", production=True) as world:
        world.promote()
        world.fake.email("octocat@example.org", AUTHOR)
        world.fake.role(MAINTAINER, "maintain")
        world.fake.role(AUTHOR, "admin")
        yield SealedLoop(world, scenario)


def test_sealed__waiver_by_comment(sealed):
    """Refused by the author; given by a maintainer, it makes the verdict a warning; a new push voids it."""
    world = sealed.world
    number = world.pull("candidate", "regression", fork=True)
    head = world.fake.head(number)
    training, judging = sealed.predicted(number), sealed.judging()
    run, seen = sealed.gate(training, "blocked", sha=head, number=number, run_id=judging)
    sealed.end(judging, run)
    assert (run.code, seen.check["conclusion"]) == (1, "failure"), run.log
    line = re.search(r"/mlci waive .*", seen.comment)
    assert line is not None, seen.comment
    text = line[0].replace("YYYY-MM-DD", soon()).replace("…", "known label noise in May")
    assert text.endswith(head)

    run, answers = sealed.command(number, text, AUTHOR)
    assert run.code == 0, run.log
    assert "is an author of this change" in answers[-1]
    assert waived(sealed) == []

    run, answers = sealed.command(number, text, MAINTAINER)
    assert run.code == 0, run.log
    assert "is waived on" in answers[-1]
    assert [body["person"] for body in waived(sealed)] == [MAINTAINER]
    assert world.fake.state.one("runs", id=judging)["attempt"] == 2  # the gate starts again, and nothing is trained

    run, seen = sealed.gate(training, "waived", sha=head, number=number, run_id=judging, attempt=2)
    assert (run.code, run.jobs) == (0, {"gate": "success"}), run.log
    newest = max(seen.checks, key=lambda check: check["id"])
    comment = next(one["body"] for one in seen.comments if not one["body"].startswith("<!-- mlci-answer"))
    assert (newest["conclusion"], seen.status) == ("success", "success")
    assert "1 waived" in newest["output"]["title"]
    for shown in (newest["output"]["summary"], comment):
        assert MAINTAINER in shown
        assert "known label noise in May" in shown

    world.push("candidate", "again", to=world.fake.fork())
    run, answers = sealed.command(number, text, MAINTAINER)
    assert run.code == 0, run.log
    assert f"the head commit is {world.fake.head(number)}" in answers[-1].replace("<!-- -->", "")
    assert len(waived(sealed)) == 1
    sealed.scenario.saw("refused by the author; given by a maintainer, the verdict is a warning; void after a push")


def waived(sealed):
    """Return the waivers in the ledger."""
    return [body for body in sealed.recorded() if body["kind"] == "waived"]
