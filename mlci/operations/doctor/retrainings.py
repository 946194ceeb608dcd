"""Retrainings of the checked-out commit, each in a worktree of its own, with predictions for one evaluation set."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mlci.config.models import Baseline
from mlci.engine.interface import Source
from mlci.errors import InputError
from mlci.git.refs import read_head
from mlci.git.worktree import checked_out
from mlci.operations import evaluation_sets
from mlci.operations.context import RowsContext
from mlci.operations.models import baseline_ref_or_file, file_guards
from mlci.operations.models.predictions import make_predictions


@dataclass(frozen=True, kw_only=True)
class RetrainedModels:
    """Predictions of several trainings of one commit.

    Attributes:
        context: Run context with the evaluation set that they are for.
        sources: Predictions of each training.
        commit: The commit; ``None`` outside of git.
        dirty: Whether the checkout has changes that the commit lacks, which were not trained.
    """

    context: RowsContext
    sources: tuple[Source, ...]
    commit: str | None
    dirty: bool


def retrain_models(context: RowsContext, number: int) -> RetrainedModels:
    """Train the checked-out commit several times.

    If training makes the evaluation set, that of the first training is kept, and the others have to make the same.

    Args:
        context: Run context that may run the user's commands, without a cache.
        number: Number of trainings.

    Raises:
        InputError: if the trainings make different evaluation sets.
        StepError: if a command fails.
    """
    head = read_head(context.git)
    commit, dirty = (head.commit, head.dirty) if head else (None, False)
    if dirty:
        context.say(
            "uncommitted changes are left out, because `--retrain` trains the commit; commit them to include them"
        )
    first: tuple[Source, ...] = ()
    if commit is not None and evaluation_sets.is_made_by_training(context) and _is_one_file(context):
        context, source = _make_set(context, commit)
        first = (source,)
    others = tuple(_retrain(context, number - len(first)))
    return RetrainedModels(context=context, sources=(*first, *others), commit=commit, dirty=dirty)


def _is_one_file(context: RowsContext) -> bool:
    evaluation = context.config.evaluation
    return evaluation_sets.required_output(context.config) is not None and evaluation.labels is None


def _make_set(context: RowsContext, commit: str) -> tuple[RowsContext, Source]:
    """Train once, and keep the evaluation set that this training makes beside its predictions."""
    with checked_out(context.git, commit) as worktree, file_guards.guard_candidate_files(context):
        own, _ = baseline_ref_or_file.own_steps(context, worktree, "HEAD")
        baseline_ref_or_file.keep_inside(own.config, worktree)
        made = evaluation_sets.find_own_set(context.loaded, worktree)
        if made is None:
            raise InputError(
                "`--retrain` needs the evaluation set inside of the repository; `evaluation.data` names "
                f"`{context.config.evaluation.data}`"
            )
        steps = baseline_ref_or_file.baseline_steps(context, worktree)
        found = make_predictions(own, steps, data=made.data, makes=evaluation_sets.required_output(own.config))
        data = context.scratch / f"evaluation{''.join(Path(made.data).suffixes)}"
        shutil.copyfile(made.data, data)
        source = _kept(context, found.source, "first")
    evaluation = context.config.evaluation.model_copy(update={"data": str(data)})
    return context.with_config(context.config.model_copy(update={"evaluation": evaluation})), source


def _retrain(context: RowsContext, number: int) -> Iterator[Source]:
    """Train and predict again and again; yield a copy of the predictions."""
    again = context.with_config(context.config.model_copy(update={"baseline": Baseline(ref="HEAD")}))
    for index in range(number):
        made = baseline_ref_or_file.baseline_from_ref(again)
        if made is None or made.own is not None:
            raise InputError(
                "`--retrain` compares models on one evaluation set, and each training makes its own; fix the seed of "
                "the split, commit the set, or leave `--retrain` out"
            )
        yield _kept(context, made.source, str(index))


def _kept(context: RowsContext, source: Source, name: str) -> Source:
    path = Path(source.path)
    kept = context.scratch / f"retraining-{name}{''.join(path.suffixes)}"
    shutil.copyfile(path, kept)
    return replace(source, path=str(kept))
