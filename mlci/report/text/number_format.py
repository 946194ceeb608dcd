"""Number formats of reports.

Rounding never contradicts a verdict: a number that was compared with a limit is printed with as many digits as it takes
to stand on its own side of that limit. Minus is U+2212, thousands have commas, and what is undefined says so.
All arithmetic is decimal on the shortest text of each float, so the same document prints the same everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal

Pair = tuple[float, float]

UNDEFINED = "undefined"
NONE = "–"
NO_CHANGE = "no change"
MINUS = "\N{MINUS SIGN}"

_LONG = Context(prec=400)
_LEAST = {"fraction": 3, "percent": 1, "count": 0}
_CENTS = 2
_SIGNIFICANT = {"seconds": 3, "megabytes": 3, "usd": 2, "kwh": 2}
_MOST_USUAL = 6
_SIDE_DIGITS = 330  # the shortest text of a float has no more decimals than this
_EQUAL = 1e-12  # of the row's largest number; gates, too, take what is this close to its limit for the limit itself
_HUGE = 1e12
_TINY = 1e-6


@dataclass(frozen=True, kw_only=True)
class NumberStyle:
    """How the numbers of one row are printed, so that they all carry the same digits.

    Attributes:
        decimals: Digits after the point.
        factor: What a number is multiplied by before it is printed (100 for per cent).
        suffix: Unit with its leading space, or empty.
        exponent: Power of ten that is split off, for numbers too large or small to write out.
        whole: Whether numbers below 1 must not print as 1 (shares of a whole).
    """

    decimals: int
    factor: Decimal = Decimal(1)
    suffix: str = ""
    exponent: int = 0
    whole: bool = False

    def value(self, number: float | None, *, missing: str = UNDEFINED) -> str:
        """Print a value with its unit; ``missing`` stands for ``None``."""
        return missing if number is None else self._bare(number) + self._unit

    def change(self, number: float | None, *, missing: str = UNDEFINED) -> str:
        """Print a difference with its sign and unit; an exact 0 prints as "no change"."""
        if number is None:
            return missing
        return NO_CHANGE if number == 0 else self._bare(number, plus=True) + self._unit

    def signed(self, number: float) -> str:
        """Print a difference between two things of which neither came first; 0 has no sign."""
        return self._bare(number, plus=True) + self._unit

    def limit(self, number: float, *, plus: bool = False) -> str:
        """Print a limit; one that is far smaller than a row of huge numbers is written out as it was given."""
        if not _far(self, number):
            return self._bare(number, plus=plus) + self._unit
        exact = _decimal(number) * self.factor
        return f"{MINUS if exact < 0 else '+' if plus else ''}{_plain(abs(exact))}{self.suffix}"

    def amount(self, number: float) -> str:
        """Print the size of a difference, without its sign."""
        return self._bare(abs(number)) + self._unit

    def interval(self, pair: Pair, *, plus: bool = False) -> str:
        """Print ``low to high`` without the unit, which stands beside the value."""
        return f"{self._bare(pair[0], plus=plus)} to {self._bare(pair[1], plus=plus)}"

    def _bare(self, number: float, *, plus: bool = False) -> str:
        exact = _decimal(number) * self.factor
        rounded = self._round(exact)
        sign = MINUS if exact < 0 else "+" if plus and exact > 0 else ""
        if rounded == 0 and exact != 0:
            smallest = self._digits(Decimal(1).scaleb(-self.decimals))
            return f">{MINUS}{smallest}" if exact < 0 else f"<{sign}{smallest}"
        if self.whole and rounded == 1 and exact < 1:
            return f">{self._digits(1 - Decimal(1).scaleb(-self.decimals))}"
        return sign + self._digits(abs(rounded))

    def _round(self, exact: Decimal) -> Decimal:
        step = Decimal(1).scaleb(-self.decimals)
        return exact.scaleb(-self.exponent, _LONG).quantize(step, rounding=ROUND_HALF_EVEN, context=_LONG)

    def _digits(self, size: Decimal) -> str:
        return f"{size:,.{self.decimals}f}"

    @property
    def _unit(self) -> str:
        power = f"e{self.exponent}".replace("-", MINUS) if self.exponent else ""
        return power + self.suffix

    def tells_apart(self, number: float, bound: float, *, largest: float) -> bool:
        """Whether the printed number stands on the same side of the printed bound as the number itself.

        Numbers within 1e-12 of the row's ``largest`` from the bound are the bound to a gate (0.86 - 0.85 is not quite
        0.01), so they may print so.
        """
        if abs(number - bound) <= _EQUAL * largest:
            return True
        first, second = _decimal(number) * self.factor, _decimal(bound) * self.factor
        if self.whole and (first < 1) != (second < 1) and self._round(first) == self._round(second) == 1:
            return True  # one of them prints as ">0.999"
        if bound == 0 and self.decimals >= _MOST_USUAL:
            return True  # the number prints as "<0.000001"
        return self._round(first) != self._round(second)


def number_style(
    numbers: Iterable[float | None],
    *,
    unit: str = "number",
    interval: Pair | None = None,
    bound: float | None = None,
    judged: Iterable[float | None] = (),
) -> NumberStyle:
    """Choose how one row is printed.

    Args:
        numbers: Everything that the row shows in this unit.
        unit: ``fraction``, ``number``, ``label``, ``seconds``, ``megabytes``, ``usd``, ``percent`` or ``count``.
        interval: The row's interval, of whose width two digits are shown.
        bound: The limit, printed exactly if six decimals allow it.
        judged: The numbers compared with the bound, which must stay on their side of it.

    Returns:
        The style with the fewest digits that keep those promises.
    """
    shown = [abs(number) for number in (*numbers, *(interval or ()), bound) if number is not None]
    largest = max(shown, default=0.0)
    chosen = _scale(unit, largest)
    usual = _usual_digits(unit, chosen, largest, interval)
    if bound is None or _far(chosen, bound):
        return replace(chosen, decimals=usual)
    decimals = max(usual, _written_digits(chosen, bound))
    style = replace(chosen, decimals=decimals)
    against = [number for number in judged if number is not None]
    for more in range(decimals, _SIDE_DIGITS):
        style = replace(chosen, decimals=more)
        if all(style.tells_apart(number, bound, largest=largest) for number in against):
            break
    return style


def format_count(number: int | None, *, missing: str = NONE) -> str:
    """Print a count with separators: ``12,408``."""
    return missing if number is None else f"{number:,}".replace("-", MINUS)


def format_percent(fraction: float) -> str:
    """Print a fraction in per cent with the digits it was written with: ``95 %``, ``99.9 %``.

    A computed one with many digits is rounded, so that the miss has two: ``99.84 %`` for a level of 0.9984375.
    """
    percent = _decimal(fraction) * 100
    if percent != round(percent, _MOST_PERCENT_DIGITS) and percent < 100:
        percent = round(percent, 1 - (100 - percent).adjusted())
    return f"{_plain(percent)} %"


_MOST_PERCENT_DIGITS = 3


def format_p_value(p: float) -> str:
    """Print a p-value with its relation: ``p = 0.013``, ``p < 0.001``."""
    if p < 0.0005:
        return "p < 0.001"
    return f"p = {NumberStyle(decimals=3, whole=True).value(p)}".replace("= >", "> ")


def format_duration(seconds: float) -> str:
    """Print a stage's time: ``0.4 s``, ``61.2 s``, ``12 min 5 s``, ``3 h 20 min``."""
    if seconds < 100:
        return NumberStyle(decimals=1 if seconds >= 0.1 else 3).value(seconds) + " s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours:,} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def pluralize(number: int, word: str, many: str | None = None) -> str:
    """Print a count with its noun: ``1 gate``, ``2 gates``."""
    return f"{format_count(number)} {word if number == 1 else many or word + 's'}"


