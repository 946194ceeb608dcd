"""Simulated evaluation runs of equal quality, from the repeats of one log, and the false blocks of gates on scores.

With repeats, both runs draw each item's answers from those of the log, with replacement. One fewer than the log has
are drawn, because the variance of the mean of k - 1 draws from k answers has the right expected value (Rao & Wu 1988,
JASA 83:231). Without repeats, the log is the baseline, and some items of the candidate get the answer of another item
of the same groups.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlci.config.models import Gate, ScoresConfig
from mlci.errors import InputError
from mlci.inference.scored_items import Errored
from mlci.operations.doctor.false_blocks import FalseBlocks, count_blocks
from mlci.operations.scores import item_metrics
from mlci.operations.scores.compare import estimate_items, item_scopes
from mlci.planning.assumptions import DISAGREEMENT
from mlci.scores.pairing import Acceptance, PairedItems, is_errored, pair_items
from mlci.scores.score_log import ScoredItem, ScoreLog

_CLOSE = 1e-12
Answers = Sequence[ScoredItem]


@dataclass(frozen=True)
class EqualRuns:
    """Simulated pairs of runs.

    Attributes:
        pairs: The pairs.
        repeats: Answers to most items in the log.
    """

    pairs: Iterator[PairedItems]
    repeats: int


def measure_blocks_of_log(
    config: ScoresConfig, log: ScoreLog, *, disagreement: float | None, pairs: int
) -> FalseBlocks:
    """Simulate pull requests with a run of equal quality, and judge each by the gates.

    Args:
        config: The configuration.
        log: A run.
        disagreement: Share of items whose score another run changes, for a log without repeats; ``None`` for 5 %.
        pairs: Simulated pull requests.

    Raises:
        InputError: if no gate can be simulated, or a log with repeats is given a disagreement.
    """
    evaluation = config.evaluation
    accept = Acceptance(shared=True, partial=evaluation.partial, prompt=True)
    items = pair_items(log, None, accept)
    repeats = max(len(one) for one in items.candidate)
    if repeats > 1 and disagreement is not None:
        raise InputError("the log's repeats show how much runs differ; leave `--disagreement` out")
    lean, left_out = _simulated(config, repeated=repeats > 1)
    ranges = item_metrics.score_ranges([log], lean.gates)
    results, shares = [], []
    for paired in simulate_runs(lean, items, pairs=pairs, disagreement=disagreement or DISAGREEMENT):
        results.append(estimate_items(lean, paired, ranges, Errored.LEFT_OUT))
        shares.append(_share_changed(paired))
    found = count_blocks(lean, results, rows=len(items.keys), disagreement=float(np.mean(shares)), left_out=left_out)
    return replace(found, unit="items")


def simulate_runs(
    config: ScoresConfig, items: PairedItems, *, pairs: int, disagreement: float
) -> Iterator[PairedItems]:
    """Yield pairs of runs of equal quality; the seed is the policy's.

    Args:
        config: The configuration, with slices.
        items: The items of one run.
        pairs: Number of pairs.
        disagreement: Share of items whose scores differ, if the run has no repeats.
    """
    repeated = max(len(one) for one in items.candidate) > 1
    pools = None if repeated else _pools(config, items)
    rate = 0.0 if pools is None else _exchange_rate(items.candidate, pools, disagreement)
    for number in range(pairs):
        random = np.random.Generator(np.random.PCG64([config.policy.seed, number]))
        if pools is None:
            before, now = ([_redraw(one, random) for one in items.candidate] for _ in range(2))
            yield replace(items, candidate=now, baseline=before)
        else:
            yield replace(items, candidate=_exchange(items.candidate, pools, rate, random), baseline=items.candidate)


def _redraw(answers: Answers, random: np.random.Generator) -> list[ScoredItem]:
    """Return answers drawn from those of an item; one without a score is an outage and not the model's."""
    scored = [one for one in answers if not is_errored(one)]
    if len(scored) < 2:
        return list(answers)
    drawn = random.integers(len(scored), size=len(scored) - 1).tolist()
    return [replace(scored[index], repeat=str(place)) for place, index in enumerate(drawn, 1)]


