"""The on-ramp: repositories that only leave a metrics file, compared on its numbers without intervals."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlci.baseline.by_ref import WITHOUT_BASELINE
from mlci.baseline.tracked import is_tracked
from mlci.baseline.worktree import Worktree
from mlci.config.load import Loaded
from mlci.config.models import Baseline
from mlci.config.words import nearest
from mlci.engine.bind import missing_file
from mlci.engine.files import is_missing
from mlci.engine.interface import Source
from mlci.errors import InputError
from mlci.gates.findings import Why
from mlci.gates.judge import judge
from mlci.gates.rules import Bound, Judged, Outcome, Rule
from mlci.inference.evaluation import Comparison, EvaluationResult
from mlci.inference.evidence import Cause, Evidence, Point, Undefined
from mlci.metrics.statistics import WHOLE
from mlci.registry import versions
from mlci.registry.ledger import Tail
from mlci.steps import metrics_file
from mlci.steps.metrics_file import MetricsFile
from mlci.usecases import plan, sides
from mlci.usecases.baselines import former_config, keep_inside, made_from_ref, own_config, refuse_itself
from mlci.usecases.sides import Place, Side
from mlci.usecases.tools import Tools, registry

Values = dict[str, float]
_LISTED = 8
ROWS = "metrics"
"""Stands for the rows that a version's numbers were measured on, which nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A baseline's numbers, and where they came from."""

    values: Values
    commit: str | None = None
    version: int | None = None
    notes: tuple[str, ...] = ()


def candidate(loaded: Loaded, tools: Tools, *, folder: Path) -> tuple[Side, Values]:
    """Train if there is a command for it, and read what the metrics file says."""
    trained = sides.train(loaded.config, Place(folder=folder, scratch=tools.scratch / "step"), tools)
    name = str(loaded.config.predict.metrics)
    found = _read(loaded, folder / name, name, ("predict", "metrics"))
    source = Source(path=str(folder / name))
    return Side(source=source, model=trained.output if trained else None, notes=found.notes(name)), found.values


def _read(loaded: Loaded, path: Path, shown: str, where: tuple[str, ...] = ()) -> MetricsFile:
    """Read a metrics file in which every value that a gate asks for is a number, if it is there."""
    if where and is_missing(str(path)):
        missing = missing_file(str(path), ("candidate" if where[0] == "predict" else "baseline", where[1]))
        raise InputError(loaded.problem(f"`{shown}` {missing.message}", *where))
    found = metrics_file.read(path, shown=shown)
    found.require(gate.metric for gate in loaded.config.gates)
    return found


def baseline(loaded: Loaded, tools: Tools, end: Tail | None, *, folder: Path) -> Numbers | None:
    """Return the baseline's numbers; ``None`` without one."""
    if end is not None:
        return of_production(tools, end)
    chosen = loaded.config.baseline
    if not isinstance(chosen, Baseline):
        return None
    return of_file(loaded, folder=folder) or _of_reference(loaded, str(chosen.ref), tools)


def of_file(loaded: Loaded, *, folder: Path) -> Numbers | None:
    """Return the numbers of the baseline's file; ``None`` for every other baseline."""
    chosen = loaded.config.baseline
    if not isinstance(chosen, Baseline) or chosen.file is None:
        return None
    path = folder / chosen.file
    refuse_itself(loaded, str(path), str(folder / str(loaded.config.predict.metrics)), "file")
    return Numbers(values=_read(loaded, path, chosen.file, ("baseline", "file")).values)


def as_committed(loaded: Loaded, tools: Tools, commit: str, *, folder: Path) -> Numbers:
    """Return the numbers of the metrics file that a commit holds; none if git does not track it, or can't be read."""
    name = str(loaded.config.predict.metrics)
    numbers = Numbers(values={}, commit=commit)
    if is_tracked(tools.git, name):
        with contextlib.suppress(InputError):
            return replace(numbers, values=_read(loaded, folder / name, name).values)
    return numbers


def of_production(tools: Tools, end: Tail) -> Numbers | None:
    """Return the champion's numbers; ``None`` only where nothing was ever promoted."""
    store = registry(tools)
    champion = versions.champion(store, end)
    if champion is None:
        return None
    kept = champion.manifest.predictions
    if kept.fingerprint != ROWS:
        raise InputError(
            f"version {champion.number} has predictions and this change has a metrics file only, so they can't be "
            "compared; keep predicting, or judge this change by `baseline: {file: …}`"
        )
    path = tools.scratch / "baseline" / kept.file.name
    versions.fetch(store, kept.file, path, of=f"version {champion.number}")
    values = metrics_file.read(path, shown=f"the metrics of version {champion.number}").values
    return Numbers(values=values, commit=champion.manifest.recipe.commit, version=champion.number)


