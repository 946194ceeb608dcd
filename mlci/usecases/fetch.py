"""``mlci fetch``: read from the registry what a run will read, so that a copy of just that can be kept."""

from pathlib import Path

from mlci.config.load import Loaded
from mlci.registry import versions
from mlci.registry.ledger import Tail
from mlci.registry.versions import Version
from mlci.usecases import baselines, by_training, noise, production, trend
from mlci.usecases.metrics_only import ROWS
from mlci.usecases.paths import located
from mlci.usecases.tools import Tools, registry


def fetch(loaded: Loaded, tools: Tools, *, folder: Path) -> int | None:
    """Read the ledger's end, the champion and what comparing with it takes; return its number, ``None`` for none.

    Args:
        loaded: The configuration, with `baseline: production`.
        tools: Effects; its registry keeps what is read through it.
        folder: Folder of the configuration.

    Raises:
        CorruptError: The champion is not whole.
        OutsideError: The registry can't be reached.
    """
    store = registry(tools)
    end = production.end(loaded.config, tools)
    champion = versions.champion(store, end) if end is not None else None
    if end is None or champion is None:
        return None
    _read(loaded, tools, end, champion, folder=folder)
    for _ in trend.history(store, end):  # a report tells how metrics went; what can't be read explains nothing
        pass
    return champion.number


def _read(loaded: Loaded, tools: Tools, end: Tail, champion: Version, *, folder: Path) -> None:
    """Read the champion's predictions on the current rows, or else its model, how it was made, and its spread."""
    store, manifest = registry(tools), champion.manifest
    evaluation = loaded.config.evaluation
    made_later = False
    if evaluation is None:
        rows = ROWS
    else:
        data = located(evaluation.data, folder)
        made_later = by_training.is_expected(loaded.config, tools, data)
        rows = manifest.predictions.fingerprint if made_later else baselines.rows(loaded.config, tools, data)
    predictions = production.made_on(store, end, champion, rows)
    keys = (manifest.data.keys,) if manifest.data.keys else ()
    noise.noise(loaded.config, store, end, against=champion.number, rows=rows)
    # The rows that training makes may be others, so whatever comparing with the champion can take has to be there.
    judged = (*manifest.files, manifest.predictions.file, manifest.report) if predictions is None or made_later else ()
    known = (predictions.file,) if predictions is not None else ()
    for number, file in enumerate((manifest.recipe.config, *manifest.environment.lock, *keys, *judged, *known)):
        versions.fetch(store, file, tools.scratch / "fetched" / str(number), of=f"version {champion.number}")
