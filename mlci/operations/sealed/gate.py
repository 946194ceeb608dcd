"""``mlci sealed gate``: from a finished training run to check, status and comment on the head that it was for.

Every fact comes from GitHub's API, the default branch's checkout or the registry. Of the training run only the
predictions are read, and as data. Any doubt ends in a failing check with its reason, never in a pass.
"""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlci.config.types import DEFAULT_REGISTRY
from mlci.errors import InputError, OutsideError
from mlci.events.events import Emit, NoteShown
from mlci.github.interface import GitHub
from mlci.github.workflow_runs import WorkflowRuns
from mlci.lineage.origin import ChangedFiles
from mlci.operations.holdout.holdout_looks import budget_line
from mlci.operations.judging import judging_changes
from mlci.operations.publish.count_look import record_before_publishing
from mlci.operations.publish.publish import PublishResult, open_publication, publish_report
from mlci.operations.sealed.history import SealedHead
from mlci.operations.sealed.judge import LIMITS, SHOWN_PREDICTIONS, SealedContext, judge_archive
from mlci.operations.sealed.probes import count_look
from mlci.operations.sealed.training_end import STEP_FAILED, AwaitedRun, training_end
from mlci.publish.comment_choice import Policy
from mlci.publish.plan import PendingText, Target, plan_publication
from mlci.publish.result import Finished, Result, Unfinished
from mlci.publish.runs import Run, read_invocation
from mlci.report.document import Judging, Report
from mlci.report.text.markup import Links
from mlci.sealed.archive import Archive, read_archive
from mlci.sealed.artifact import MANIFEST, UntrustedArtifactError, artifact_of
from mlci.sealed.identity import (
    HomeRepository,
    Identity,
    RefusedHead,
    SupersededHead,
    UnverifiedRun,
    VerifiedHead,
    check_run,
    choose_artifact,
    identify_head,
)
from mlci.sealed.manifest import read_manifest
from mlci.sealed.refusals import find_refusals
from mlci.util.safe_files import read_bounded

INPUT, BLOCKED, OUTSIDE = 2, 1, 4


@dataclass(frozen=True, kw_only=True)
class SealedGate:
    """What the gate knows before it asks GitHub, and its ports.

    Attributes:
        runs: Workflow runs, artifacts and pull requests.
        github: Checks, statuses and comments.
        model: The model's name, also of a configuration that is invalid for another reason.
        policy: When to comment.
        context: Configuration and ports of the judgement; ``None`` if the configuration is invalid.
        error: Errors of the configuration.
        train_workflow: Path of the workflow that trains.
        links: Returns the links of a report on a commit.
        url: Address of the check's "Details" link.
        emit: Receives the events of the run.
        publishes: Whether to write to GitHub; if not, what would be written is only returned.
    """

    runs: WorkflowRuns
    github: GitHub
    model: str
    policy: Policy
    context: SealedContext | None
    error: InputError | None
    train_workflow: str
    links: Callable[[str], Links]
    url: str | None
    emit: Emit
    publishes: bool = True


@dataclass(frozen=True, kw_only=True)
class SealedOutcome:
    """What became of a training run.

    Attributes:
        code: Exit code.
        target: The commit that was published about; ``None`` if there is none.
        result: The verdict, or why there is none; ``None`` if nothing is concluded.
        why: Why nothing is concluded.
        done: Actions on GitHub.
    """

    code: int
    target: Target | None = None
    result: Result | None = None
    why: str | None = None
    done: PublishResult = field(default_factory=PublishResult)

    @property
    def report(self) -> Report | None:
        """The report, if the predictions were judged."""
        return self.result.report if isinstance(self.result, Finished) else None


def conclude_training(gate: SealedGate, number: int) -> SealedOutcome:
    """Verify a training run, judge its predictions, and publish the verdict on its head.

    Args:
        gate: The gate.
        number: The run's number, the only part of the event that is used.

    Raises:
        OutsideError: if GitHub failed before the commit was known.
    """
    home, identity = find_head(gate, number)
    match identity:
        case UnverifiedRun(why=why, expected=expected):
            return SealedOutcome(code=0 if expected else INPUT, why=why)
        case RefusedHead(head=head, why=why, remedy=remedy):
            refused = Unfinished(why=why, code=INPUT, title="this pull request can't be judged", remedy=remedy)
            return _publish(gate, head, refused)
        case SupersededHead(head=head, current=current, pull=pull):
            why = f"pull request {pull} has moved on to {current[:7]}, which has a check of its own"
            return _publish(gate, head, Unfinished(why=why, cancelled=True, title="a newer commit replaced this one"))
        case VerifiedHead() as head:
            return _conclude_head(gate, home, head)


