"""Sums over labels or classes: of proportions for one model, of paired differences for the change.

For proportions, the method of variance estimates recovery (MOVER; Zou & Donner 2008, Stat. Med. 27:1693; for linear
functions of proportions Zou, Huang & Zhang 2009, Comput. Stat. Data Anal. 53:1080) takes the variance that each end of
a sum needs from the distance of the parts' own limits: Wilson's for proportions, where it is method 10 of Newcombe
1998, Stat. Med. 17:873, and Tango's for paired differences. So a part of a dozen rows keeps its own skewness and
uncertainty.

For paired differences, given the labels, the rows of each label are an independent multinomial: gained by the
candidate, lost, or unchanged. The statistic is the change minus the hypothetical change, over the standard error of the
most likely multinomials with the hypothetical change (Miettinen & Nurminen 1985, Stat. Med. 4:213; for one label and a
worth of 1 it is Tango 1998, Stat. Med. 17:891). Those multinomials are found by a Lagrange multiplier, as for the
empirical likelihood of a mean (Owen 1988, Biometrika 75:237), whose support has one more point here: an outcome that
was not observed on any row of a label.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from mlci.inference.evidence import Interval, StatisticTest
from mlci.inference.intervals.distributions import find_crossing, two_sided
from mlci.inference.intervals.score_intervals import F1, Proportion

_TURNS = 60
_CLOSE = 1e-14
_FAR = 1e9


@dataclass(frozen=True)
class Mover(StatisticTest):
    """A weighted sum of independent proportions, or of independent paired differences.

    Attributes:
        value: The estimate.
        parts: The terms of the sum.
        weights: Weight of each part, not negative.
        rest: Standard error that the parts do not explain.
        rows: Rows behind the estimate.
        method: Name for the report.
        low, high: Bounds that intervals are cut at.
    """

    value: float
    parts: tuple[Proportion | F1, ...]
    weights: tuple[float, ...]
    rest: float
    rows: int
    method: str = "wilson by class"
    low: float = 0.0
    high: float = 1.0
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return the value less and plus the root of the parts' squared distances."""
        z = two_sided(confidence)
        return (max(self.low, self.value - self._reach(z, 0)), min(self.high, self.value + self._reach(z, 1)))

    def statistic(self, limit: float) -> float | None:
        """Return the z, positive for a value above the limit, whose interval ends at the limit."""
        if not self.low < limit < self.high:
            return None
        distance, end = abs(self.value - limit), int(limit > self.value)
        z = find_crossing(lambda z: self._reach(z, end) - distance, 1.0)
        return z if self.value > limit else -z

    def scaled_variance(self) -> float:
        """Return the variance of the sum × rows."""
        return self.rows * (self.rest**2 + self.explained())

    def explained(self) -> float:
        """Return the variance that comes from the parts."""
        return sum(w * w * part.variance() for w, part in zip(self.weights, self.parts, strict=True))

    def _reach(self, z: float, end: int) -> float:
        """Return how far the sum's lower (0) or upper (1) end is from the value."""
        squares = (self.rest * z) ** 2
        for weight, part in zip(self.weights, self.parts, strict=True):
            squares += (weight * (part.ends(z)[end] - part.value)) ** 2
        return math.sqrt(squares)


