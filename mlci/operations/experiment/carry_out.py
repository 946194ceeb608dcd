"""Carry a verdict out: promote the evaluated model, or roll the version of the treatment back.

A scheduled workflow repeats the verdict, so each step looks at the registry first and does nothing twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlci.experiment.result import ExperimentResult, ExperimentVerdict
from mlci.operations.context import RunContext, registry_of
from mlci.operations.registry.promote import PromoteOptions, promote
from mlci.operations.registry.rollback import roll_back
from mlci.report.document import Report

_LONGEST = 900  # characters of a reason in the ledger


@dataclass(frozen=True)
class CarriedOut:
    """What was done.

    Attributes:
        action: `promoted`, `rolled back`, `refused` or `nothing`.
        text: A sentence about it.
        version: Version in production afterwards, as far as it is known.
    """

    action: str
    text: str
    version: int | None = None


def carry_out(
    context: RunContext, result: ExperimentResult, *, version: int | None, out: Path, save: Callable[[Report], str]
) -> CarriedOut:
    """Promote or roll back as the verdict demands.

    Args:
        context: Run context with registry and author.
        result: The experiment.
        version: Version that the treatment serves; ``None`` for the bundle in ``out``, which is not promoted yet.
        out: Output folder of the run that evaluated the model.
        save: Writes the report of a re-evaluation.

    Raises:
        InputError: if the bundle is missing or damaged, or no earlier version exists.
        OutsideError: if the registry can't be reached, or another decision came in between.
    """
    if result.verdict is ExperimentVerdict.PROMOTE:
        return _promote(context, result, version, out, save)
    if result.verdict is ExperimentVerdict.ROLL_BACK:
        return _roll_back(context, result, version)
    return CarriedOut("nothing", f"nothing to carry out: the verdict is to {result.verdict}")


def _reason(result: ExperimentResult) -> str:
    return f"experiment: {result.reason}"[:_LONGEST]


def _promote(
    context: RunContext, result: ExperimentResult, version: int | None, out: Path, save: Callable[[Report], str]
) -> CarriedOut:
    champion = registry_of(context).view().state.champion
    if version is not None:
        text = f"version {champion} stays in production" if champion == version else _gone(version, champion)
        return CarriedOut("nothing", text, champion)
    done = promote(context, out=out, options=PromoteOptions(note=_reason(result)), save=save)
    if done.refused is not None:
        return CarriedOut("refused", f"not promoted: {done.refused}", champion)
    if done.entry is None:
        return CarriedOut("nothing", f"version {done.version} is in production already", done.version)
    return CarriedOut("promoted", f"version {done.version} is in production (entry {done.entry})", done.version)


def _roll_back(context: RunContext, result: ExperimentResult, version: int | None) -> CarriedOut:
    registry = registry_of(context)
    champion = registry.view().state.champion
    if version is None:
        text = "the treatment's model was never promoted, so nothing is rolled back; give all traffic to the control"
        return CarriedOut("nothing", text, champion)
    if champion != version:
        return CarriedOut("nothing", _gone(version, champion), champion)
    done = roll_back(registry, to=None, reason=_reason(result))
    return CarriedOut(
        "rolled back",
        f"version {done.version} is in production again; version {done.replaced} is not (entry {done.entry})",
        done.version,
    )


def _gone(version: int, champion: int | None) -> str:
    return f"version {version} is not in production any more (version {champion} is), so nothing was written"
