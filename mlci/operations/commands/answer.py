"""Answer a pull request's comment: carry its command out once, react, and write one answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlci.commands import answers, rules
from mlci.commands.comment import CommentEvent
from mlci.commands.grammar import (
    CommentCommand,
    ExplainCommand,
    HelpCommand,
    MalformedCommand,
    PromoteCommand,
    RerunCommand,
    WaiveCommand,
    parse_command,
)
from mlci.config.models import Config
from mlci.errors import InputError, OutsideError
from mlci.github.collaboration import Collaboration, ListedRun, PullFacts
from mlci.github.interface import Comment, GitHub, PermissionRefused
from mlci.operations.commands.gate_workflows import GateWorkflows
from mlci.operations.commands.head_report import find_check_run, find_report
from mlci.operations.commands.waive import WaiverRefused, WaiverRequest, give_waiver
from mlci.registry.registry import Registry
from mlci.report.document import Report
from mlci.report.text.escape import Md, plain_text
from mlci.report.text.markup import Links

PROMOTE_WORKFLOW = ".github/workflows/mlci-promote.yml"
GATE_WORKFLOW = ".github/workflows/mlci-gate.yml"
_BOT = "[bot]"
_NO_RUN = (
    "No run that judged this commit was found; push a commit, or start the workflow by hand. In sealed mode only runs "
    "of the default branch's gate are taken; name one that does not use `actions/sealed-gate` by the input "
    "`gate-workflow`."
)


@dataclass(frozen=True, kw_only=True)
class CommandContext:
    """Everything that answering a comment needs.

    Attributes:
        config: The configuration of the default branch.
        github: GitHub: roles, pull requests, reruns.
        comments: GitHub: checks and comments.
        registry: Opens the registry for writing.
        links: Links of an answer to a commit.
        scratch: Temporary folder.
        today: The day in UTC.
        gates: Workflows that judge in sealed mode.
        promote: Path of the workflow that promotes.
    """

    config: Config
    github: Collaboration
    comments: GitHub
    registry: Callable[[], Registry]
    links: Callable[[str], Links]
    scratch: Path
    today: str
    gates: GateWorkflows
    promote: str = PROMOTE_WORKFLOW


@dataclass(frozen=True, kw_only=True)
class CommandOutcome:
    """Outcome of a comment.

    Attributes:
        done: Whether a command was carried out.
        text: The answer; ``None`` if none was written.
        log: One line for the log.
    """

    done: bool
    text: str | None
    log: str


@dataclass(frozen=True)
class _Reply:
    """An answer, and whether the command was carried out."""

    body: Md
    done: bool = True


def answer_comment(event: CommentEvent, context: CommandContext) -> CommandOutcome:
    """Answer a comment once: a repeated event finds the answer and does nothing.

    Raises:
        InputError: if the registry can't be used, or the token may not comment.
        OutsideError: if GitHub or the registry failed; the workflow can be run again.
    """
    command = parse_command(event.body)
    if command is None:
        return CommandOutcome(done=False, text=None, log="the comment is not a command")
    if _is_answered(event, context):
        return CommandOutcome(done=False, text=None, log="the comment was answered before")
    github = context.github
    if github.comment_text(event.id) != (event.person, event.body):
        return CommandOutcome(done=False, text=None, log="the comment was edited or deleted since")
    github.react(event.id, "eyes")
    pull, role = github.pull_request(event.pull), github.role(event.person)
    if pull is None or (role not in rules.TRIAGERS and event.person != pull.author):
        github.react(event.id, "-1")
        return CommandOutcome(done=False, text=None, log="the person has no role here: no answer was written")
    reply = _carry_out(command, event, pull, role, context)
    text = answers.answer_text(event.id, event.person, reply.body)
    _write(event, text, context)
    github.react(event.id, "+1" if reply.done else "-1")
    return CommandOutcome(done=reply.done, text=text, log="done" if reply.done else "refused")


def _is_answered(event: CommentEvent, context: CommandContext) -> bool:
    """Check if a bot has answered a comment; no person can write under a bot's login."""
    listed = context.comments.comments(event.pull)
    if isinstance(listed, PermissionRefused):
        raise InputError(f"the token may not read comments ({listed.message}): add `pull-requests: write` to the job")
    mark = answers.answer_marker(event.id)
    return any(one.author.endswith(_BOT) and one.body.split("\n", 1)[0].rstrip("\r") == mark for one in listed)


def _write(event: CommentEvent, text: str, context: CommandContext) -> None:
    mark = answers.answer_marker(event.id)

    def arrived() -> Comment | None:
        listed = context.comments.comments(event.pull)
        found = () if isinstance(listed, PermissionRefused) else listed
        return next((one for one in found if one.body.startswith(mark)), None)

    written = context.comments.create_comment(event.pull, text, arrived=arrived)
    if isinstance(written, PermissionRefused):
        raise OutsideError(f"the answer was not written ({written.message}): add `pull-requests: write` to the job")


