"""Steps of `mlci models publish`: read plan and reports, decide, write summary and outputs, publish, exit."""

from pathlib import Path

from mlci.cli.events.current import github_access, github_patience
from mlci.cli.github_actions import Workflow, write_outputs, write_summary
from mlci.cli.publishing.console import PublishConsole
from mlci.cli.publishing.steps import BLOCKED, NO_TOKEN, raise_failures
from mlci.errors import InputError, OutsideError
from mlci.github.client import Client
from mlci.github.interface import GitHub
from mlci.github.transport import transport
from mlci.operations.monorepo.overview import build_overview, ended_of, overview_lines, read_model_checks
from mlci.operations.publish.publish import PublishResult, publish_report
from mlci.publish.event import Event
from mlci.publish.models_plan import OVERVIEW, parse_models_plan
from mlci.publish.overview import JobsResult, ModelsOverview, overview_publication, overview_text
from mlci.publish.plan import NothingToPublish, Publication, Target, find_target, plan_publication
from mlci.publish.result import Unfinished


def publish_models(workflow: Workflow, console: PublishConsole, *, plan: str, reports: Path, ended: str) -> int:
    """Publish the overview of all models; return the exit code of its verdict.

    A plan that can't be read is published as an evaluation that did not finish.

    Raises:
        InputError: if the plan, the folder or the event can't be used; the check says so first.
        OutsideError: if GitHub failed; everything else was written.
    """
    if workflow.wrong:
        raise workflow.wrong
    event = workflow.facts()
    target, github = _target(workflow, event), _github(workflow)
    try:
        overview, failures = _overview(workflow, event, target, github, plan=plan, reports=reports, ended=ended)
    except InputError as error:
        _publish(console, target, github, _unreadable(workflow, target, error))
        raise
    links = workflow.links(event.head)
    console.trouble(write_summary(workflow.summary, lambda room: overview_text(overview, links=links, budget=room)))
    content = overview_publication(target, overview, links=links) if isinstance(target, Target) else None
    done = _publish(console, target, github, content)
    done.failures += failures
    own = "error" if done.foreign else overview.own
    addresses = {
        "comment-url": done.comment.url if done.comment else "",
        "check-url": done.check.url if done.check else "",
    }
    verdict = {"success": "pass", "failure": "block"}.get(own, "error")
    console.trouble(write_outputs(workflow.output, {"verdict": verdict, **addresses}))
    for line in (*overview_lines(overview), f"models: {overview.title}"):
        console.line(line)
    code = 0 if own == "success" else BLOCKED
    console.end(verdict=verdict, code=code)
    raise_failures(done)
    return code


def _overview(
    workflow: Workflow,
    event: Event,
    target: Target | NothingToPublish,
    github: GitHub | None,
    *,
    plan: str,
    reports: Path,
    ended: str,
) -> tuple[ModelsOverview, list[str]]:
    """Return the overview, and what failed while the checks of the models were read."""
    planned, failures = parse_models_plan(plan), []
    try:
        checks = read_model_checks(planned, target, github) if isinstance(target, Target) and github else {}
    except OutsideError as error:
        checks, failures = {}, [str(error)]
    jobs = JobsResult(ended=ended_of(ended), commits=event.commits(workflow.sha))
    return build_overview(planned, reports, checks, jobs), failures


def _unreadable(workflow: Workflow, target: Target | NothingToPublish, error: InputError) -> Publication | None:
    if not isinstance(target, Target):
        return None
    result = Unfinished(why="the models to evaluate are not known", details=tuple(str(one) for one in error.problems))
    return plan_publication(target, result, policy="always", links=workflow.links(target.head))


def _target(workflow: Workflow, event: Event) -> Target | NothingToPublish:
    if workflow.repository is None or workflow.run is None:
        return NothingToPublish(why="this is not a workflow run: GITHUB_REPOSITORY or GITHUB_RUN_ID is not set")
    return find_target(event, model=OVERVIEW, run=workflow.run, url=workflow.run_url, asked=workflow.invocation)


def _github(workflow: Workflow) -> GitHub | None:
    if workflow.token is None or workflow.repository is None:
        return None
    access = github_access(workflow.api, workflow.token)
    return Client(transport(access), repository=workflow.repository, patience=github_patience())


def _publish(
    console: PublishConsole, target: Target | NothingToPublish, github: GitHub | None, content: Publication | None
) -> PublishResult:
    if not isinstance(target, Target) or github is None or content is None:
        console.quiet(target if isinstance(target, NothingToPublish) else NO_TOKEN)
        return PublishResult()
    done = publish_report(content, github)
    console.done(done, target)
    return done
