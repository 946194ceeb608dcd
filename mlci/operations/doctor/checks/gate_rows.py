"""Checks of gates against the rows of the evaluation set: limits and groups that it cannot decide."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlci.config.models import Gate, slice_as_written, slice_scope
from mlci.gates.rules import Limit
from mlci.inference import minimums
from mlci.inference.minimums import PROVES, carriers, rows_without_disagreement
from mlci.metrics import catalogue
from mlci.metrics.statistics import Statistics
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.findings import Finding

_SHARES = frozenset({"accuracy", "recall", "true_negative_rate", "false_positive_rate", "false_negative_rate"})
"""Metrics that are a share of rows with a label, so that the rows of their change are known without predictions."""
_SHOWN = 3


@dataclass(frozen=True)
class _Scope:
    """One group, or the whole set, of a gate, with the rows that carry the metric by unit."""

    name: str
    rows: int
    carried: dict[str, int]


def check_group_sizes(facts: SetupFacts) -> Iterator[Finding]:
    """Report gates with groups below `min_group_size`, which are never judged."""
    least = _min_group_size(facts)
    for index, gate in _gates(facts):
        named = slice_scope(gate)
        small = [one for one in _scopes(facts, gate) if 0 < one.rows < least] if named else []
        if small:
            sizes = ", ".join(f"{one.name} has {one.rows:,}" for one in small[:_SHOWN])
            effect = "its disparity is never decided" if gate.across else "these groups are never judged"
            yield _finding(
                facts,
                index,
                name="gate-group-too-small",
                what=f"`{gate.metric}` by `{slice_as_written(str(named))}`: {sizes} of {least:,} rows"
                f"{_more(len(small))}.",
                why=f"Groups below `min_group_size` stay inconclusive; {effect}.",
                lines=f"evaluation:\n  min_group_size: {max(1, min(one.rows for one in small))}"
                "   # or merge rare values of the column, or add rows",
            )


def check_labels_in_groups(facts: SetupFacts) -> Iterator[Finding]:
    """Report gates with groups whose labels are too few to judge the metric, or to prove a regression."""
    least = _min_group_size(facts)
    for index, gate in _gates(facts):
        if gate.across is not None or catalogue.find(gate.metric) is None:
            continue
        lacking = [
            (one, lack)
            for one in _scopes(facts, gate)
            if one.rows >= least
            and (lack := minimums.missing_rows(gate.metric, one.carried, proving=gate.each is not None))
        ]
        if lacking:
            shown = "; ".join(f"{one.name or 'the set'} has {lack}" for one, lack in lacking[:_SHOWN])
            yield _finding(
                facts,
                index,
                name="gate-too-few-labels",
                what=f"`{gate.metric}`: {shown}{_more(len(lacking))}.",
                why="The gate stays inconclusive there, whatever a pull request changes.",
                lines=f"add rows to the evaluation set until each group has {lacking[0][1].least} {lacking[0][1].unit}",
            )


def check_margins(facts: SetupFacts) -> Iterator[Finding]:
    """Report margins that the rows cannot decide even if both models hardly ever disagree."""
    confidence = facts.loaded.config.policy.confidence if facts.loaded else 0.95
    for index, gate in _gates(facts):
        name = catalogue.canonical(gate.metric)
        for key in ("max_drop", "max_rise"):
            limit: Limit | None = getattr(gate, key)
            if limit is None or gate.judge == "estimate" or name not in _SHARES or gate.across is not None:
                continue
            needed = rows_without_disagreement(limit.value, confidence=confidence)
            short = [one for one in _scopes(facts, gate) if needed is None or _support(gate.metric, one) < needed]
            if short:
                yield _margin(facts, index, gate, key, needed=needed, short=short)


def _margin(facts: SetupFacts, index: int, gate: Gate, key: str, *, needed: int | None, short: list[_Scope]) -> Finding:
    limit = getattr(gate, key)
    unit = _unit(gate.metric)
    if needed is None:
        what = f"`{gate.metric}`: no number of rows decides `{key}: {limit}`."
    else:
        have = ", ".join(
            f"{f'{one.name} has' if one.name else 'there are'} {_support(gate.metric, one):,}" for one in short[:_SHOWN]
        )
        what = f"`{gate.metric}`: `{key}: {limit}` needs {needed:,} {unit}; {have}{_more(len(short))}."
    reach = min(_support(gate.metric, one) for one in short)
    margin = _least_margin(reach, facts)
    return _finding(
        facts,
        index,
        name="gate-undecidable",
        what=what,
        why="Even if no decision changes, the interval is wider than the margin: the gate stays inconclusive unless "
        "all predictions are identical.",
        lines=f"{key}: {margin:g}   # what {reach:,} {unit} can decide; or `judge: estimate`, or more rows",
        place=key,
    )


def _least_margin(rows: int, facts: SetupFacts) -> float:
    """Return the smallest margin, rounded up to two digits, that so many rows can decide."""
    confidence = facts.loaded.config.policy.confidence if facts.loaded else 0.95
    steps = [digit / 1000 for digit in range(1, 1000)]
    return next((one for one in steps if (rows_without_disagreement(one, confidence=confidence) or 0) <= rows), 0.5)


def _gates(facts: SetupFacts) -> list[tuple[int, Gate]]:
    known = facts.loaded is not None and facts.evaluation is not None and facts.evaluation.statistics
    return list(enumerate(facts.loaded.config.gates)) if known and facts.loaded else []


def _scopes(facts: SetupFacts, gate: Gate) -> list[_Scope]:
    """Return the rows that a gate is about: the whole set, or each group of its slice."""
    statistics: tuple[Statistics, ...] = facts.evaluation.statistics if facts.evaluation else ()
    wanted = slice_scope(gate)
    return [
        _Scope(str(one.scope.group or ""), one.rows, {"rows": one.rows, **_labels(gate.metric, one)})
        for one in statistics
        if one.scope.slice == wanted
    ]


def _labels(metric: str, statistics: Statistics) -> dict[str, int]:
    """Return the rows that carry the metric; those of decisions depend on a model and are left out."""
    found = carriers(metric, statistics)
    return {
        item.carrier.unit: found[item.carrier.unit]
        for item in minimums.minimums(metric)
        if item.carrier.column != "decision" and item.carrier.unit in found
    }


def _unit(metric: str) -> str:
    return minimums.minimums(metric)[0].carrier.unit


def _support(metric: str, scope: _Scope) -> int:
    return scope.carried.get(_unit(metric), scope.rows)


def _min_group_size(facts: SetupFacts) -> int:
    evaluation = facts.loaded.config.evaluation if facts.loaded else None
    return evaluation.min_group_size if evaluation else PROVES


def _more(number: int) -> str:
    return f", and {number - _SHOWN} more" if number > _SHOWN else ""


def _finding(
    facts: SetupFacts, index: int, *, name: str, what: str, why: str, lines: str, place: str = "metric"
) -> Finding:
    loaded = facts.loaded
    blocks = loaded is not None and loaded.config.policy.inconclusive == "block"
    return Finding(
        name=name,
        severity="error" if blocks else "warning",
        what=what,
        why=why + (" `policy.inconclusive: block` then blocks every pull request." if blocks else ""),
        lines=lines,
        path=facts.config_path,
        line=loaded.lines.of("gates", index, place) if loaded else None,
    )


CHECKS = (check_group_sizes, check_labels_in_groups, check_margins)