def _carry_out(  # noqa: PLR0911 - one return for each command reads best
    command: CommentCommand | MalformedCommand,
    event: CommentEvent,
    pull: PullFacts,
    role: str | None,
    context: CommandContext,
) -> _Reply:
    if isinstance(command, MalformedCommand):
        name = event.body.split()[1] if len(event.body.split()) > 1 else None
        return _Reply(answers.refusal_answer(command.why, usage=name or "all"), done=False)
    why = role_or_author_refusal(command, event.person, role, pull) or _state_refusal(command, pull)
    if why is not None:
        return _Reply(answers.refusal_answer(why), done=False)
    match command:
        case HelpCommand():
            return _Reply(answers.usage_answer())
        case ExplainCommand(gate=gate):
            return _explain(gate, pull, context)
        case WaiveCommand():
            return _waive(command, event, pull, context)
        case RerunCommand():
            return _repeated(find_check_run_of(pull.head, context), "the evaluation of the head commit", context)
        case PromoteCommand():
            return _promote(pull, context)


def role_or_author_refusal(command: CommentCommand, person: str, role: str | None, pull: PullFacts) -> str | None:
    """Return why a person may not give a command; the pull request's author may read."""
    roles = rules.allowed_roles(command)
    reads = roles == rules.TRIAGERS and person == pull.author
    return None if reads else rules.role_refusal(person, role, roles)


def _state_refusal(command: CommentCommand, pull: PullFacts) -> str | None:
    if isinstance(command, PromoteCommand):
        return None if pull.merged_as is not None else "this pull request is not merged; merge it first"
    needs_open = isinstance(command, WaiveCommand | RerunCommand)
    if needs_open and not pull.is_open:
        return "this pull request is closed"
    return rules.head_refusal(command, pull.head) if isinstance(command, WaiveCommand) else None


def find_check_run_of(head: str, context: CommandContext) -> ListedRun | None:
    """Return the workflow run with the newest check of the model on a commit."""
    return find_check_run(context.github, model=context.config.model, head=head, gates=context.gates)


def _report(run: ListedRun | None, pull: PullFacts, context: CommandContext) -> Report | None:
    return find_report(context.github, run, model=context.config.model, head=pull.head, scratch=context.scratch)


def _explain(gate: str, pull: PullFacts, context: CommandContext) -> _Reply:
    run = find_check_run_of(pull.head, context)
    report = _report(run, pull, context)
    if report is None:
        return _Reply(answers.refusal_answer(_no_report(run, context)), done=False)
    row = rules.find_gate(gate, report)
    if row is None:
        ids = ", ".join(one.id for one in report.gates[:20])
        return _Reply(answers.refusal_answer(f"the report has no gate {gate}; it has {ids}"), done=False)
    return _Reply(answers.explanation(report, row, context.links(pull.head)))


def _no_report(run: ListedRun | None, context: CommandContext) -> str:
    """Say why no report can be read, and what to do."""
    if run is None:
        return f"the report of the head commit can't be read. {_NO_RUN}"
    if run.status != "completed":
        return "the evaluation is running; comment again when it has ended"
    name = plain_text(f"mlci-report-{context.config.model}")
    return (
        f"run {run.id} has no artifact {name} with the report of the head commit: it expired, or the workflow sets "
        "`artifact` to nothing. Let a person with the role `write` comment `/mlci run`, and comment again when it has "
        "ended; GitHub repeats no run that is older than a month: then push a commit"
    )


def _waive(command: WaiveCommand, event: CommentEvent, pull: PullFacts, context: CommandContext) -> _Reply:
    run = find_check_run_of(pull.head, context)
    report = _report(run, pull, context)
    if report is None:
        why = f"a waiver accepts a number of the report, and {_no_report(run, context)}"
        return _Reply(answers.refusal_answer(why), done=False)
    given = give_waiver(
        WaiverRequest(command=command, person=event.person, pull=event.pull, comment=event.id),
        context.github,
        config=context.config,
        report=report,
        registry=context.registry,
        today=context.today,
    )
    if isinstance(given, WaiverRefused):
        return _Reply(answers.refusal_answer(given.why), done=False)
    said = _repeat(run, context)
    record = given.record
    return _Reply(
        answers.waived_answer(
            gate=record.gate,
            head=record.head,
            until=record.until,
            reason=record.reason,
            worst=record.worst,
            recorded=given.entry,
            next_step=said or "The check is evaluated again; its verdict will be a warning if nothing else blocks.",
        )
    )


def _promote(pull: PullFacts, context: CommandContext) -> _Reply:
    runs = [
        run for run in context.github.runs_of(pull.merged_as or "") if run.path.partition("@")[0] == context.promote
    ]
    newest = max(runs, key=lambda run: run.id, default=None)
    if newest is None:
        why = f"no run of {context.promote} exists for the merged commit {(pull.merged_as or '')[:7]}"
        return _Reply(answers.refusal_answer(why), done=False)
    if newest.conclusion == "success":
        return _Reply(answers.plain_answer("the merged commit was promoted already, or needed no promotion."))
    return _repeated(newest, "the promotion of the merged commit", context)


def _repeated(run: ListedRun | None, what: str, context: CommandContext) -> _Reply:
    said = _repeat(run, context)
    if said is not None:
        return _Reply(answers.refusal_answer(said), done=False)
    return _Reply(answers.plain_answer(f"{what} runs again."))


def _repeat(run: ListedRun | None, context: CommandContext) -> str | None:
    """Start another attempt of a run; return why there is none, with what to do."""
    if run is None:
        return _NO_RUN
    if run.status != "completed":
        return "The evaluation is running; comment `/mlci run` when it has ended."
    said = context.github.rerun(run)
    return None if said is None else f"GitHub did not run it again ({said}); start it by hand on the page of the run."
