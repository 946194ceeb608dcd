"""Comparison of two evaluation runs: estimates of every metric in every slice, and the gates judged on them.

Answers without a score are not wrong answers. Every gate is also judged as if they had the lowest and the highest
score: an outcome that depends on them is that of the errored items, whatever the others say.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np

from mlci.config.models import ScoresConfig, effective_slices
from mlci.config.slices import slice_columns, slice_name
from mlci.errors import InputError
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Rule
from mlci.gates.outcomes import JudgedGate, Outcome, Reason
from mlci.inference.result import EvaluationResult
from mlci.inference.scored_items import Errored, ItemContext, ItemScope, compare_items
from mlci.metrics.statistics import WHOLE, Counts, Scope
from mlci.operations import evaluation_plan
from mlci.operations.scores import item_metrics
from mlci.operations.scores.grader import GoldLabels, hold_back_gates, measure_grader
from mlci.operations.scores.item_changes import find_item_changes
from mlci.operations.scores.item_metrics import ScoreRange
from mlci.report.item_rows import GraderAgreement
from mlci.scores.pairing import Acceptance, PairedItems, group_of, is_errored, pair_items
from mlci.scores.score_log import Scalar, ScoredItem, ScoreLog
from mlci.util.digests import canonical_json, sha256_of

NO_VALUE = "(null)"
_LISTED = 5


@dataclass(frozen=True, kw_only=True)
class ScoreComparison:
    """Both runs, paired.

    Attributes:
        pairs: The items of both.
        ranges: Bounds of each scorer.
        result: Estimates without the errored answers, for the report.
        gates: The gates.
        grader: The judge against human labels, if there are some.
    """

    pairs: PairedItems
    ranges: dict[str, ScoreRange]
    result: EvaluationResult
    gates: tuple[JudgedGate, ...]
    grader: GraderAgreement | None = None


def compare_logs(
    config: ScoresConfig,
    candidate: ScoreLog,
    baseline: ScoreLog | None,
    *,
    texts: bool,
    gold: GoldLabels | None = None,
) -> ScoreComparison:
    """Pair two runs, estimate every metric, and judge the gates.

    Args:
        config: The configuration.
        candidate: The candidate's run.
        baseline: The baseline's; ``None`` without one.
        texts: Whether the report shows what items ask and the answers.
        gold: Human labels of the answers.

    Raises:
        InputError: if the runs can't be compared, or a slice, a cluster or the judge is not in the logs.
    """
    evaluation = config.evaluation
    accept = Acceptance(
        shared=evaluation.items == "shared", partial=evaluation.partial, prompt=evaluation.prompts == "may_differ"
    )
    pairs = pair_items(candidate, baseline, accept)
    logs = [log for log in (candidate, baseline) if log is not None]
    ranges = item_metrics.score_ranges(logs, config.gates)
    results = {mode: estimate_items(config, pairs, ranges, mode) for mode in _modes(pairs)}
    changes = find_item_changes(config, pairs, ranges, texts=texts)
    result = replace(results[Errored.LEFT_OUT], item_changes=changes)
    lower = {name for name, one in ranges.items() if one.higher_is_better is False}
    gates, found = _judge(config, pairs, results, lower), None
    if gold is not None:
        found = measure_grader(gold, pairs, logs, item_clusters(config, pairs), config.judged_confidence)
    return ScoreComparison(pairs=pairs, ranges=ranges, result=result, gates=hold_back_gates(gates, found), grader=found)


def _modes(pairs: PairedItems) -> tuple[Errored, ...]:
    """Return how errored answers are counted; without any, all ways are the same."""
    sides = [pairs.candidate, *([] if pairs.baseline is None else [pairs.baseline])]
    scorers = {name for side in sides for one in side for item in one for name in item.scores}
    whole = all(item.scores.keys() == scorers for side in sides for one in side for item in one)
    return (Errored.LEFT_OUT,) if whole else tuple(Errored)


def estimate_items(
    config: ScoresConfig, pairs: PairedItems, ranges: dict[str, ScoreRange], errored: Errored
) -> EvaluationResult:
    """Return the estimates of every metric in every slice, with values for answers without a score."""
    context = ItemContext(
        scopes=item_scopes(config, pairs),
        clusters=item_clusters(config, pairs),
        errored=errored,
        confidence=config.judged_confidence,
        seed=config.policy.seed,
    )
    metrics = [item_metrics.item_metric(name, pairs, ranges) for name in metric_names(config, pairs, ranges)]
    return EvaluationResult(
        task=config.task,
        rows=len(pairs.keys),
        fingerprint=items_fingerprint(pairs.candidate),
        has_baseline=pairs.baseline is not None,
        confidence=config.judged_confidence,
        seed=config.policy.seed,
        comparisons=tuple(one for metric in metrics for one in compare_items(metric, context)),
        notes=(*pairs.notes, *_range_notes(config, ranges)),
    )


def metric_names(config: ScoresConfig, pairs: PairedItems, ranges: dict[str, ScoreRange]) -> list[str]:
    """Return the metrics to report: those listed or every scorer, those of gates, and usage that the log has."""
    listed = [item.metric for item in config.evaluation.reported or ()]
    names = [*(listed or ranges), *(gate.metric for gate in config.gates)]
    answers = [item for one in pairs.candidate for item in one]
    names += [name for name, field in item_metrics.REPORTED.items() if _has_usage(answers, field)]
    if any(map(is_errored, answers)):
        names.append(item_metrics.ERRORED)
    return list(dict.fromkeys(names))


def _has_usage(answers: Sequence[ScoredItem], field: str) -> bool:
    return any(getattr(item.usage, field) is not None for item in answers)


def item_scopes(config: ScoresConfig, pairs: PairedItems) -> list[ItemScope]:
    """Return the whole set and every group of every slice, by the baseline's metadata where there is one."""
    scopes = [ItemScope(scope=WHOLE, items=np.arange(len(pairs.keys)))]
    for item in effective_slices(config):
        names = [column.column for column in slice_columns(item)]
        values = list(zip(*(_values(pairs, name, "slices") for name in names), strict=True))
        groups: dict[tuple[str, ...], list[int]] = {}
        for index, value in enumerate(values):
            groups.setdefault(tuple(map(_group_name, value)), []).append(index)
        if len(groups) > config.evaluation.max_groups:
            raise InputError(
                f"`{slice_name(item)}` has {len(groups):,} groups, and {config.evaluation.max_groups:,} are the most "
                "(`evaluation.max_groups`)"
            )
        scopes += [
            ItemScope(scope=Scope(slice_name(item), " × ".join(group)), items=np.array(groups[group]))
            for group in sorted(groups, key=lambda group: (NO_VALUE in group, group))
        ]
    return scopes


