"""Predictions of one model: trained and run, scored from a saved file, or read from a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mlci.config.models import Config, Predict, RowsConfig, Train
from mlci.cost.energy import ENERGY, KnownEnergy, UnknownEnergy, sum_energy
from mlci.cost.minutes import COST, PREDICTION_COST, StepSeconds, price_steps
from mlci.cost.runner import UnknownRate
from mlci.engine.interface import Source
from mlci.execution import skops_stage, stages
from mlci.execution.stages import Command, Stage
from mlci.operations.context import RowsContext, RunContext, resolve_path
from mlci.operations.models import file_guards
from mlci.operations.models.model_predictions import PER_ROWS, ModelPredictions


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """Context of one model's steps: the folder to run them in, the folder for their output, and their names.

    Attributes:
        folder: Folder of the configuration, or its counterpart in a worktree.
        scratch: Folder that is emptied before each step.
        name: Prefix of step names in logs: empty for the candidate, ``baseline `` for the baseline.
        environment: Variables on top of the step's own.
        written: Name of the file that configures the commands, for messages.
    """

    folder: Path
    scratch: Path
    name: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    written: str = "mlci.yml"


def candidate_steps(context: RunContext) -> StepContext:
    """Return the context of the candidate's own steps."""
    return StepContext(folder=context.folder, scratch=context.scratch / "step")


def make_predictions(
    context: RowsContext,
    steps: StepContext,
    *,
    data: str,
    model: Path | None = None,
    makes: str | None = None,
    after_training: Callable[[], object] | None = None,
) -> ModelPredictions:
    """Run the training command, if any, predict, and return the predictions.

    Args:
        context: Run context; for a baseline made from a reference, with that commit's own steps.
        steps: Folders and names of the steps.
        data: The evaluation set that both models are judged on.
        model: The model to predict with, if none is trained.
        makes: The evaluation set, if training has to write it.
        after_training: Called once training has ended, before anything is predicted.
    """
    trained = run_train_step(context, steps, makes=makes)
    if after_training is not None:
        after_training()
    model = trained.output if trained else model
    predicted_for = [data] if context.config.predict.file is None else []
    with file_guards.rows_left_alone(predicted_for, name=f"{steps.name}predict"):
        stage, source = _predict(context, steps, data=data, model=model)
    measured = stages.operational_costs(train=trained, predict=stage, model=model, rows=PER_ROWS)
    costs = {**measured, **price_steps(_step_seconds(trained, stage), context.rate)}
    energy = sum_energy(one.ran.energy for one in (trained, stage) if one is not None)
    costs |= {ENERGY: energy.kwh} if isinstance(energy, KnownEnergy) else {}
    seconds = {"train": trained.seconds} if trained else {}
    if stage is not None:
        seconds["predict"] = stage.seconds
    notes = stage.notes if stage else ()
    kept = kept_model_path(context.config)
    if kept is not None:
        model = steps.folder / kept
    unknown = (
        dict.fromkeys((COST, PREDICTION_COST), context.rate.reason) if isinstance(context.rate, UnknownRate) else {}
    )
    unknown |= {ENERGY: energy.reason} if isinstance(energy, UnknownEnergy) else {}
    return ModelPredictions(source=source, costs=costs, unknown=unknown, seconds=seconds, notes=notes, model=model)


def _step_seconds(trained: Stage | None, predicted: Stage | None) -> StepSeconds:
    """Return the wall time of a model's steps, with imports and start of each process."""
    return StepSeconds(
        train=trained.ran.seconds if trained else None,
        predict=predicted.ran.seconds if predicted else None,
        predict_per_1k_rows=predicted.seconds / PER_ROWS * 1000 if predicted else None,
    )


def check_model_file(context: RowsContext) -> None:
    """Check before any step runs that mlci can score the model of ``predict.model``.

    Raises:
        InputError: if packages are missing, or a file that no training makes is not a skops file.
    """
    named = context.config.predict.model
    if named is not None:
        path = context.folder / named
        inside = path.resolve().is_relative_to(context.folder.resolve()) and not Path(named).is_absolute()
        elsewhere = path.is_symlink() or not inside  # such paths have errors of their own
        skops_stage.check_ready(path, named, made_later=context.config.train is not None or elsewhere)


def run_train_step(context: RunContext, steps: StepContext, *, makes: str | None = None) -> Stage | None:
    """Run the training command, if there is one; it has to write every file that is read afterwards."""
    train, predict = context.config.train, context.config.predict
    if train is None:
        return None
    leaves = tuple(name for name in (predict.file, predict.metrics, makes) if name is not None)
    command = step_command(context, steps, train, run=train.run, name="train")
    return stages.run_training(context.runner, command, model=train.model, leaves=leaves)


def _predict(context: RowsContext, steps: StepContext, *, data: str, model: Path | None) -> tuple[Stage | None, Source]:
    predict = context.config.predict

    def features(folder: Path) -> Path:
        return context.features(data, context.config.evaluation.label, folder)

    if predict.run is not None:
        command = step_command(context, steps, predict, run=predict.run, name="predict")
        stage = stages.run_prediction(context.runner, command, scratch=steps.scratch, features=features, model=model)
        return stage, _source(predict, str(stage.output))
    if predict.model is not None:
        skops_model = _skops_model(context.config, steps, predict.model)
        stage = skops_stage.score_skops(
            context.runner,
            skops_model,
            folder=steps.folder,
            scratch=steps.scratch,
            features=features,
            timeout=predict.timeout,
            name=f"{steps.name}predict",
        )
        pairs = tuple((predict.probabilities or {}).items())
        path = str(stage.output)
        return stage, Source(path=path, score=stage.score, decision=stage.decision, probabilities=pairs)
    return None, _source(predict, resolve_path(str(predict.file), steps.folder))


def kept_model_path(config: Config) -> str | None:
    """Return the path, as configured, of the model that belongs to the predictions; ``None`` if none is configured.

    It is the model that mlci itself scores, unless that is a part of the training's output.
    """
    trained, scored = config.train.model if config.train else None, config.predict.model
    if trained is None or scored is None:
        return trained or scored
    return trained if PurePosixPath(scored).is_relative_to(PurePosixPath(trained)) else scored


def _source(predict: Predict, path: str) -> Source:
    """Return predictions with the columns and the threshold of their own configuration."""
    return Source.of(path, predict)


def _skops_model(config: RowsConfig, steps: StepContext, named: str) -> skops_stage.SkopsModel:
    evaluation, predict = config.evaluation, config.predict
    return skops_stage.SkopsModel(
        path=steps.folder / named,
        shown=named,
        task=config.task,
        key=evaluation.key,
        positive=evaluation.positive,
        threshold=predict.threshold,
        probabilities=predict.probabilities,
        trusted=predict.trusted,
        section=predict.model_dump(mode="json", exclude_unset=True, exclude={"trusted"}),
    )


def step_command(context: RunContext, steps: StepContext, step: Train | Predict, *, run: str, name: str) -> Command:
    """Return the command of a step, with its folder, time-out, seed and variables."""
    return Command(
        run=run,
        folder=steps.folder,
        name=f"{steps.name}{name}",
        timeout=step.timeout,
        seed=context.config.policy.seed,
        env=steps.environment,
        named=step.env,
        written=steps.written,
    )
