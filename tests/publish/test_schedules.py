"""Any order of the requests of several publishers, with kills: in the end one comment of the newest run."""

import pytest

from tests.publish.scheduling import Schedule
from tests.support.publish.scene import BOT, NAME, publisher, push, wide

SCHEDULES = 10


@pytest.mark.parametrize("moving", [False, True])
def test_publish__any_schedule(fake, moving):
    pull, deaths = fake.pull("topic"), 0
    for seed in range(SCHEDULES):
        first, token = 1_000 * (seed + 1), fake.token()  # a token has 1,000 requests an hour
        if seed % 3:
            for row in fake.state.all("comments", repo=fake.repo["id"], number=pull):
                fake.state.remove("comments", row)
        push(fake)  # a commit has at most 1,000 statuses
        publishers = [publisher(fake, pull, run=first + n, report=wide(2 + seed + n), token=token) for n in range(2)]
        if moving:
            push(fake)
        publishers += [publisher(fake, pull, run=first + n, report=wide(2 + seed + n), token=token) for n in (2, 3)]
        schedule = Schedule(fake, seed)
        schedule.run(publishers, deadly=0.4)
        deaths += len(schedule.killed)
        assert schedule.failures == []
        newest = publishers[-1].where
        (comment,) = fake.comments(pull)
        assert comment["user"]["login"] == BOT
        assert f" head={newest.head} run={first + 3}.1 -->" in comment["body"], seed
        assert f"{5 + seed} gates failed" in comment["body"], seed
        mine = [one for one in fake.check_runs(name=NAME) if int(one["external_id"].split(".")[0]) >= first]
        assert sorted(one["external_id"] for one in mine) == [f"{first + n}.1" for n in range(4)], seed
        assert {one["status"] for one in mine} == {"completed"}
        assert {len(one["annotations"]) for one in mine} == {2 + seed + n for n in range(4)}, seed
        assert fake.statuses(newest.head)[0]["description"] == f"blocked, all {5 + seed} gates failed", seed
    assert deaths >= SCHEDULES