def find_head(gate: SealedGate, number: int) -> tuple[HomeRepository, Identity]:
    """Ask GitHub which commit and pull request a training run is for."""
    home, run = gate.runs.home(gate.train_workflow), gate.runs.run(number)
    if (wrong := check_run(run, home)) is not None:
        return home, wrong
    by_pull = run.event == "pull_request" and run.head_owner is not None
    pulls = gate.runs.pulls_from(str(run.head_owner), run.head_branch) if by_pull else ()
    return home, identify_head(run, pulls, home)


def find_sealed_target(gate: SealedGate, head: VerifiedHead) -> Target:
    """Return the target of a verdict: the training run's attempt on its head, whichever job publishes it."""
    run = head.run
    return Target(
        model=gate.model,
        head=head.head,
        pull=head.pull,
        branch=head.branch,
        reader=None,
        run=Run(run.id, run.attempt),
        url=gate.url,
        invocation=read_invocation(workflow=run.path.partition("@")[0], event=run.event, job="sealed"),
        exclusive=True,
    )


def _conclude_head(gate: SealedGate, home: HomeRepository, head: VerifiedHead) -> SealedOutcome:
    end = training_end(head.run)
    if isinstance(end, UnverifiedRun):
        return SealedOutcome(code=0, why=end.why)
    if isinstance(end, AwaitedRun):
        target = find_sealed_target(gate, head)
        return open_target(gate, target, end.text)
    try:
        result = end or _judged(gate, home, head)
    except Exception:  # a bug of mlci: the check says so, and the command reports it
        _publish(gate, head, Unfinished(why="mlci itself failed; the log has a report", code=70))
        raise
    return _publish(gate, head, result)


def open_target(gate: SealedGate, target: Target, waits: PendingText) -> SealedOutcome:
    """Open check and status of a commit."""
    if not gate.publishes:
        return SealedOutcome(code=0, target=target, why=waits.title)
    done = open_publication(target, gate.github, waits=waits)
    return SealedOutcome(code=_code_of(done, 0), target=target, why=waits.title, done=done)


def _judged(gate: SealedGate, home: HomeRepository, head: VerifiedHead) -> Result:
    """Judge the predictions of a successful training; an error becomes a result without a verdict."""
    try:
        if gate.error is not None or gate.context is None:
            raise gate.error or InputError("the configuration can't be read")
        refusals = find_refusals(gate.context.loaded)
        if refusals:
            return _refused(InputError.of(refusals))
        context = replace(gate.context, public=not home.private)
        judging, archive = _judging(gate, context, head), _download(gate, head, context.scratch)
        if gate.publishes and (uncounted := _count(context, head)) is not None:
            return uncounted
        report = judge_archive(context, archive, head=_sealed_head(gate, context, head), judging=judging)
        return _recorded(context, report) if gate.publishes else Finished(report=report)
    except UntrustedArtifactError as error:
        title = "the artifact is refused"
        why = "it is not what `mlci sealed predict` writes, and nothing in it was used"
        return Unfinished(why=why, code=INPUT, title=title, details=_lines(error), remedy=_SEE_DETAILS)
    except InputError as error:
        return _refused(error)
    except OutsideError as error:
        words = ". ".join(filter(None, (str(error), error.remedy)))
        return Unfinished(why="a registry, GitHub or the network failed", code=OUTSIDE, details=(words,))


def _recorded(context: SealedContext, report: Report) -> Result:
    """Record the look that a verdict is, if `reuse` limits them."""
    lost = context.in_actions and context.config.registry == DEFAULT_REGISTRY
    registry = None if lost else context.registry
    return record_before_publishing(report, context.config, registry, line=budget_line(context.loaded))


def _count(context: SealedContext, head: VerifiedHead) -> Unfinished | None:
    """Count this look at the labels, if the configuration limits them; return why there is none."""
    probe = context.config.probe
    if probe is None:
        return None
    place, actions = context.config.registry, context.in_actions
    return count_look(
        context.registry, head, per_day=probe.per_day, today=context.today, place=place, in_actions=actions
    )


