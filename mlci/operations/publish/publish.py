"""``mlci publish``: check, status, comment, in an order that survives being killed between any two calls."""

from dataclasses import replace

from mlci.github.interface import CheckRun, GitHub
from mlci.operations.publish import check as checks
from mlci.operations.publish import comment as comments
from mlci.operations.publish.check import OpenCheck
from mlci.operations.publish.comment import WORKFLOW, CommentAuthor
from mlci.operations.publish.outcome import PublishResult, report_comment
from mlci.operations.publish.settle import retire_verdict, settle_verdict
from mlci.publish.attempt import read_record
from mlci.publish.event import DEPENDABOT
from mlci.publish.invocation import Invocation
from mlci.publish.plan import Publication, Target
from mlci.publish.runs import parse_run


def open_publication(target: Target, github: GitHub, *, fresh: bool = False) -> PublishResult:
    """Open check and status before the evaluation.

    Args:
        target: The commit and the check's name.
        github: GitHub.
        fresh: Whether this attempt has certainly opened nothing yet.
    """
    done = PublishResult()
    done.check = done.try_call(lambda: checks.open_check(target, github, fresh=fresh))
    if done.check is not None:
        done.did.append(f"check `{target.name}` is in progress: {done.check.url}")
    if _reads_only(target, done):
        return done
    before = len(done.refused) + len(done.failures)
    done.try_call(lambda: checks.open_status(target, github, done.check))
    if len(done.refused) + len(done.failures) == before:
        done.did.append(f"commit status `{target.name}` is pending")
    return done


def publish_report(
    publication: Publication, github: GitHub, *, known: CheckRun | None = None, opener: int | None = None
) -> PublishResult:
    """Record the verdict in the run's check, then show the joined verdict of the commit: check, status, comment.

    Args:
        publication: Content and target.
        github: GitHub.
        known: The check as this run opened it, if nothing was sent to it since.
        opener: Id of the check that another job of this run opened for this invocation.
    """
    done = PublishResult()
    before = done.try_call(lambda: checks.list_checks(publication.target, github))
    if before is not None:
        publication = replace(publication, target=_as_opened(publication.target, before, opener))
        done.check = done.try_call(
            lambda: checks.conclude_check(publication, github, OpenCheck(listed=before), known=known)
        )
    if _reads_only(publication.target, done):
        return done
    if done.check is None:
        _publish_without_checks(publication, github, done)
    else:
        settle_verdict(publication, github, done, before=before or ())
    return done


def _as_opened(target: Target, before: tuple[CheckRun, ...], opener: int | None) -> Target:
    """Return the target with the invocation under which another job of the same run opened its check."""
    opened = next((one for one in before if one.id == opener), None)
    run = parse_run(opened.external_id) if opened is not None else None
    record = read_record(opened.summary) if opened is not None else None
    if record is None or run is None or run.id != target.run.id:
        return target
    return replace(target, invocation=Invocation(key=record.key, label=record.label))


def _publish_without_checks(publication: Publication, github: GitHub, done: PublishResult) -> None:
    """Write comment and status without checks: only the comment shows if a newer run published."""
    target = publication.target
    if target.pull is not None:
        login = done.try_call(lambda: github.login() or WORKFLOW) or WORKFLOW
        text, author = target.version(publication.body), CommentAuthor(login=login, app=None)
        standing = done.try_call(
            lambda: comments.write_comment(text, target, github, author, creates=publication.creates)
        )
        standing = retire_verdict(done, standing, text, target, github, author)
        report_comment(done, standing, target)
        if comments.newer_stands(standing, target):
            return
    before = len(done.refused) + len(done.failures)
    done.try_call(lambda: checks.set_status_alone(publication, github))
    if len(done.refused) + len(done.failures) == before:
        done.did.append(f"commit status `{target.name}` is {publication.state}")


def _reads_only(target: Target, done: PublishResult) -> bool:
    """Whether a read-only token was refused, so that no other write will work.

    Dependabot's token may have some permissions and not others.
    """
    return target.reader not in {None, DEPENDABOT} and bool(done.refused)
