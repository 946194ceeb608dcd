"""Predictions of a version that the registry holds: found by the rows that they were made on, and nothing is run."""

from pathlib import Path

from mlci.config.models import Config
from mlci.engine.interface import Source
from mlci.lineage.rows import is_recorded, spellings
from mlci.operations import evaluation_plan
from mlci.operations.models.model_predictions import PER_ROWS, ModelPredictions
from mlci.registry.manifest import Predictions
from mlci.registry.registry import RegistryView, Version


def is_made_on(view: RegistryView, champion: Version, rows: str) -> Predictions | None:
    """Return the champion's predictions on these rows, if it has any."""
    own = champion.manifest.predictions
    recorded = is_recorded(own.fingerprint, rows) and not view.lacks_erased(own.file.digest)
    return own if recorded else added_for_rows(view, rows)


def added_for_rows(view: RegistryView, rows: str) -> Predictions | None:
    """Return the champion's predictions that were added for these rows, under any spelling of the fingerprint."""
    rescored = filter(None, (view.rescored(name) for name in spellings(rows)))
    return next((found for found in rescored if not view.lacks_erased(found.file.digest)), None)


def version_predictions(config: Config, champion: Version, predictions: Predictions, path: Path) -> ModelPredictions:
    """Return a version's predictions for the comparison."""
    return ModelPredictions(
        source=Source.of(str(path), predictions),
        costs=champion.manifest.costs,
        measured_for=PER_ROWS,
        commit=champion.manifest.recipe.commit,
        made_from=made_from(config, champion),
        version=champion.number,
        label=f"predictions of version {champion.number}",
        rescored=predictions != champion.manifest.predictions,
        made_on=fingerprint_of(predictions.fingerprint),
        notes=_measured(config, champion.number),
    )


def made_from(config: Config, champion: Version) -> str | None:
    """Return the commit that a version was made from; ``None`` for uncommitted changes or an import."""
    recipe = champion.manifest.recipe
    imported = recipe.train is None and config.train is not None
    return None if recipe.dirty or imported else recipe.commit


def _measured(config: Config, number: int) -> tuple[str, ...]:
    asked = evaluation_plan.asked_operations(config)
    return (f"baseline: {', '.join(asked)} of version {number} as measured when it was judged",) if asked else ()


def fingerprint_of(rows: str) -> str:
    """Return the fingerprint in an identifier of rows, without the part for their order."""
    return rows.partition(" ")[0]