def _of_reference(loaded: Loaded, ref: str, tools: Tools) -> Numbers:
    """Make the numbers in a worktree of the reference, or take them from the cache."""

    def make(worktree: Worktree, _: Path) -> dict[str, Any]:
        config, notes = own_config(loaded, worktree, former_config(loaded, worktree, ref, tools.git))
        keep_inside(config, worktree)
        place = Place(
            folder=worktree.folder,
            scratch=tools.scratch / "baseline-step",
            name="baseline ",
            environment=worktree.environment,
        )
        sides.train(config, place, tools)
        path = worktree.holds(str(config.predict.metrics))
        if path is None:
            raise InputError(
                f"`{config.predict.metrics}` does not exist at {ref}; let `train.run` write it, or {WITHOUT_BASELINE}"
            )
        values = _read(loaded, path, f"{ref}:{config.predict.metrics}").values
        return {"values": values, "notes": notes}

    made = made_from_ref(loaded, ref, tools, evaluation=ROWS, make=make)
    notes = (*made.notes, *made.facts["notes"])
    return Numbers(values=made.facts["values"], commit=made.commit, notes=notes)


def compare(loaded: Loaded, candidate: Values, baseline: Values | None, notes: tuple[str, ...]) -> EvaluationResult:
    """Return every number of either file and every number that a gate asks for, as points."""
    config = loaded.config
    names = dict.fromkeys([*(baseline or {}), *candidate, *(gate.metric for gate in config.gates)])
    return EvaluationResult(
        task=config.task,
        rows=None,
        fingerprint=None,
        has_baseline=baseline is not None,
        confidence=config.policy.confidence,
        seed=config.policy.seed,
        comparisons=tuple(_comparison(name, candidate, baseline) for name in names),
        notes=notes,
    )


def judge_values(
    loaded: Loaded, result: EvaluationResult, candidate: Values, baseline: Values | None
) -> tuple[Judged, ...]:
    """Judge the gates, and make an error of every metric that disappeared: deleting what got worse is no way out."""
    rules = plan.rules(loaded.config)
    judged = judge(rules, result, min_group_size=1)
    watched = {rule.metric for rule in rules}
    gone = metrics_file.missing(baseline or {}, candidate)
    return (*judged, *(_gone(name, (baseline or {})[name]) for name in gone if name not in watched))


def _comparison(name: str, candidate: Values, baseline: Values | None) -> Comparison:
    now, before = candidate.get(name), (baseline or {}).get(name)
    absent = _absent(name, candidate, disappeared=before is not None)
    compared = baseline is not None and (before is not None or now is None)  # a new metric has no baseline yet
    change: Evidence = absent if now is None or before is None else Point(now - before)
    value: Evidence = absent if now is None else Point(now)
    return Comparison(
        metric=name,
        scope=WHOLE,
        rows=0,
        support=0,
        unit="rows",
        candidate=value,
        baseline=None if before is None else Point(before),
        change=change if compared else None,
    )


def _absent(name: str, candidate: Values, *, disappeared: bool) -> Undefined:
    """Say that a number is missing: it disappeared, or nothing is called that."""
    said = f"{name} is not in the candidate's metrics file"
    if disappeared:
        return Undefined(f"{said}, but was in the baseline's", cause=Cause.MISSING)
    guess = nearest(name, candidate)
    listed = ", ".join(list(candidate)[:_LISTED])
    hint = f"; did you mean {guess}?" if guess else f"; there are {listed}" if listed else ""
    return Undefined(said + hint, cause=Cause.NAME)


def _gone(name: str, before: float) -> Judged:
    return Judged(
        id=f"{name}.present",
        metric=name,
        rule=Rule(metric=name, limits=()),
        kind="present",
        limit=Bound(0.0),
        slice=None,
        group=None,
        across=None,
        judge="estimate",
        outcome=Outcome.ERROR,
        why=Why.DISAPPEARED,
        reason="the metric disappeared: it is in the baseline's metrics file and not in the candidate's",
        baseline=before,
        blocks=True,
    )
