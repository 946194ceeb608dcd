"""Training noise of the champion, by the newest record of `mlci reproduce`."""

from statistics import stdev

from pydantic import ValidationError

from mlci.config.models import Config
from mlci.inference.training_noise import LEAST, UNKNOWN, TrainingNoise
from mlci.lineage.rows import is_recorded
from mlci.metrics import catalogue
from mlci.registry import errors, stored_files
from mlci.registry.entries import MetricSpread
from mlci.registry.entry_kinds import ReproductionRecorded
from mlci.registry.errors import CorruptError
from mlci.registry.registry import RegistryView


def is_noise_wanted(config: Config) -> bool:
    """Check if a gate asks for it."""
    return any(gate.noise is not None for gate in config.gates)


def load_noise(config: Config, view: RegistryView | None, *, against: int | None, rows: str) -> TrainingNoise:
    """Return the recorded noise of the champion on the current rows, or the reason why it is unknown.

    Args:
        config: The configuration; nothing is read unless a gate asks for the noise.
        view: The registry as of one entry; ``None`` if production is not the baseline.
        against: Version of the baseline.
        rows: Identifier of the evaluated rows.

    Raises:
        CorruptError: if the record was changed or is damaged.
    """
    if not is_noise_wanted(config) or view is None or against is None:
        return UNKNOWN
    fix = f"`mlci reproduce {against} -k 5` would record one"
    place = view.state.reproduced.get(str(against))
    if place is None:
        return TrainingNoise(version=against, reason=f"version {against} has no recorded spread of retrainings; {fix}")
    spread = _read(view, place, against)
    if not is_recorded(spread.fingerprint, rows):
        why = f"the spread of version {against} was recorded on another evaluation set"
        return TrainingNoise(version=against, reason=f"{why}; {fix} on this one")
    if len(spread.reruns) < LEAST:
        count = len(spread.reruns)
        why = f"version {against} was retrained {count} time{'' if count == 1 else 's'}, and a spread takes {LEAST}"
        return TrainingNoise(version=against, reason=f"{why} at least; {fix}")
    if len({item.predictions for item in spread.reruns}) == 1:
        why = f"all {len(spread.reruns)} retrainings of version {against} predict the same, whatever MLCI_SEED is"
        teach = "let training seed itself, as by `random_state=int(os.getenv('MLCI_SEED', 0))`, or remove `noise`"
        return TrainingNoise(version=against, reason=f"{why}: its training noise is unknown; {teach}")
    return TrainingNoise(version=against, runs=len(spread.reruns), spread=_deviations(spread))


def _read(view: RegistryView, place: int, against: int) -> MetricSpread:
    entry = view.entry(place)
    body = entry.body
    of = f"the spread that entry {place} names"
    if not isinstance(body, ReproductionRecorded) or body.version != against:
        raise CorruptError(f"{view.shown}: entry {place} should have trained version {against} again and did not")
    data = stored_files.read_description(view.store, body.spread, of=of)
    try:
        spread = MetricSpread.model_validate_json(data)
    except ValidationError as error:
        what = f"{view.shown}: {of}"
        raise errors.unreadable_record(error, data, what=what, writer=entry.writer) from None
    if spread.version != against or len(spread.reruns) != body.runs:
        raise CorruptError(f"{view.shown}: {of} is of other trainings than the entry says")
    return spread


def _deviations(spread: MetricSpread) -> dict[str, float]:
    """Return the standard deviation over reruns by canonical metric, for metrics that every rerun has."""
    names = set.intersection(*(set(item.metrics) for item in spread.reruns))
    values = {name: [item.metrics[name] for item in spread.reruns] for name in sorted(names)}
    return {catalogue.canonical(name): stdev(againsts) for name, againsts in values.items()}