def _pools(config: ScoresConfig, items: PairedItems) -> list[np.ndarray]:
    """Return the items that are in the same groups of all slices, as positions."""
    codes = np.zeros(len(items.keys), dtype=np.int64)
    scopes = item_scopes(config, items)
    for name in dict.fromkeys(one.scope.slice for one in scopes if one.scope.slice is not None):
        group = np.zeros_like(codes)
        for place, one in enumerate(one for one in scopes if one.scope.slice == name):
            group[one.items] = place
        codes = np.unique(codes * (group.max() + 1) + group, return_inverse=True)[1]
    return [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]


def _exchange_rate(answers: Sequence[Answers], pools: Sequence[np.ndarray], share: float) -> float:
    """Return the probability to exchange an item, so that the wanted share of items gets other scores."""
    names = sorted({name for one in answers for item in one for name in item.scores})
    changed = 0.0
    for pool in pools:
        scores = [tuple(answers[i][0].scores.get(name) for name in names) for i in pool.tolist()]
        counts = np.array([scores.count(value) for value in dict.fromkeys(scores)])
        changed += len(pool) * (1 - float((counts / len(pool)) ** 2 @ np.ones(len(counts))))
    changed /= len(answers)
    return min(1.0, share / changed) if changed > _CLOSE else 1.0


def _exchange(
    answers: Sequence[Answers], pools: Sequence[np.ndarray], rate: float, random: np.random.Generator
) -> list[Answers]:
    """Return the items, some of them with the scores and the usage of another item of their pool."""
    now = list(answers)
    for pool in pools:
        chosen = pool[random.random(len(pool)) < rate]
        sources = pool[random.integers(len(pool), size=len(chosen))]
        for index, source in zip(chosen.tolist(), sources.tolist(), strict=True):
            mine, other = answers[index][0], answers[source][0]
            if not is_errored(mine) and not is_errored(other):
                now[index] = [replace(mine, scores=other.scores, usage=other.usage)]
    return now


def _share_changed(paired: PairedItems) -> float:
    """Return the share of items whose mean scores differ."""
    sides = zip(paired.candidate, paired.baseline or (), strict=True)
    return float(np.mean([_means(now) != _means(before) for now, before in sides]))


def _means(answers: Answers) -> dict[str, float]:
    names = {name for item in answers for name in item.scores}
    means = {name: [item.scores[name] for item in answers if name in item.scores] for name in names}
    return {name: float(np.mean(values)) for name, values in means.items()}


def _simulated(config: ScoresConfig, *, repeated: bool) -> tuple[ScoresConfig, tuple[str, ...]]:
    """Return the configuration with the gates that can be simulated, and the names of the others.

    The number of repeats changes what `pass_all` and `pass_any` mean, and a gain is not what equal models have.
    """
    kept = {index: gate for index, gate in enumerate(config.gates) if _is_simulated(gate, repeated=repeated)}
    if not kept:
        raise InputError(
            "`--aa` can simulate none of these gates: `pass_all` and `pass_any` depend on the number of repeats, and "
            "models of equal quality do not have a gain"
        )
    dropped = [gate.metric for index, gate in enumerate(config.gates) if index not in kept]
    known = tuple(gate.model_copy(update={"superior_by": None}) for gate in kept.values())
    lean = config.evaluation.model_copy(update={"metrics": ()})
    return config.model_copy(update={"gates": known, "evaluation": lean}), tuple(dict.fromkeys(dropped))


def _is_simulated(gate: Gate, *, repeated: bool) -> bool:
    loss = any(not limit.proves_gain for limit in gate.limits)
    return loss and not (repeated and item_metrics.scorer_of(gate.metric) != gate.metric)
