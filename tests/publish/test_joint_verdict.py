"""The joint verdict of a commit over re-runs, cancellations, kills, force pushes, events and a matrix, in any order."""

import random

import pytest

from tests.publish.joining import CELLS, SAYS, SHAS, STATES, Chain, Life, colour, expected_colour, records
from tests.support.publish.memory import Memory

ORDERS = 40


def a_life(seed, *, deadly, moving):
    """Two to five runs of up to three invocations, some of them attempted again, on one commit or two."""
    chance, memory = random.Random(seed), Memory(head=SHAS[int(moving)])
    chains = [
        Chain(
            cell=chance.choice(CELLS),
            run=run,
            sha=SHAS[chance.random() < 0.5] if moving else SHAS[0],
            says=[chance.choice(["success", "success", *SAYS]) for _ in range(chance.choice([1, 1, 2]))],
            opens=chance.random() < 0.8,
        )
        for run in range(1, chance.randint(3, 6))
    ]

    def look():
        """Never green while the newest attempt of any invocation blocks or did not finish."""
        for sha in SHAS:
            if colour(memory, sha) == ("success", "success"):
                assert expected_colour(records(memory, sha)) in {"success", None}, seed

    life = Life(memory, chance, deadly, look)
    life.play(chains)
    look()
    return life


def play_to_the_end(life, sha, seed):
    """The colour and the comment of a commit on which every process came to its end; whether there is one answer."""
    memory, entries = life.memory, records(life.memory, sha)
    says = {(chain.run, number): one for chain in life.chains for number, one in enumerate(chain.says, start=1)}
    assert all(one.own == says[one.run, one.attempt] for one in entries), seed
    worst = expected_colour(entries)
    if worst is None or not entries:
        return False
    check, state = colour(memory, sha)
    assert (check, state) == ({"error": "failure"}.get(worst, worst), STATES[worst]), seed
    if sha == memory.head and any(one.key != CELLS[-1].key for one in entries):  # a push makes no comment
        (comment,) = memory.comments
        first, heading = comment.body.splitlines()[:2]
        assert f" head={sha} " in first, seed
        assert ("✅" in heading) == (worst == "success"), seed
        assert ("evaluations of this commit" in heading) == (len({one.key for one in entries}) > 1), seed
    return True


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("deadly", [0.0, 0.5])
def test_colour__worst_of_the_newest_attempts_in_every_order(deadly, moving):
    exact = 0
    for seed in range(ORDERS):
        life = a_life(seed, deadly=deadly, moving=moving)
        assert life.troubles == [], seed
        if not life.lost:
            exact += sum([play_to_the_end(life, sha, seed) for sha in SHAS])
    assert exact >= ORDERS // 8
