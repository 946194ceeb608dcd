"""Costs of pull requests in the registry, by the workflow of the template."""

import json
import re

import pytest

from tests.e2e.workflows.loop import COSTS
from tests.e2e.workflows.seen import look

PRICE = 0.09
COST = f"""
cost:
  runners: {{"*": {PRICE}}}
  budget_usd_per_month: 50
"""


def test_costs__recorded_for_each_pull_request_of_the_repository(loop):
    world = loop.world
    world.configure(COST)
    world.promote()

    def judged(branch, change, *, fork=False):
        number = world.pull(branch, change, fork=fork)
        token = world.fake.token(fork=True) if fork else loop.token(COSTS)
        run = world.start(COSTS, "pull_request", number, token=token)
        return run, look(world, loop.scenario, run, number=number, sha=world.fake.head(number), step=branch)

    run, _ = judged("better", "better")
    assert (run.code, run.jobs) == (0, {"mlci": "success", "costs": "success"}), run.log
    _, recorded = (entry["body"] for entry in loop.ledger())
    assert (recorded["kind"], recorded["micro_usd"]) == ("cost", round(recorded["minutes"] * PRICE * 1e6))
    assert recorded["minutes"] >= 1

    run, seen = judged("worse", "regression")
    assert (run.code, run.jobs) == (1, {"mlci": "failure", "costs": "success"}), run.log
    assert re.search(r"In \d{4}-\d\d: \S+ USD with this run, 0 % of the budget of 50.00 USD", seen.page)
    [model] = json.loads(world.mlci("costs", "--json"))["models"]
    assert [sum(month[key] for month in model["months"]) for key in ("runs", "unpriced")] == [2, 0]
    assert all(month["usd"] == pytest.approx(month["minutes"] * PRICE) for month in model["months"])

    run, _ = judged("forked", "documentation", fork=True)
    assert (run.code, run.jobs) == (0, {"mlci": "success"}), run.log
    assert [entry["body"]["kind"] for entry in loop.ledger()] == ["promotion", "cost", "cost"]
