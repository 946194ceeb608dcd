"""The state after a run on GitHub and in its log: stored for the user, and returned for a test."""

from dataclasses import dataclass
from typing import Any

from tests.e2e.workflows.act import Run
from tests.e2e.workflows.keep import Scenario, render_markdown
from tests.e2e.workflows.world import World

CHECK = "mlci / churn"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The state after a run."""

    comments: list[dict[str, Any]]
    checks: list[dict[str, Any]]
    statuses: list[dict[str, Any]]
    summary: str
    calls: list[str]

    @property
    def requests(self) -> int:
        """Return the number of the run's requests."""
        return len(self.calls)

    @property
    def comment(self) -> str:
        """The only comment's Markdown."""
        [comment] = self.comments
        return comment["body"]

    @property
    def page(self) -> str:
        """The only comment as GitHub renders it."""
        return render_markdown(self.comment)

    @property
    def check(self) -> dict[str, Any]:
        """The only check run on the commit."""
        [check] = self.checks
        assert check["name"] == CHECK
        return check

    @property
    def status(self) -> str:
        """The state of the newest commit status, which has the check's name."""
        assert self.statuses[0]["context"] == CHECK
        return self.statuses[0]["state"]


def look(world: World, scenario: Scenario, run: Run, *, number: int, sha: str, step: str = "") -> Seen:
    """Look at a pull request and a commit, and keep everything under the name of the step."""
    name = f"{step}-" if step else ""
    seen = Seen(
        comments=world.fake.comments(number),
        checks=world.fake.check_runs(sha),
        statuses=world.fake.statuses(sha),
        summary="\n".join(run.summaries),
        calls=[f"{method} {path.removeprefix(f'/repos/{world.fake.name}')}" for method, path, _ in world.fake.requests],
    )
    requests = [f"{method} {path} {status}" for method, path, status in world.fake.requests]
    world.fake.forget_requests()
    scenario.markdown(f"{name}comment", {str(i): comment["body"] for i, comment in enumerate(seen.comments, 1)})
    scenario.markdown(f"{name}summary", {str(i): text for i, text in enumerate(run.summaries, 1)})
    scenario.facts(f"{name}checks.json", seen.checks)
    scenario.facts(f"{name}statuses.json", seen.statuses)
    scenario.text(f"{name}act.log", run.log)
    scenario.text(f"{name}requests.txt", "\n".join(requests) + "\n")
    conclusions = ", ".join(str(check["conclusion"] or check["status"]) for check in seen.checks) or "none"
    heading = f"{seen.comments[-1]['body'].splitlines()[1].lstrip('# ')}" if seen.comments else "none"
    scenario.saw(
        f"{step + ': ' if step else ''}{len(seen.comments)} comment [{heading}], check {conclusions}, "
        f"{seen.requests} requests, job {'/'.join(run.jobs.values())}, {run.seconds:.1f} s"
    )
    return seen