def _judging(gate: SealedGate, context: SealedContext, head: VerifiedHead) -> Judging | None:
    """Return what the pull request changed about its own judging, all of it ignored; ``None`` for a merge group."""
    if head.pull is None:
        return None
    changed = gate.runs.changed_files(head.pull)
    paths = [path for one in changed.files for path in (one.path, one.former) if path is not None]
    found = judging_changes(paths, context.config, context.config_path, used=False)
    return found.model_copy(update={"unlisted": changed.unlisted})


def _sealed_head(gate: SealedGate, context: SealedContext, head: VerifiedHead) -> SealedHead:
    """Return what is known of the candidate; its files only explain, so an error of GitHub does not block."""

    def files(commit: str) -> ChangedFiles | None:
        with contextlib.suppress(OutsideError):
            found = gate.runs.files_between(commit, head.head)
            return None if found is None else ChangedFiles(names=found)
        return None

    return SealedHead(commit=head.head, config_path=context.config_path, files=files)


_SEE_DETAILS = "correct what the lines above name, and push"
_ON_DEFAULT = "correct what the lines above name on the default branch, then start the training run again"


def _refused(error: InputError) -> Unfinished:
    if all(problem.path == SHOWN_PREDICTIONS for problem in error.problems):
        why = "the predictions do not fit the evaluation set of the default branch"
        title = "the predictions can't be used"
        return Unfinished(why=why, code=INPUT, title=title, details=_lines(error), remedy=_SEE_DETAILS)
    title = "the default branch can't judge this"
    why = "its configuration, evaluation set or baseline can't be used in sealed mode"
    return Unfinished(why=why, code=INPUT, title=title, details=_lines(error), remedy=_ON_DEFAULT)


def _lines(error: InputError) -> tuple[str, ...]:
    return tuple(str(problem) for problem in error.problems)


def _download(gate: SealedGate, head: VerifiedHead, scratch: Path) -> Archive:
    """Return the artifact, checked; its digest is the one that GitHub recorded when it was uploaded."""
    name = artifact_of(gate.model)
    artifact = choose_artifact(gate.runs.artifacts(head.run.id, name), head.run, name)
    target = scratch / "artifact.zip"
    gate.runs.download(artifact, target)
    data = read_bounded(target, artifact.size, links=False)
    if len(data) != artifact.size or f"sha256:{hashlib.sha256(data).hexdigest()}" != artifact.digest:
        raise UntrustedArtifactError(f"{name!r} is not the archive whose size and SHA-256 GitHub recorded")
    gate.emit(NoteShown(text=f"artifact {name} of run {head.run.id}, attempt {head.run.attempt}: {len(data):,} bytes"))
    archive = read_archive(data, LIMITS)
    claim = read_manifest(b"".join(archive.read(MANIFEST)))
    named = f"model {claim.model}, commit {claim.commit}, mlci {claim.writer}"
    gate.emit(NoteShown(text=f"its manifest, which is not believed, names {named}"))
    return archive


def _publish(gate: SealedGate, head: VerifiedHead, result: Result) -> SealedOutcome:
    """Publish a result, unless the pull request moved on meanwhile: then only the old head's check is concluded."""
    target = find_sealed_target(gate, head)
    code = _result_code(result)
    if not gate.publishes:
        return SealedOutcome(code=code, target=target, result=result)
    if target.pull is not None and gate.github.head(target.pull) != head.head:
        moved = f"pull request {target.pull} is no longer at {head.head[:7]}"
        gate.emit(NoteShown(text=f"{moved}: only the check of that commit is concluded"))
        target = replace(target, pull=None, branch=None)
    links = gate.links(head.head)
    if isinstance(result, Unfinished) and (result.cancelled or result.code == STEP_FAILED):
        links = replace(links, report=head.run.url)  # the reader has to look at the training run
    publication = plan_publication(target, result, policy=gate.policy, links=links)
    done = publish_report(publication, gate.github)
    return SealedOutcome(code=_code_of(done, code), target=target, result=result, done=done)


def _code_of(done: PublishResult, code: int) -> int:
    """Return the exit code; a verdict that could not be written to a check, or is answered by another, is a failure."""
    if done.failures or done.check is None:
        return OUTSIDE
    return code or BLOCKED if done.foreign else code


def _result_code(result: Result) -> int:
    if isinstance(result, Finished):
        return BLOCKED if result.report.verdict == "block" else 0
    return 0 if result.cancelled else result.code or BLOCKED
