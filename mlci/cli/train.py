"""``mlci train``."""

import json
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.build import configuration, tools
from mlci.config.models import Config
from mlci.errors import InputError
from mlci.steps.stages import operational
from mlci.usecases import by_training, own_metrics
from mlci.usecases.paths import located
from mlci.usecases.sides import PER_ROWS, Place, train


@click.command()
@options.config
@options.as_json
def command(config_path: Path, *, as_json: bool) -> int:
    """Run the training step, and say what it left and what it cost.

    \b
    Example:
      mlci train --config mlci.yml
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = configuration(config_path)
    folder = config_path.parent
    with tools(folder, place=loaded.config.registry) as effects:
        own_metrics.present(loaded, effects)
        place, data = Place(folder=folder, scratch=effects.scratch / "step"), _evaluation(loaded.config, folder)
        makes = data is not None and by_training.is_expected(loaded.config, effects, data)
        stage = train(loaded.config, place, effects, makes=by_training.has_to_write(loaded.config) if makes else None)
        if makes and data is not None:
            by_training.remember(effects, data)
    if stage is None:
        raise InputError(loaded.problem("there is no training step; add `train: {run: python train.py}`"))
    costs = operational(train=stage, predict=None, model=stage.output, rows=PER_ROWS)
    if as_json:
        click.echo(json.dumps({"model": str(stage.output) if stage.output else None, **costs}, indent=1))
    else:
        click.echo("\n".join(f"{name}: {value:.6g}" for name, value in costs.items()))
    return 0


def _evaluation(config: Config, folder: Path) -> str | None:
    return None if config.evaluation is None else located(config.evaluation.data, folder)
