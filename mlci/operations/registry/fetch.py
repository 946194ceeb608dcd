"""``mlci fetch``: copy the part of the registry that a run reads."""

from mlci.config.models import RowsConfig
from mlci.git.refs import read_head
from mlci.operations import evaluation_sets
from mlci.operations.context import RunContext
from mlci.operations.holdout import holdout_looks
from mlci.operations.metrics_only import ROWS
from mlci.operations.models import baseline_production, baseline_ref_or_file, recorded_predictions
from mlci.operations.registry import training_noise, version_history, waivers
from mlci.registry import stored_files
from mlci.registry.registry import RegistryView, Version


def fetch_for_run(context: RunContext) -> int | None:
    """Read the ledger head, the champion and the files for a comparison with it; return its number, or ``None``.

    Args:
        context: Run context; its registry copies everything that is read.

    Raises:
        CorruptError: if the champion is damaged.
        OutsideError: if the registry can't be reached.
    """
    view = baseline_production.champion_head(context)
    if view is None and context.config.reuse is not None:
        holdout_looks.require_ledger(context)
    champion = view.champion if view is not None else None
    waivers.read_waivers(view, waivers.judged_commit(context, read_head(context.git)))
    if view is None or champion is None:
        return None
    _read(context, view, champion)
    for _ in version_history.metric_history(view):  # for the report's trend; unreadable versions are skipped
        pass
    return champion.number


def _read(context: RunContext, view: RegistryView, champion: Version) -> None:
    """Read the champion's predictions on the current rows, or else its model and recipe, and its training noise."""
    manifest = champion.manifest
    config, rows, made_later = context.config, ROWS, False
    if isinstance(config, RowsConfig):
        on_rows = context.with_config(config)
        made_later = evaluation_sets.is_made_by_training(on_rows)
        rows = manifest.predictions.fingerprint if made_later else baseline_ref_or_file.rows_fingerprint(on_rows)
    predictions = recorded_predictions.is_made_on(view, champion, rows)
    keys = (manifest.data.keys,) if manifest.data.keys else ()
    training_noise.load_noise(config, view, against=champion.number, rows=rows)
    # Training may make other rows, so every file that a comparison with the champion may need has to be copied.
    judged = (*manifest.files, manifest.predictions.file, manifest.report) if predictions is None or made_later else ()
    rescored = (predictions.file,) if predictions is not None else ()
    for number, file in enumerate((manifest.recipe.config, *manifest.environment.lock, *keys, *judged, *rescored)):
        stored_files.fetch_file(
            view.store, file, context.scratch / "fetched" / str(number), of=f"version {champion.number}"
        )
