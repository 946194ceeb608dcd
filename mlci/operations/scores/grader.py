"""A judge against human labels: read them, measure the agreement, and hold back gates of a judge that lacks it."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from mlci.config.lifecycle.grader import Grader
from mlci.errors import InputError, Problem
from mlci.gates.outcomes import JudgedGate, Outcome, Reason
from mlci.inference.grader import FEWEST_LABELLED, agreement_by_item, cohen_kappa, corrected_mean
from mlci.metrics.statistics import Counts, Floats
from mlci.operations.scores.item_metrics import scorer_of
from mlci.report.item_rows import CorrectedChange, GraderAgreement, JudgeStability
from mlci.report.text.number_format import format_percent
from mlci.scores.pairing import PairedItems, group_of
from mlci.scores.score_log import ScoredItem, ScoreLog
from mlci.util.safe_files import read_bounded

Model = Literal["candidate", "baseline"]
MODELS: tuple[Model, ...] = ("candidate", "baseline")
AnswerId = tuple[Model, str, str]
_MOST_BYTES = 50_000_000
_LINE = '{"key": "q05", "candidate": 1, "baseline": 0}'


@dataclass(frozen=True, kw_only=True)
class GoldLabels:
    """Human labels by model, item and repeat, and the section that names them."""

    grader: Grader
    labels: Mapping[AnswerId, float]


def read_gold_labels(grader: Grader | None, folder: Path) -> GoldLabels | None:
    """Read the human labels; ``None`` without a section.

    Raises:
        InputError: if a line is not a label; the message has its number.
    """
    if grader is None:
        return None
    path = folder / grader.labels
    try:
        lines = read_bounded(path, _MOST_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(Problem(f"the labels of `grader` can't be read: {why}", str(path))) from None
    labels: dict[AnswerId, float] = {}
    for number, line in enumerate(lines, start=1):
        for answer, label in _parse_line(line) if line.strip() else ():
            if label is None or answer in labels:
                why = "labels an answer that an earlier line labels" if label is not None else _malformed()
                raise InputError(Problem(why, str(path), number))
            labels[answer] = label
    return GoldLabels(grader=grader, labels=labels)


def _malformed() -> str:
    return f"is not a label: write `key`, and a number for `candidate`, `baseline` or both, as in {_LINE}"


def _parse_line(line: str) -> Iterator[tuple[AnswerId, float | None]]:
    """Yield the labels of a line; ``None`` for one that is malformed."""
    broken: tuple[AnswerId, None] = (("candidate", "", ""), None)
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("key"), str | int) or not set(row) & set(MODELS):
        yield broken
        return
    if set(row) - {"key", "repeat", *MODELS}:
        yield broken
        return
    for model in MODELS:
        label = row.get(model)
        if label is None:
            continue
        number = float(label) if isinstance(label, int | float) else math.nan
        yield (model, str(row["key"]), str(row.get("repeat", 1))), number if math.isfinite(number) else None


def measure_grader(
    gold: GoldLabels, pairs: PairedItems, logs: Sequence[ScoreLog], clusters: Counts | None, confidence: float
) -> GraderAgreement:
    """Compare the judge's scores with the labels of the same answers.

    Args:
        gold: The labels.
        pairs: The items of both models.
        logs: Both logs, whose scorers the judge is one of.
        clusters: Number of each item's cluster; ``None`` if items are independent.
        confidence: Two-sided level of intervals.

    Raises:
        InputError: if the judge is not known, or no label is of an answer that it scored.
    """
    judge = _judge_of(gold.grader, logs)
    found = [
        (index, model, item, label) for index, model, item, label in _labelled(gold, pairs) if judge in item.scores
    ]
    if not found:
        raise InputError(
            f"no label of `grader.labels` is of an answer that `{judge}` scored; the keys are those of "
            "`mlci scores FILE --json`, and `repeat` is that of the log"
        )
    scores, labels = [item.scores[judge] for _, _, item, _ in found], [label for *_, label in found]
    by_item: dict[int, list[bool]] = {}
    for index, _, item, label in found:
        by_item.setdefault(index, []).append(item.scores[judge] == label)
    shares = np.array([np.mean(equal) for equal in by_item.values()])
    agreement = agreement_by_item(shares, None if clusters is None else clusters[list(by_item)])
    interval, least = agreement.interval(confidence), gold.grader.min_agreement
    corrected, reason = _correct(judge, pairs, found, confidence, clustered=clusters is not None)
    return GraderAgreement(
        judge=judge,
        answers=len(found),
        items=len(by_item),
        unmatched=len(gold.labels) - len(found),
        agreement=float(agreement.value or 0.0),
        interval=interval,
        kappa=cohen_kappa(scores, labels),
        min_agreement=least,
        trusted=None if least is None else interval is not None and interval[0] >= least,
        blocks=gold.grader.below == "block",
        repeats=_repeat_stability(judge, found),
        positions=_position_stability(gold.grader.position, judge, pairs),
        corrected=corrected,
        reason=reason,
    )


def _judge_of(grader: Grader, logs: Sequence[ScoreLog]) -> str:
    scorers = list(dict.fromkeys(name for log in logs for name in log.scorers))
    if grader.metric is None and len(scorers) == 1:
        return scorers[0]
    if grader.metric in scorers:
        return str(grader.metric)
    listed = ", ".join(scorers[:20]) or "no scorer"
    what = "`grader.metric` is missing" if grader.metric is None else f"`grader.metric` names {grader.metric}"
    raise InputError(f"{what}; name the scorer that is a model: the log has {listed}")


def _labelled(gold: GoldLabels, pairs: PairedItems) -> Iterator[tuple[int, Model, ScoredItem, float]]:
    """Yield each labelled answer: number of the item, model, answer and label."""
    sides: list[tuple[Model, Sequence[Sequence[ScoredItem]]]] = [("candidate", pairs.candidate)]
    if pairs.baseline is not None:
        sides.append(("baseline", pairs.baseline))
    for index in range(len(pairs.keys)):
        for model, side in sides:
            for item in side[index]:
                label = gold.labels.get((model, item.key, item.repeat))
                if label is not None:
                    yield index, model, item, label


def _repeat_stability(judge: str, found: Sequence[tuple[int, Model, ScoredItem, float]]) -> JudgeStability | None:
    """Return how many groups of repeats that people labelled alike the judge scored alike."""
    seen: dict[tuple[int, Model, float], list[float]] = {}
    for index, model, item, label in found:
        seen.setdefault((index, model, label), []).append(item.scores[judge])
    several = [values for values in seen.values() if len(values) > 1]
    same = sum(len(set(values)) == 1 for values in several)
    return JudgeStability(same=same, of=len(several)) if several else None


def _position_stability(position: str | None, judge: str, pairs: PairedItems) -> JudgeStability | None:
    """Return how many items have the same scores in every position, of those that were judged in several."""
    if position is None:
        return None
    several, same = 0, 0
    for answers in (*pairs.candidate, *(pairs.baseline or ())):
        by_place: dict[object, list[float]] = {}
        for item in answers:
            if judge in item.scores:
                by_place.setdefault(group_of([item], position), []).append(item.scores[judge])
        if len(by_place) > 1 and None not in by_place:
            several += 1
            same += len({float(np.mean(values)) for values in by_place.values()}) == 1
    if not several:
        raise InputError(f"`grader.position` names {position}, and no item was judged in two positions by it")
    return JudgeStability(same=same, of=several)


def _correct(
    judge: str,
    pairs: PairedItems,
    found: Sequence[tuple[int, Model, ScoredItem, float]],
    confidence: float,
    *,
    clustered: bool,
) -> tuple[CorrectedChange | None, str | None]:
    """Return the mean difference that labels correct, or why there is none."""
    if pairs.baseline is None:
        return None, "without a baseline, no change is corrected"
    if clustered:
        return None, "the correction takes items as independent, and `evaluation.cluster` says that they are not"
    by_people: dict[tuple[int, Model], list[float]] = {}
    for index, model, _, label in found:
        by_people.setdefault((index, model), []).append(label)
    change = _judged_change(judge, pairs)
    both = [i for i in range(len(pairs.keys)) if {(i, "candidate"), (i, "baseline")} <= set(by_people)]
    both = [index for index in both if math.isfinite(change[index])]
    others = np.isfinite(change)
    others[both] = False
    if min(len(both), int(others.sum())) < FEWEST_LABELLED:
        return None, (
            f"a correction needs {FEWEST_LABELLED} items with labels of both models and as many without; there are "
            f"{len(both):,} and {int(others.sum()):,}"
        )
    people = np.array([np.mean(by_people[i, "candidate"]) - np.mean(by_people[i, "baseline"]) for i in both])
    mean = corrected_mean(people, change[both], change[others], confidence=confidence)
    raw = float(change[np.isfinite(change)].mean())
    return CorrectedChange(
        raw=raw, change=mean.value, interval=(mean.low, mean.high), items=len(both), weight=mean.weight
    ), None


def _judged_change(judge: str, pairs: PairedItems) -> Floats:
    """Return the judge's difference of each item; NaN without a score of both models."""

    def means(side: Sequence[Sequence[ScoredItem]]) -> Floats:
        scored = [[item.scores[judge] for item in answers if judge in item.scores] for answers in side]
        return np.array([np.mean(values) if values else math.nan for values in scored], dtype=np.float64)

    return means(pairs.candidate) - means(pairs.baseline or ())


