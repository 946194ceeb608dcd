"""Steps of `mlci publish`: read configuration and report, decide, write the files, publish, exit.

`mlci publish --open` hands its check over to the step that concludes it. In the same job that step reads a note. The
candidate's code could reach the note's file, so it is sealed with the job's token, which that code never sees; a note
with an invalid seal is ignored, and GitHub is asked instead. Another job reads an output of the job that opened the
check, in which none of the candidate's code may run.
"""

import contextlib
import hashlib
import hmac
import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlci.cli.events.current import current_events, github_access, github_patience
from mlci.cli.github_actions import Workflow, write_outputs, write_summary
from mlci.cli.output_files import OURS, keep_out_of_git
from mlci.cli.publishing.console import PublishConsole
from mlci.cli.registry_factory import open_registry
from mlci.config.loader import CheckedConfig, parse_draft, read_bounded_config
from mlci.config.models import MODEL_ID
from mlci.config.read import load
from mlci.config.types import DEFAULT_REGISTRY
from mlci.errors import InputError, OutsideError
from mlci.events.events import ModelSelected, ReportPublished
from mlci.github.client import Client
from mlci.github.interface import CheckRun
from mlci.github.transport import Access, transport
from mlci.metrics import catalogue
from mlci.operations.holdout.holdout_looks import budget_line
from mlci.operations.publish.count_look import record_before_publishing
from mlci.operations.publish.publish import PublishResult, open_publication, publish_report
from mlci.publish import result
from mlci.publish.comment_choice import Policy
from mlci.publish.event import Event
from mlci.publish.plan import NothingToPublish, Publication, Target, find_target, plan_publication
from mlci.publish.result import Claim, Ended, Finished, Result, read_result
from mlci.report.comment import render_summary
from mlci.report.document import Report
from mlci.report.serialization import MOST_BYTES, parse_report
from mlci.report.text.markup import Links
from mlci.util.safe_files import read_bounded


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Model and policy to publish about.

    Attributes:
        model: The model's name; also read from a configuration that is invalid for another reason.
        policy: When to comment.
        error: Errors of the configuration.
        loaded: The configuration, if it is valid.
    """

    model: str | None
    policy: Policy
    error: InputError | None = None
    loaded: CheckedConfig | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Return the errors, line by line."""
        return tuple(str(problem) for problem in self.error.problems) if self.error else ()


def read_subject(config: Path) -> Subject:
    """Read the configuration; of an invalid one only the model's name, so that its check does not stay green."""
    try:
        loaded = load(config, catalogue)
    except InputError as error:
        return Subject(model=_salvaged(config), policy="always", error=error)
    return Subject(model=loaded.config.model, policy=loaded.config.policy.comment, loaded=loaded)


def read_report(path: Path) -> tuple[Report | None, tuple[str, ...]]:
    """Read the report; return it, or its problems."""
    try:
        return parse_report(read_bounded(path, MOST_BYTES), path=str(path)), ()
    except OSError:
        return None, ()  # a missing report has its own message
    except InputError as error:
        return None, tuple(str(problem) for problem in error.problems)


def _salvaged(config: Path) -> str | None:
    try:
        tree, _ = parse_draft(read_bounded_config(config), path=str(config))
    except InputError:
        return None
    model = tree.data.get("model") if isinstance(tree.data, dict) else None
    return model if isinstance(model, str) and re.fullmatch(MODEL_ID, model) else None


BLOCKED = 1
INPUT = 2


