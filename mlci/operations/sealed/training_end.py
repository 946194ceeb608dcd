"""Ends of a training run: what its conclusion on GitHub means for the check of its head."""

from dataclasses import dataclass

from mlci.publish.plan import PendingText
from mlci.publish.result import Unfinished
from mlci.report.text.escape import plain_text
from mlci.sealed.facts import WorkflowRun
from mlci.sealed.identity import UnverifiedRun

STEP_FAILED = 3
TRAINING = PendingText(
    title="training",
    summary=(
        "The pull request's code is being trained, in a job without rights. Its predictions are then judged by the "
        "default branch's configuration and labels; the result will replace this text."
    ),
)
APPROVAL = PendingText(
    title="waiting for a maintainer to approve the training run",
    summary=(
        "GitHub asks a maintainer to approve workflow runs of a first-time contributor, so nothing was trained yet. A "
        "maintainer looks at the changed files, above all at those under `.github/`, and chooses *Approve and run* on "
        "the pull request's page. The training job has no secrets and can't write to the repository; the result will "
        "replace this text."
    ),
)


@dataclass(frozen=True, kw_only=True)
class AwaitedRun:
    """A run that has not trained yet.

    Attributes:
        text: Content of the check until then.
    """

    text: PendingText


def training_end(run: WorkflowRun) -> Unfinished | AwaitedRun | UnverifiedRun | None:
    """Return why a run has no predictions to judge; ``None`` if it succeeded."""
    if "action_required" in {run.status, run.conclusion}:
        return AwaitedRun(text=APPROVAL)
    if run.status != "completed":
        why = f"attempt {run.attempt} of run {run.id} has not ended; its own end starts the gate again"
        return UnverifiedRun(why=why, expected=True)
    if run.conclusion == "success":
        return None
    if run.conclusion in {"cancelled", "timed_out"}:
        late = run.conclusion == "timed_out"
        why = "the training ran into its time limit" if late else "the training run was cancelled"
        return Unfinished(why=why, cancelled=True, title=why)
    ended = plain_text(run.conclusion or "nothing", longest=40)
    why = f"attempt {run.attempt} of the training run ended as {ended}"
    remedy = "read the last lines of the step that failed, correct it, and push"
    return Unfinished(why=why, code=STEP_FAILED, title="training failed", remedy=remedy)
