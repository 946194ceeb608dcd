"""Both modes on the same pull requests: the actions' commands, against the fake of GitHub that counts requests."""

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.workflows.sealed import ARTIFACT, TRAIN_RUN, checkout_of, files_of, variables_of
from tests.e2e.workflows.world import World


@dataclass
class ModeCosts:
    """Costs of one mode, a value for each pull request.

    Attributes:
        jobs: Jobs that a pull request starts, each of which sets mlci up.
        commands: Seconds of each command.
        requests: Requests to GitHub.
    """

    jobs: int
    commands: dict[str, list[float]] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)

    def seconds(self, *names: str) -> float:
        """Return the median of the seconds of all commands, or of some, added up."""
        chosen = [self.commands[name] for name in names or self.commands]
        return statistics.median(map(sum, zip(*chosen, strict=True)))


def measure_modes(scratch: Path, times: int) -> dict[str, ModeCosts]:
    """Let both modes judge as many pull requests each, in turns, with a model in production."""
    found = {"one job": ModeCosts(jobs=1), "sealed": ModeCosts(jobs=3)}
    with World(scratch / "world", production=True) as world:
        world.promote()
        for turn in range(times + 1):  # the first one of each mode fills file caches, and does not count
            for name, judge in (("one job", _one_job), ("sealed", _sealed)):
                costs = ModeCosts(jobs=found[name].jobs) if turn == 0 else found[name]
                world.fake.forget_requests()
                judge(world, f"change-{name.replace(' ', '-')}-{turn}", costs)
                costs.requests.append(len(world.fake.requests))
    return found


def _one_job(world: World, branch: str, costs: ModeCosts) -> None:
    number = world.pull(branch, "better")
    folder, variables = checkout_of(world, f"refs/pull/{number}/merge"), variables_of(world, "pull_request", number)
    _timed(costs, "open", folder, variables, "publish", "--open")
    _timed(costs, "fetch", folder, variables, "fetch")
    copied = (Path(variables["GITHUB_OUTPUT"]).read_text("utf-8")).split("fetched<<")[1].splitlines()[1]
    plain = {name: value for name, value in variables.items() if name != "MLCI_TOKEN"}
    _timed(costs, "run", folder, plain, "run", f"--fetched={copied}")
    _timed(costs, "publish", folder, variables, "publish", "--ended=success", "--code=0")


def _sealed(world: World, branch: str, costs: ModeCosts) -> None:
    number = world.pull(branch, "better", fork=True)
    main, change = checkout_of(world, "main"), checkout_of(world, f"refs/pull/{number}/merge")
    run = world.fake.run(number, **TRAIN_RUN)
    _timed(costs, "open", main, variables_of(world, "workflow_run", of=run, action="requested"), "sealed", "open")
    variables = variables_of(world, "pull_request", number)
    plain = {name: value for name, value in variables.items() if name != "MLCI_TOKEN"}
    _timed(costs, "predict", change, plain, "sealed", "predict")
    world.fake.change_run(run, status="completed", conclusion="success")
    world.fake.artifact(run, ARTIFACT, files_of(change / ".mlci" / "sealed"))
    _timed(costs, "gate", main, variables_of(world, "workflow_run", of=run), "sealed", "gate")


def _timed(costs: ModeCosts, name: str, folder: Path, variables: Mapping[str, str], *words: str) -> None:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "mlci", *words]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    costs.commands.setdefault(name, []).append(time.perf_counter() - begun)
    if done.returncode != 0:
        raise RuntimeError(f"mlci {' '.join(words)} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