@dataclass(frozen=True)
class Label:
    """Rows of one label on which two models may differ.

    Attributes:
        rows: All of them.
        gained, lost: Rows that raise the candidate's metric above the baseline's, and rows that lower it.
        gain, loss: Worth of one of those rows, not negative.
        most: Largest possible worth of a row, in either direction.
    """

    rows: int
    gained: int
    lost: int
    gain: float
    loss: float
    most: float

    def mirrored(self) -> "Label":
        """Return the rows with both models exchanged."""
        return Label(self.rows, self.lost, self.gained, self.loss, self.gain, self.most)

    def moments(self) -> tuple[float, float]:
        """Return the observed sum of the rows' worth, and its variance."""
        return self._moments(self.gained / self.rows, self.lost / self.rows, 0.0)

    def pulled(self, pull: float) -> tuple[float, float]:
        """Return both moments of the most likely multinomial for a lower sum with this multiplier.

        Its shares are count / rows / (excess + pull × (most + worth)), and the excess makes them add up to 1. If it
        would be negative it is 0, and the missing share gets the lowest possible worth.
        """
        n, most, mean = self.rows, self.most, (self.gained * self.gain - self.lost * self.loss) / self.rows
        gained, lost = self.gained / n, self.lost / n
        same = 1 - gained - lost
        above, under, level = pull * (most + self.gain), pull * (most - self.loss), pull * most
        excess = max(1 - pull * (mean + most), gained - above, lost - under, same - level, 0.0)
        short = 0.0
        for _ in range(_TURNS):
            a, b, c = _divide(gained, excess + above), _divide(lost, excess + under), _divide(same, excess + level)
            short = a + b + c - 1
            if short <= _CLOSE:
                break
            excess += short / (_divide(a, excess + above) + _divide(b, excess + under) + _divide(c, excess + level))
        return self._moments(a, b, -short if excess == 0 and short < 0 else 0.0)

    def _moments(self, gained: float, lost: float, extreme: float) -> tuple[float, float]:
        mean = gained * self.gain - lost * self.loss - extreme * self.most
        square = gained * self.gain**2 + lost * self.loss**2 + extreme * self.most**2
        return self.rows * mean, self.rows * max(square - mean * mean, 0.0)


@dataclass(frozen=True)
class PairedScore(StatisticTest):
    """Change of a metric of decisions.

    Attributes:
        value: Candidate minus baseline.
        labels: Rows by label, at least one, with their worth to the change × all rows.
        rest: Standard error that the labels' differences do not explain.
        rows: All rows.
        most: Largest possible change.
    """

    value: float
    labels: tuple[Label, ...]
    rest: float
    rows: int
    most: float = 1.0
    method: str = "tango by label"
    reason: str | None = None

    def interval(self, confidence: float) -> Interval:
        """Return the changes that the score test does not reject."""
        z = two_sided(confidence)
        return (max(-self.most, self.value - self._reach(z, -1)), min(self.most, self.value + self._reach(z, 1)))

    def statistic(self, limit: float) -> float | None:
        """Return the score at the limit."""
        return self.score(limit) if -self.most < limit < self.most else None

    def scaled_variance(self) -> float:
        """Return the variance of the change × rows."""
        return self.rows * (self.explained() + self.rest**2)

    def explained(self) -> float:
        """Return the variance that comes from the labels' differences."""
        return sum(label.moments()[1] for label in self.labels) / self.rows**2

    def score(self, change: float) -> float:
        """Return the statistic for a true change; decreasing in it."""
        distance = self.value - change
        moved = self._moved_change(1 if distance < 0 else -1)
        pull = find_crossing(lambda pull: moved(pull)[0] - abs(distance), self._first(1.0))
        reached, error = moved(pull)
        if error == 0 or reached < abs(distance) * (1 - 1e-6):
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / error

    def _reach(self, z: float, side: int) -> float:
        moved = self._moved_change(side)

        def beyond(pull: float) -> float:
            reached, error = moved(pull)
            return (reached / error if error > 0 else _FAR * (reached > 0)) - z

        return moved(find_crossing(beyond, self._first(z)))[0]

    def _first(self, z: float) -> float:
        """Return the approximate multiplier that moves the change by ``z`` standard errors."""
        most = max(label.most for label in self.labels)
        return z / (z * most + self.rows * math.sqrt(self.explained() + self.rest**2))

    def _moved_change(self, side: int) -> Callable[[float], tuple[float, float]]:
        """Return a function from a multiplier to the distance of the change on this side, and its error there."""
        labels = [label if side < 0 else label.mirrored() for label in self.labels]
        start = sum(label.moments()[0] for label in labels)

        def moved(pull: float) -> tuple[float, float]:
            pulled = [label.pulled(pull) for label in labels]
            variance = sum(part[1] for part in pulled) / self.rows**2 + self.rest**2
            return (start - sum(part[0] for part in pulled)) / self.rows, math.sqrt(variance)

        return moved


def _divide(part: float, whole: float) -> float:
    return part / whole if part else 0.0