class Note:
    """A note on one check of one attempt of a run."""

    def __init__(self, folder: Path, target: Target, *, repository: str, token: str) -> None:
        """Name the note."""
        identity = f"{repository}\n{target.name}\n{target.head}\n{target.run}"
        digest = hashlib.sha256(identity.encode()).hexdigest()[:24]
        self._path = folder / f"mlci-opened-{digest}.json"
        self._key = hmac.digest(token.encode(), identity.encode(), "sha256")

    def begin(self) -> bool:
        """Leave a mark before anything is sent; return whether there was none, so that nothing was opened before."""
        try:
            self._path.touch(exist_ok=False)
        except OSError:
            return False
        return True

    def leave(self, check: CheckRun) -> None:
        """Write the check down."""
        text = json.dumps(asdict(check))
        try:
            self._path.write_text(json.dumps({"check": text, "seal": self._seal(text)}), encoding="utf-8")
        except OSError:
            return

    def take(self) -> CheckRun | None:
        """Return the check and forget it: after the first request that changes it, the note is no longer true."""
        try:
            written = read_bounded(self._path, _MOST_BYTES, links=False)
            self._path.write_text("", encoding="utf-8")
            note = json.loads(written)
            text, seal = str(note["check"]), str(note["seal"])
            if not hmac.compare_digest(seal.encode(), self._seal(text).encode()):
                return None
            return _check(json.loads(text))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _seal(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _check(facts: dict[str, Any]) -> CheckRun:
    return CheckRun(**{**facts, "pulls": tuple(facts["pulls"])})


def open_now(workflow: Workflow, console: PublishConsole, *, config: Path, url: str | None) -> int:
    """Open check and status before the evaluation; a missing permission does not stop the evaluation.

    Raises:
        InputError: if the configuration or the event can't be used.
        OutsideError: if GitHub failed.
    """
    about = read_subject(config)
    if error := about.error or workflow.wrong:
        raise error
    target = _target(workflow, about, workflow.facts(), url)
    access = _access(workflow)
    if isinstance(target, NothingToPublish) or access is None:
        console.quiet(target if isinstance(target, NothingToPublish) else NO_TOKEN)
        console.end(verdict=None, code=0)
        return 0
    note = _note(workflow, target, access)
    fresh = note.begin() and target.run.attempt == 1
    done = open_publication(
        target, Client(transport(access), repository=workflow.repository or "", patience=github_patience()), fresh=fresh
    )
    if done.check is not None:
        note.leave(done.check)
        console.trouble(write_outputs(workflow.output, {"check": serialize_check(done.check, target)}))
    console.done(done, target)
    console.end(verdict=None, code=0)
    raise_failures(done)
    return 0


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How the evaluation ended, as the job says.

    Attributes:
        ended: Status of the job; ``None`` if a user publishes by hand.
        code: Exit code of `mlci run`; ``""`` if it did not finish, ``None`` if it was not passed.
        check: Output ``check`` of the job that opened the check; empty without one.
        comments: Whether a missing comment may be made.
    """

    ended: Ended | None
    code: str | None
    check: str
    comments: bool = True


def conclude_run(
    workflow: Workflow, console: PublishConsole, *, config: Path, report: Path, ending: Ending, url: str | None
) -> int:
    """Publish the report, or that there is none; return the exit code of the verdict.

    Raises:
        InputError: if the configuration or the event can't be used; everything else was written.
        OutsideError: if GitHub failed; everything else was written.
    """
    subject = read_subject(config)
    about = subject if ending.comments else replace(subject, policy="never")
    event, broken = _event(workflow)
    broken = workflow.wrong or broken
    result = _found(about, report, ended=ending.ended, code=ending.code, commits=event.commits(workflow.sha))
    result = _counted(result, about, config.parent)
    links = workflow.links(event.head)
    verdict = result.report.verdict if isinstance(result, Finished) else "error"
    console.trouble(write_summary(workflow.summary, lambda room: _summary(result, about, event, links, room)))
    console.trouble(write_outputs(workflow.output, _outputs(result, report, verdict)))
    done = PublishResult() if broken else _published(workflow, console, about, event, result, links, ending.check, url)
    if done.foreign:
        verdict = "error"
        console.trouble(write_outputs(workflow.output, {"verdict": verdict}))
    urls = {"comment-url": done.comment.url if done.comment else "", "check-url": done.check.url if done.check else ""}
    console.trouble(write_outputs(workflow.output, urls))
    exit_code = BLOCKED if verdict in {"block", "error"} else 0
    console.verdict(result, about.model)
    console.end(verdict=verdict, code=exit_code)
    raise_failures(done)
    if broken is not None:
        raise broken
    return _input(about, ending.code) if about.error is not None else exit_code


def _found(about: Subject, path: Path, *, ended: Ended | None, code: str | None, commits: frozenset[str]) -> Result:
    """Return the result to publish: a report that can be trusted, or the reason why there is none."""
    document, problems = read_report(path)
    claim = Claim(ended=ended, code=code, model=about.model or "?", commits=commits)
    return read_result(document if about.error is None else None, claim, problems=about.problems or problems)


def _counted(found: Result, about: Subject, folder: Path) -> Result:
    """Record the look that a report is, if the configuration limits them; no verdict without it."""
    loaded = about.loaded
    if not isinstance(found, Finished) or loaded is None or loaded.config.reuse is None:
        return found
    lost = loaded.config.registry == DEFAULT_REGISTRY and os.environ.get("GITHUB_ACTIONS") == "true"
    registry = None if lost else open_registry(loaded, folder, writes=True)
    return record_before_publishing(found.report, loaded.config, registry, line=budget_line(loaded))


def _outputs(found: Result, path: Path, verdict: str) -> dict[str, str]:
    """Return the outputs that are known before any request to GitHub; the addresses are still empty."""
    version = found.report.baseline.version if isinstance(found, Finished) else None
    return {
        "verdict": verdict,
        "report": str(path) if isinstance(found, Finished) else "",
        "baseline-version": version or "",
        "comment-url": "",
        "check-url": "",
    }


NO_TOKEN = NothingToPublish(
    why="the token is missing: pass `MLCI_TOKEN: ${{ github.token }}` in the step's `env:` for a check and a comment"
)


def _published(
    workflow: Workflow,
    console: PublishConsole,
    about: Subject,
    event: Event,
    found: Result,
    links: Links,
    check: str,
    url: str | None,
) -> PublishResult:
    """Publish on GitHub, if there are a repository, a commit and a token."""
    target = _target(workflow, about, event, url)
    access = _access(workflow)
    if isinstance(target, NothingToPublish) or access is None:
        console.quiet(target if isinstance(target, NothingToPublish) else NO_TOKEN)
        return PublishResult()
    what: Publication = plan_publication(target, found, policy=about.policy, links=links)
    note = _note(workflow, target, access)
    current_events().emit(ModelSelected(model=target.model))
    check_run = note.take() or (
        parse_check(check, target) if check and note.begin() else None
    )  # true until something is sent
    client = Client(transport(access), repository=workflow.repository or "", patience=github_patience())
    done = publish_report(what, client, known=check_run, opener=opener(check))
    console.done(done, target)
    current_events().emit(published_event(done, found))
    return done


def published_event(done: PublishResult, found: Result) -> ReportPublished:
    """Return the event of a publication."""
    return ReportPublished(
        verdict=found.report.verdict if isinstance(found, Finished) else "error",
        check_url=done.check.url if done.check is not None else None,
        comment_url=done.comment.url if done.comment is not None else None,
    )


def _target(workflow: Workflow, about: Subject, event: Event, url: str | None) -> Target | NothingToPublish:
    if event.head is None:
        return NothingToPublish(why=event.why or "the event has no commit to report on")
    if workflow.repository is None or workflow.run is None:
        missing = "GITHUB_REPOSITORY" if workflow.repository is None else "GITHUB_RUN_ID"
        return NothingToPublish(why=f"this is not a workflow run: {missing} is not set")
    if about.model is None:
        return NothingToPublish(why="the configuration does not name the model, so the check has no name")
    return find_target(
        event, model=about.model, run=workflow.run, url=url or workflow.run_url, asked=workflow.invocation
    )


def _note(workflow: Workflow, target: Target, access: Access) -> Note:
    """Return the note from one step of this job to the next, in the runner's folder or else in mlci's."""
    folder = workflow.temp or Path(OURS)
    if workflow.temp is None:
        with contextlib.suppress(OSError):  # in a read-only folder, no note is kept
            keep_out_of_git(folder)
    return Note(folder, target, repository=workflow.repository or "", token=access.token)


def _access(workflow: Workflow) -> Access | None:
    return None if workflow.token is None else github_access(workflow.api, workflow.token)


def _event(workflow: Workflow) -> tuple[Event, InputError | None]:
    """Read the event; an unreadable one is reported after everything else was written."""
    try:
        return workflow.facts(), None
    except InputError as error:
        return Event(name=workflow.event or "", why=str(error)), error


def _summary(found: Result, about: Subject, event: Event, links: Links, room: int) -> str:
    if isinstance(found, Finished):
        return render_summary(found.report, links=links, budget=room)
    return result.unfinished_text(found, model=about.model or "mlci", head=event.head, links=links)


def _input(about: Subject, code: str | None) -> int:
    """Report errors of the configuration, unless `mlci run` reported them in the same job.

    Raises:
        InputError: if the configuration has errors that were not reported.
    """
    if about.error is not None and code != str(INPUT):
        raise about.error
    return INPUT


def raise_failures(done: PublishResult) -> None:
    """End with exit code 4 if GitHub failed.

    Raises:
        OutsideError: if a request to GitHub failed or was refused.
    """
    if done.failures:
        raise OutsideError("\n".join(done.failures))


_MOST_BYTES = 200_000
_OPENED = re.compile(r"([0-9]{1,19})@([0-9.]{3,40})")


def serialize_check(check: CheckRun, target: Target) -> str:
    """Write a check that was opened for another job: its number and the attempt that it belongs to."""
    return f"{check.id}@{target.run}"


def parse_check(text: str, target: Target) -> CheckRun | None:
    """Read the output of the job that opened the check; ``None`` for another attempt's, whose check has concluded."""
    match = _OPENED.fullmatch(text)
    if match is None or match[2] != str(target.run):
        return None
    return CheckRun(
        id=int(match[1]),
        name=target.name,
        head=target.head,
        app="",
        external_id=str(target.run),
        status="in_progress",
        conclusion=None,
        title="",
        summary="",
        annotations=0,
        url="",
    )


def opener(text: str) -> int | None:
    """Return the number of the check that another job opened, in this attempt or an earlier one."""
    match = _OPENED.fullmatch(text)
    return int(match[1]) if match else None
