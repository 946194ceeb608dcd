"""A small language for publishing: a pull request on the fake, reports that pass or fail, publishers with a run id."""

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import urlencode

from mlci.github.client import Client
from mlci.github.transport import Access, Answer, transport
from mlci.operations.publish.publish import open_publication, publish_report
from mlci.publish.event import event_facts
from mlci.publish.plan import Target, find_target, plan_publication
from mlci.publish.result import Finished, Unfinished
from mlci.publish.runs import Run
from mlci.report.document import Candidate
from mlci.report.text.markup import Links
from mlci.util.retry_policy import RetryPolicy
from tests.fake_github.api import Request
from tests.fake_github.state import git
from tests.support.reports import a_report, failed, inconclusive, measured, passed

BOT = "github-actions[bot]"
MODEL = "credit-risk"
NAME = f"mlci / {MODEL}"


def good(**more):
    """Every gate passes, and the gated metric went from 0.871 to 0.878."""
    return a_report(
        gates=[passed("roc_auc", was=0.871, now=0.878, low=-0.002, high=0.016, max_drop=0.01, line=12)],
        metrics=[measured("roc_auc", was=0.871, now=0.878)],
        **more,
    )


def bad(**more):
    """One gate fails."""
    return a_report(
        gates=[failed("recall", was=0.581, now=0.550, low=-0.042, high=-0.020, max_drop=0.01, line=31)], **more
    )


def wide(gates, **more):
    """Many failing gates, each on a separate group."""
    rows = [
        failed("recall", region=f"r{i}", was=0.6, now=0.5, low=-0.2, high=-0.05, max_drop=0.01, line=i + 1)
        for i in range(gates)
    ]
    return a_report(gates=rows, **more)


def unsure(**more):
    """A gate that can't tell."""
    return a_report(
        gates=[inconclusive("recall", was=0.58, now=0.57, low=-0.05, high=0.03, max_drop=0.01, rows_needed=900)], **more
    )


TODAY = 1_800_000_000.0
"""Seconds since 1970, in 2027: what `x-ratelimit-reset` counts in."""


class Clock:
    """A clock that only moves during a sleep."""

    def __init__(self):
        self.at = 0.0
        self.slept = []

    def patience(self, **more):
        return RetryPolicy(
            clock=lambda: self.at, now=lambda: TODAY + self.at, sleep=self.sleep, spread=lambda: 0.5, **more
        )

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds


def direct(fake, token):
    """Send straight to the fake's API, without a wire between."""

    def send(verb, path, parameters, body):
        headers = {"authorization": f"token {token}", "user-agent": "mlci/test"}
        data = b"" if body is None else json.dumps(body).encode()
        at = fake.links_for(secure=False)
        answer = fake.api.answer(Request(verb, path, urlencode(parameters), headers, data, at))
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(status=answer.status, headers=names, body=answer.data().decode())

    return send


@dataclass
class Publisher:
    """One run of one pull request, with its own client."""

    fake: object
    where: Target
    report: object
    token: str
    policy: str = "always"
    patience: RetryPolicy | None = None
    seconds: float = 10.0
    links: Links = field(default=None)

    def client(self):
        send = transport(Access(url=self.fake.url, token=self.token, agent="mlci/test", seconds=self.seconds))
        return Client(send, repository=self.fake.name, patience=self.patience)

    @cached_property
    def plan(self):
        """Return the publication; planning is pure, so a process that is started again need not repeat it."""
        links = Links(repository=f"{self.fake.url}/{self.fake.name}", commit=self.where.head, report=self.where.url)
        result = self.report
        if not isinstance(result, Unfinished):
            at_head = self.report.model_copy(update={"candidate": Candidate(commit=self.where.head)})
            result = Finished(report=at_head)
        return plan_publication(self.where, result, policy=self.policy, links=links)

    def open(self, **more):
        return open_publication(self.where, self.client(), **more)

    def publish(self, **more):
        return publish_report(self.plan, self.client(), **more)


def publisher(fake, number, *, run=100, attempt=1, report=None, token=None, event="pull_request", **more):
    """A publisher for the current state of a pull request; the event is GitHub's own example, filled in."""
    found = event_facts(event, fake.event(event, number), sha=None)
    url = f"{fake.url}/{fake.name}/actions/runs/{run}"
    where = find_target(found, model=MODEL, run=Run(run, attempt), url=url)
    return Publisher(fake, where, report or good(), token or fake.token(), **more)


def at_run(one, run):
    return replace(one, where=replace(one.where, run=Run(run, 1)))


def stands(fake, pull, *, run, conclusion, text, comments=1):
    """One check, its status and one comment, all of one run."""
    sha = fake.head(pull)
    (check,) = [one for one in fake.check_runs(sha, NAME) if one["external_id"] == f"{run}.1"]
    assert (check["status"], check["conclusion"]) == ("completed", conclusion)
    status = {"success": "success", "failure": "failure", "cancelled": "error"}[conclusion]
    assert fake.statuses(sha)[0]["state"] == ("error" if any(one in text for one in ("finish", "crash")) else status)
    assert fake.statuses(sha)[0]["context"] == NAME
    own = [one for one in fake.comments(pull) if one["user"]["login"] == BOT]
    assert len(own) == comments
    if comments:
        assert f" run={run}.1 -->" in own[0]["body"]
        assert text in own[0]["body"]
        assert own[0]["body"].split("\n", 1)[1].rstrip() == check["output"]["summary"].rstrip()


def push(fake, branch="topic"):
    """Another commit on a branch."""
    repo = git(fake.repo)
    tip = fake.sha(f"refs/heads/{branch}")
    tree = repo.run("rev-parse", f"{tip}^{{tree}}")
    made = repo.run(
        "-c", "user.name=o", "-c", "user.email=o@example.org", "commit-tree", tree, "-p", tip, "-m", "again"
    )
    repo.write_ref(f"refs/heads/{branch}", made)
    return made