def _decimal(number: float) -> Decimal:
    return Decimal(float.__repr__(float(number)))


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scale(unit: str, largest: float) -> NumberStyle:
    """Return factor, suffix and exponent for a row whose largest number is given."""
    if unit == "percent":
        return NumberStyle(decimals=0, factor=Decimal(100), suffix=" %", exponent=_exponent(largest))
    if unit == "fraction":
        return NumberStyle(decimals=0, whole=True, exponent=_exponent(largest) if largest > 1 else 0)
    if unit == "seconds" and 0 < largest < 1:
        micro = largest < 1e-3
        return NumberStyle(decimals=0, factor=Decimal(10**6 if micro else 10**3), suffix=" µs" if micro else " ms")
    suffix = {"seconds": " s", "megabytes": " MB", "usd": " USD", "kwh": " kWh"}.get(unit, "")
    return NumberStyle(decimals=0, suffix=suffix, exponent=_exponent(largest))


def _exponent(largest: float) -> int:
    return _decimal(largest).adjusted() if largest >= _HUGE or 0 < largest < _TINY else 0


def _usual_digits(unit: str, scale: NumberStyle, largest: float, interval: Pair | None) -> int:
    """Two digits of the interval's width; without one, three decimals for fractions and four digits for the rest."""
    width = abs(_decimal(interval[1]) - _decimal(interval[0])) if interval else Decimal(0)
    if width > 0:
        return min(max(1 - _magnitude(scale, width), _LEAST.get(unit, 0)), _MOST_USUAL)
    if unit in _LEAST:
        return _LEAST[unit]
    size = _decimal(largest)
    if unit == "usd" and not 0 < size < 1:
        return _CENTS
    return min(max(_SIGNIFICANT.get(unit, 4) - 1 - _magnitude(scale, size), 0), _MOST_USUAL) if size > 0 else 0


def _magnitude(scale: NumberStyle, size: Decimal) -> int:
    """Return the power of ten of a number's first printed digit."""
    return (size * scale.factor).adjusted() - scale.exponent


def _far(scale: NumberStyle, bound: float) -> bool:
    """Whether a limit would need a row of zeros in a style that splits off a power of ten for huge numbers."""
    return scale.exponent > 0 and bound != 0 and _decimal(bound).adjusted() < scale.exponent - _MOST_USUAL


def _written_digits(scale: NumberStyle, bound: float) -> int:
    """Decimals that the limit was written with, if they are few."""
    exponent = (_decimal(bound) * scale.factor).scaleb(-scale.exponent).normalize().as_tuple().exponent
    written = -exponent if isinstance(exponent, int) else 0
    return written if 0 < written <= _MOST_USUAL else 0
