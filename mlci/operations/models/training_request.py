"""Training that has to be asked for: a run without a request ends before anything is trained."""

from mlci.errors import MlciError
from mlci.inference.result import EvaluationResult
from mlci.operations.context import RunContext


class TrainingNotRequestedError(MlciError):
    """The candidate has to be trained, and training was not asked for."""

    exit_code = 1
    remedy = "Add the label to the pull request, or comment `/mlci run`; the check blocks the merge until then."


def require_training_request(context: RunContext) -> None:
    """End the run if the candidate may not be trained.

    Raises:
        TrainingNotRequestedError: if training has to be asked for, and was not.
    """
    train = context.config.train
    if train is not None and not context.may_train:
        raise TrainingNotRequestedError(
            context.loaded.problem(
                f"nothing was trained, because training has to be asked for (`when: {train.when}`): add the label "
                f"`{train.label}` to the pull request, or comment `/mlci run`",
                "train",
                "when",
            )
        )


def result_without_training(context: RunContext) -> EvaluationResult:
    """Return an evaluation without measurements, because the candidate was not trained."""
    policy = context.config.policy
    return EvaluationResult(
        task=context.config.task,
        rows=None,
        fingerprint=None,
        has_baseline=False,
        confidence=context.config.judged_confidence,
        seed=policy.seed,
        comparisons=(),
    )