def hold_back_gates(gates: Iterable[JudgedGate], found: GraderAgreement | None) -> tuple[JudgedGate, ...]:
    """Return the gates; those of a judge that is not shown to agree with people are inconclusive."""
    if found is None or found.trusted is not False:
        return tuple(gates)
    return tuple(_held_back(gate, found) if scorer_of(gate.rule.metric) == found.judge else gate for gate in gates)


def _held_back(gate: JudgedGate, found: GraderAgreement) -> JudgedGate:
    if gate.outcome is Outcome.ERROR:
        return gate
    return replace(
        gate,
        rule=replace(gate.rule, inconclusive="block" if found.blocks else "warn"),
        outcome=Outcome.INCONCLUSIVE,
        why=Reason.GRADER,
        reason=_untrusted(found),
        rows_needed=None,
        rows_needed_of=None,
        blocks=found.blocks,
    )


def _untrusted(found: GraderAgreement) -> str:
    low = "" if found.interval is None else f", at least {format_percent(round(found.interval[0], 3))}"
    return (
        f"the judge can't gate: it agrees with people on {format_percent(round(found.agreement, 3))} of "
        f"{found.answers:,} labelled answers{low}, and `grader.min_agreement` is "
        f"{format_percent(found.min_agreement or 0.0)}"
    )
