"""The lattice: passed under warned under blocked, and the verdict as the join of all gates."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Literal, assert_never

from mlci.gates.rules import OnDoubt, Outcome

Word = Literal["pass", "warn", "block"]


class Verdict(IntEnum):
    """Verdicts in order; the larger of two is their join."""

    PASS = 0
    WARN = 1
    BLOCK = 2

    @property
    def word(self) -> Word:
        """The word that reports and exit codes use."""
        words: tuple[Word, Word, Word] = ("pass", "warn", "block")
        return words[self]


def weigh(outcome: Outcome, *, inconclusive: OnDoubt, no_baseline: OnDoubt) -> Verdict:
    """Return what one outcome alone means for the merge under its policy."""
    doubt = {"warn": Verdict.WARN, "block": Verdict.BLOCK}
    match outcome:
        case Outcome.PASSED:
            return Verdict.PASS
        case Outcome.FAILED | Outcome.ERROR:
            return Verdict.BLOCK
        case Outcome.INCONCLUSIVE:
            return doubt[inconclusive]
        case Outcome.NO_BASELINE:
            return doubt[no_baseline]
        case Outcome.WAIVED:
            return Verdict.WARN
        case _:
            assert_never(outcome)


def join(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the join; no gate at all blocks, because silence is never a pass."""
    return max(verdicts, default=Verdict.BLOCK)