def _group_name(value: Scalar) -> str:
    if value is None:
        return NO_VALUE
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def item_clusters(config: ScoresConfig, pairs: PairedItems) -> Counts | None:
    """Return the number of each item's cluster; an item without one is a cluster of its own."""
    name = config.evaluation.cluster
    if name is None:
        return None
    numbers: dict[object, int] = {}
    values = _values(pairs, name, "cluster")
    each = [
        numbers.setdefault((value is None, index if value is None else value), len(numbers))
        for index, value in enumerate(values)
    ]
    return np.array(each)


def _values(pairs: PairedItems, name: str, key: str) -> list[Scalar]:
    """Return a metadata value of every item, the baseline's first, which the candidate can't change.

    Raises:
        InputError: if no item has it; the message lists what there is.
    """
    sides = [side for side in (pairs.baseline, pairs.candidate) if side is not None]
    values = [
        next((found for side in sides if (found := group_of(side[i], name)) is not None), None)
        for i in range(len(pairs.keys))
    ]
    if all(value is None for value in values):
        known = sorted({known for one in pairs.candidate for item in one for known in item.metadata})
        raise InputError(
            f"`evaluation.{key}` names {name}, which no item has; the log has {', '.join(known[:20]) or 'no metadata'}"
        )
    return values


def items_fingerprint(answers: Sequence[Sequence[ScoredItem]]) -> str:
    """Return ``sha256:…`` of the items and what they ask, whatever their order and repeats."""
    asked = sorted({(item.key, item.content or "") for one in answers for item in one})
    return f"sha256:{sha256_of(canonical_json(asked))}"


def _range_notes(config: ScoresConfig, ranges: dict[str, ScoreRange]) -> list[str]:
    gated = {item_metrics.scorer_of(gate.metric) for gate in config.gates}
    assumed = [name for name, one in ranges.items() if one.assumed and name in gated]
    if not assumed:
        return []
    return [f"scores of {', '.join(assumed)} are taken to be between 0 and 1; the range of a gate sets other bounds"]


def _judge(
    config: ScoresConfig, pairs: PairedItems, results: dict[Errored, EvaluationResult], lower: AbstractSet[str]
) -> tuple[JudgedGate, ...]:
    """Judge the gates on what was scored, and check that the errored answers could not change an outcome."""
    rules = [_directed(rule, lower) for rule in evaluation_plan.gate_rules(config)]
    least = config.evaluation.min_group_size
    judged = {mode: judge_rules(rules, result, min_group_size=least) for mode, result in results.items()}
    if len(judged) == 1:
        return judged[Errored.LEFT_OUT]
    triples = zip(judged[Errored.LEFT_OUT], judged[Errored.WORST], judged[Errored.BEST], strict=True)
    return tuple(_with_errored(config, pairs, *triple) for triple in triples)


def _directed(rule: Rule, lower: AbstractSet[str]) -> Rule:
    """Return a rule whose limits on a gain know that the log says of its scorer that lower is better."""
    if rule.metric not in lower:
        return rule
    limits = (replace(one, lower_is_better=one.proves_gain or one.lower_is_better) for one in rule.limits)
    return replace(rule, limits=tuple(limits))


def _with_errored(
    config: ScoresConfig, pairs: PairedItems, gate: JudgedGate, worst: JudgedGate, best: JudgedGate
) -> JudgedGate:
    """Return the gate, or that the errored answers decide it."""
    if gate.outcome is worst.outcome is best.outcome:
        return gate
    blocks = gate.outcome is Outcome.ERROR or config.policy.errored_items == "block"
    return replace(
        gate,
        rule=replace(gate.rule, inconclusive="block" if blocks else "warn"),
        outcome=Outcome.INCONCLUSIVE,
        why=Reason.ERRORED_ITEMS,
        reason=_errored_words(pairs, item_metrics.scorer_of(gate.rule.metric)),
        rows_needed=None,
        rows_needed_of=None,
        blocks=blocks,
    )


def _errored_words(pairs: PairedItems, scorer: str) -> str:
    """Return how many answers have no score of a scorer in which run, and which items to run again."""
    parts = []
    for whose, side in (("candidate", pairs.candidate), ("baseline", pairs.baseline or [])):
        items = [item for one in side for item in one if is_errored(item) or scorer in item.unscored]
        if items:
            keys = list(dict.fromkeys(item.key for item in items))
            why = items[0].reason or f"no score by {scorer}"
            named = ", ".join(keys[:_LISTED]) + (f" and {len(keys) - _LISTED:,} more" if len(keys) > _LISTED else "")
            parts.append(f"{len(items):,} of the {whose}'s answers have no score ({why}); run again: {named}")
    return (
        f"the outcome depends on errored items: {'; '.join(parts)}"
        if parts
        else "the outcome depends on missing scores"
    )
