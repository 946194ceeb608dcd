"""Checks of the evaluation set: it exists, is data, can be read, and has enough rows for the gates."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlci.config.models import Gate, slice_scope
from mlci.config.slices import slice_as_written
from mlci.gates.limits import Limit
from mlci.inference import minimums
from mlci.inference.minimums import PROVES, carriers, rows_without_disagreement
from mlci.metrics import catalogue
from mlci.metrics.statistics import Statistics
from mlci.operations.doctor.checks.finding import Finding
from mlci.operations.doctor.facts import EvaluationFacts, SetupFacts
from mlci.planning.assumptions import ASSUMED_RATE, DISAGREEMENT, assumed_auc
from mlci.planning.changes import ChangeModel
from mlci.planning.gate import PlannedGate
from mlci.planning.plan import rows_for_power

_DATA = ("evaluation", "data")
_SHARES = frozenset({"accuracy", "recall", "true_negative_rate", "false_positive_rate", "false_negative_rate"})
"""Metrics that are a share of rows with a label, so that the rows of their change are known without predictions."""
_SHOWN = 3
SELDOM = 0.1
"""Share of equally good models below which a gate hardly ever passes."""


def check_data_pointer(facts: SetupFacts) -> Iterator[Finding]:
    """Report a pointer of Git LFS or DVC in place of the evaluation set."""
    found = facts.evaluation
    if found is None or found.pointer is None:
        return
    lfs = found.pointer == "lfs"
    step = f"- uses: {facts.pinned('actions/checkout')}\n  with:\n    lfs: true"
    lines = f"git lfs pull   # here\n{step}" if lfs else f"- run: dvc pull {found.shown}"
    yield Finding(
        name=f"data-{found.pointer}-pointer",
        severity="error",
        what=f"`{found.path}` is a pointer of {'Git LFS' if lfs else 'DVC'}, and its data is not here.",
        why="No model can be evaluated without the rows.",
        lines=lines,
        path=facts.config_path,
        line=_line(facts),
    )


def check_data_in_workflow(facts: SetupFacts) -> Iterator[Finding]:
    """Report a pointer whose data is here, but that no workflow fetches."""
    found = facts.evaluation
    if found is None or found.pointer is not None or not found.present:
        return
    for job in facts.evaluating_jobs:
        scripts = "\n".join([*(step.script for step in job.steps), str(job.data.get("with", ""))])
        fetched = any(step.is_checkout and str(step.input("lfs")).lower() == "true" for step in job.steps)
        if f"{found.shown}.dvc" in facts.files and "dvc" not in scripts:
            yield _not_fetched(facts, found, "dvc", job.workflow.path, job.workflow.line(*job.path))
        elif _is_lfs(facts, found) and not fetched and "lfs" not in scripts and not job.calls_mlci:
            yield _not_fetched(facts, found, "lfs", job.workflow.path, job.workflow.line(*job.path))


def _is_lfs(facts: SetupFacts, found: EvaluationFacts) -> bool:
    return found.lfs and found.shown in facts.files


def _not_fetched(facts: SetupFacts, found: EvaluationFacts, tool: str, path: str, line: int) -> Finding:
    checkout = f"- uses: {facts.pinned('actions/checkout')}\n  with:\n    lfs: true"
    return Finding(
        name=f"workflow-without-{tool}",
        severity="error",
        what=f"The job does not fetch `{found.path}`, which {'Git LFS' if tool == 'lfs' else 'DVC'} stores.",
        why="On the runner the evaluation set is a pointer or missing, and the run ends with exit code 2.",
        lines=checkout if tool == "lfs" else f"- run: dvc pull {found.shown}",
        path=path,
        line=line,
    )


def check_data_present(facts: SetupFacts) -> Iterator[Finding]:
    """Report an evaluation set that does not exist and that no training makes."""
    found = facts.evaluation
    if found is None or found.present or found.pointer is not None or facts.trains:
        return
    yield Finding(
        name="data-missing",
        severity="error",
        what=f"The evaluation set `{found.path}` does not exist.",
        why="No model can be evaluated; paths are relative to the configuration.",
        lines="evaluation:\n  data: path/to/holdout.csv   # an existing file, glob or URL",
        path=facts.config_path,
        line=_line(facts),
    )


def check_data_committed(facts: SetupFacts) -> Iterator[Finding]:
    """Report an evaluation set that exists here but not in a checkout of the repository."""
    found = facts.evaluation
    if found is None or not found.present or found.tracked or facts.trains or not facts.evaluating_jobs:
        return
    if "://" in found.path or found.pointer or f"{found.shown}.dvc" in facts.files or not facts.in_git:
        return
    scripts = [step.script for job in facts.evaluating_jobs for step in job.steps]
    if any(found.shown.rpartition("/")[2] in script or "dvc" in script for script in scripts):
        return
    yield Finding(
        name="data-not-committed",
        severity="warning",
        what=f"`{found.path}` exists here, but git does not track it, and no step of a workflow names it.",
        why="A runner has no such file, unless a step fetches it.",
        lines=f"git add {'--force ' if found.ignored else ''}{found.shown}   # or a step that fetches it",
        path=facts.config_path,
        line=_line(facts),
    )


def check_data_readable(facts: SetupFacts) -> Iterator[Finding]:
    """Report what `mlci run` would report about the rows: columns, keys, labels, classes."""
    found = facts.evaluation
    for problem in found.problems if found and not found.pointer else ():
        place = {} if problem.path is None or problem.path == facts.config_path else {"file": problem.path}
        where = f"{place['file']}: " if place else ""
        yield Finding(
            name="data-invalid",
            severity="error",
            what=f"{where}{problem.message}",
            why="`mlci run` ends with exit code 2, and nothing is judged.",
            lines="correct the name in the configuration, or the table",
            path=facts.config_path,
            line=problem.line if not place else _line(facts),
        )


def _line(facts: SetupFacts) -> int | None:
    return facts.loaded.lines.of(*_DATA) if facts.loaded else None


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
    confidence = facts.loaded.config.judged_confidence if facts.loaded else 0.95
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


def check_power(facts: SetupFacts) -> Iterator[Finding]:
    """Report margins that an equally good model hardly ever passes, if it differs on as many rows as usual."""
    for index, gate in _gates(facts):
        for key in ("max_drop", "max_rise"):
            limit: Limit | None = getattr(gate, key)
            if limit is None or limit.relative or gate.judge == "estimate" or gate.across is not None:
                continue
            powers = [(one, found) for one in _scopes(facts, gate) if (found := _power(facts, gate, limit, one))]
            weak = [(one, found) for one, found in powers if found.passes < SELDOM]
            if weak:
                yield _seldom(facts, index, key, weak)


def _power(facts: SetupFacts, gate: Gate, limit: Limit, scope: _Scope) -> "_Power | None":
    """Return how often an equally good model passes; ``None`` if that is not known, or another finding is about it."""
    name, confidence = catalogue.canonical(gate.metric), facts.loaded.config.judged_confidence if facts.loaded else 0.95
    rows = _support(gate.metric, scope)
    change: ChangeModel = ASSUMED_RATE
    if name == "roc_auc":
        positives, negatives = (scope.carried.get(unit, 0) for unit in ("labelled positives", "labelled negatives"))
        if not positives or not negatives:
            return None
        change, rows = assumed_auc(positives, negatives), scope.rows
    elif name not in _SHARES:
        return None
    least = rows_without_disagreement(limit.value, confidence=confidence)
    if least is None or (name in _SHARES and rows < least) or scope.rows < _min_group_size(facts):
        return None
    planned = PlannedGate(
        metric=name,
        limit=limit,
        margin=limit.value,
        rows=rows,
        scope_rows=scope.rows,
        confidence=confidence,
        min_group_size=1,
    )
    return _Power(planned, change, change.powers(planned, [0.0], rows=rows)[0].passed)


@dataclass(frozen=True)
class _Power:
    """A gate with the share of equally good models that pass it."""

    gate: PlannedGate
    change: ChangeModel
    passes: float


def _seldom(facts: SetupFacts, index: int, key: str, weak: list[tuple[_Scope, _Power]]) -> Finding:
    scope, worst = min(weak, key=lambda one: one[1].passes)
    gate, unit = worst.gate, "rows" if worst.gate.metric == "roc_auc" else _unit(worst.gate.metric)
    needed = rows_for_power(gate, worst.change)
    where = f" in {scope.name}" if scope.name else ""
    more = f", and {needed:,} are needed to decide" if needed else ""
    return _finding(
        facts,
        index,
        name="gate-seldom-decides",
        what=f"`{gate.metric}`: with {gate.rows:,} {unit}{where}, `{key}: {gate.limit}` passes only "
        f"{100 * worst.passes:.0f} of 100 models that are as good as the last one{more}{_more(len(weak))}.",
        why=f"Two equally good models are taken to differ on {DISAGREEMENT:.0%} of the rows; then the gate is nearly "
        "always inconclusive, and finds only drops far beyond its margin.",
        lines="mlci plan   # after a run, with the models' own differences; then a wider margin, or more rows",
        place=key,
    )


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
    confidence = facts.loaded.config.judged_confidence if facts.loaded else 0.95
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


CHECKS = (
    check_data_pointer,
    check_data_in_workflow,
    check_data_present,
    check_data_committed,
    check_data_readable,
    check_group_sizes,
    check_labels_in_groups,
    check_margins,
    check_power,
)
