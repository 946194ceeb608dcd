"""Evaluation log in one form, whichever tool wrote it: items, repeats, scores, states, usage, and settings of the run.

An item that could not be evaluated has no score. It is never counted as wrong: an outage is not a regression.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Scalar = bool | int | float | str | None
ItemId = tuple[str, str]
"""Key of an item, and its repeat."""


class State(StrEnum):
    """How the evaluation of one item ended."""

    OK = "ok"
    ERRORED = "errored"
    """The system under test did not answer: time-out, refused request, crash, cancelled run."""
    NOT_SCORED = "not scored"
    """The system answered and the scorer or judge gave no score."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one answer cost; ``None`` where the log does not say."""

    cost_usd: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    latency_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class ItemText:
    """What people read about one answer; ``None`` where the log does not have it."""

    input: str | None = None
    output: str | None = None
    target: str | None = None
    explanations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ScoredItem:
    """One answer to one item.

    Attributes:
        key: The item, the same in every run of the evaluation.
        repeat: Number or name of the repeat of the item.
        scores: Score by scorer; a scorer that gave none is missing.
        unscored: Scorers that gave none, as far as the log names them.
        state: How the evaluation ended.
        reason: Why a score is missing, in the log's words.
        metadata: Values by dotted name, for slices and clusters.
        usage: Cost, tokens, latency.
        content: Digest of what was asked and of the expected answer; ``None`` if the log does not have them.
        prompt: Digest of the rendered prompt, where the tool makes it from the item; ``None`` if it does not.
        text: What people read about the answer; ``None`` where it was not read or is not kept.
        empty: Whether the answer is empty, and the log has no count of its tokens.
    """

    key: str
    repeat: str = "1"
    scores: Mapping[str, float] = field(default_factory=dict)
    unscored: tuple[str, ...] = ()
    state: State = State.OK
    reason: str | None = None
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    usage: Usage = Usage()
    content: str | None = None
    prompt: str | None = None
    text: ItemText | None = None
    empty: bool = False

    @property
    def id(self) -> ItemId:
        """Key and repeat."""
        return self.key, self.repeat


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """What the log says of a scorer: bounds of its scores and their direction; ``None`` where it does not."""

    low: float | None = None
    high: float | None = None
    higher_is_better: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of the run.

    Attributes:
        value: As text.
        voids: Whether runs that differ in it can't be compared item by item: other items, prompts or scorers.
    """

    value: str
    voids: bool = False


@dataclass(frozen=True, kw_only=True)
class ScoreLog:
    """One evaluation run.

    Attributes:
        tool: Tool that wrote the file, and its version if it is known.
        task: Name of the task or dataset.
        items: The answers, in the file's order.
        scorers: By name, in the file's order; every score is of one of them.
        totals: Metrics that the tool computes over the whole task, so that no item has a score.
        settings: By name.
        incomplete: Why the run is not whole (cancelled, failed, fewer items than it names); ``None`` for a whole one.
        notes: Lines for the report.
    """

    tool: str
    task: str | None
    items: tuple[ScoredItem, ...]
    scorers: Mapping[str, Scorer]
    totals: tuple[str, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)
    incomplete: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The items, in order of their first answer."""
        return tuple(dict.fromkeys(item.key for item in self.items))

    @property
    def repeats(self) -> int:
        """Most repeats of one item."""
        return max(Counter(item.key for item in self.items).values(), default=0)

    def means(self, scorer: str) -> dict[str, float]:
        """Return the mean score over the repeats of each item that has one."""
        scored: dict[str, list[float]] = {}
        for item in self.items:
            if scorer in item.scores:
                scored.setdefault(item.key, []).append(item.scores[scorer])
        return {key: math.fsum(values) / len(values) for key, values in scored.items()}


def repeated_id(items: Iterable[ScoredItem]) -> ItemId | None:
    """Return the first key and repeat that two answers have; ``None`` if each answer has its own."""
    seen: set[ItemId] = set()
    for item in items:
        if item.id in seen:
            return item.id
        seen.add(item.id)
    return None
