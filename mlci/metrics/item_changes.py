"""Items whose score changed between two evaluation runs, and how the runs compare item by item."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ItemChange:
    """One item, with both models' mean scores over its repeats.

    Attributes:
        key: The item.
        baseline, candidate: Mean scores.
        input, target: What was asked, and the expected answer.
        baseline_output, candidate_output: Answers of the first repeat with the worst score.
        reason: Explanation of the scorer for the candidate's answer.
    """

    key: str
    baseline: float
    candidate: float
    input: str | None = None
    target: str | None = None
    baseline_output: str | None = None
    candidate_output: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class SettingChange:
    """A setting of the runs that differs; empty where a run does not have it."""

    name: str
    baseline: str
    candidate: str


@dataclass(frozen=True, kw_only=True)
class ItemChanges:
    """Comparison of two runs by item, for one scorer.

    Attributes:
        scorer: The scorer.
        higher, equal, lower: Items whose score rose, stayed, fell.
        items: The items that changed most, the largest fall first.
        repeats: Most repeats of one item.
        unstable: Items whose score differs between repeats of the candidate; ``None`` without repeats.
        baseline_unstable: The same of the baseline.
        settings: Settings of the runs that differ.
    """

    scorer: str
    higher: int
    equal: int
    lower: int
    items: tuple[ItemChange, ...]
    repeats: int
    unstable: int | None = None
    baseline_unstable: int | None = None
    settings: tuple[SettingChange, ...] = ()
