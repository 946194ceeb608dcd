"""``mlci train``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.models import RowsConfig
from mlci.errors import InputError
from mlci.execution.stages import Stage, operational_costs
from mlci.operations import evaluation_sets, name_checks
from mlci.operations.context import RowsContext
from mlci.operations.models.model_predictions import PER_ROWS
from mlci.operations.models.predictions import candidate_steps, run_train_step
from mlci.operations.models.training_request import require_training_request
from mlci.util.json_text import pretty_json


@click.command()
@options.config
@options.as_json
def command(config_path: Path, *, as_json: bool) -> int:
    """Run the training step, and print its duration and the model's size.

    \b
    Example:
      mlci train --config mlci.yml
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)
    with run_context(loaded) as context:
        require_training_request(context)
        config = context.config
        if isinstance(config, RowsConfig):
            stage = _train_for_rows(context.with_config(config))
        else:
            stage = run_train_step(context, candidate_steps(context))
    if stage is None:
        raise InputError(loaded.problem("the training step is missing; add `train: {run: python train.py}`"))
    costs = operational_costs(train=stage, predict=None, model=stage.output, rows=PER_ROWS)
    if as_json:
        click.echo(pretty_json({"model": str(stage.output) if stage.output else None, **costs}))
    else:
        click.echo("\n".join(f"{name}: {value:.6g}" for name, value in costs.items()))
    return 0


def _train_for_rows(context: RowsContext) -> Stage | None:
    """Run the training step, which may make the evaluation set."""
    name_checks.check_custom_metrics(context)
    made = evaluation_sets.is_made_by_training(context)
    makes = evaluation_sets.required_output(context.config) if made else None
    stage = run_train_step(context, candidate_steps(context), makes=makes)
    if made:
        evaluation_sets.remember_made(context)
    return stage
