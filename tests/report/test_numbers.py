"""Formats of numbers: digits, units, signs, durations and percentages."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.report.text import number_format
from mlci.report.text.number_format import number_style

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
SHARES = st.floats(0, 1)


def read(text):
    """Read a printed number back, exactly as printed."""
    digits, _, power = text.replace("−", "-").replace(",", "").partition("e")
    return Decimal(digits.strip("+")).scaleb(int(power or 0))


@pytest.mark.parametrize(
    ("value", "unit", "printed"),
    [
        (0.8714, "fraction", "0.871"),
        (0.0, "fraction", "0.000"),
        (0.00004, "fraction", "<0.001"),
        (-0.00004, "fraction", ">−0.001"),
        (0.99996, "fraction", ">0.999"),
        (1.0, "fraction", "1.000"),
        (-0.0, "fraction", "0.000"),
        (43.215, "number", "43.22"),
        (1234567.8, "number", "1,234,568"),
        (0.00032, "number", "0.000320"),
        (3.2e15, "number", "3.200e15"),
        (3.2e-9, "number", "3.200e−9"),
        (0.0041, "seconds", "4.10 ms"),
        (0.0000041, "seconds", "4.10 µs"),
        (61.23, "seconds", "61.2 s"),
        (1234.5, "megabytes", "1,234 MB"),
        (0.1, "percent", "10.0 %"),
        (None, "fraction", "undefined"),
    ],
)
def test_number_style__values(value, unit, printed):
    assert number_style((value,), unit=unit).value(value) == printed


@pytest.mark.parametrize(
    ("change", "printed"),
    [(0.012, "+0.012"), (-0.012, "−0.012"), (0.0, "no change"), (1e-5, "<+0.001"), (None, "undefined")],
)
def test_number_style__changes(change, printed):
    assert number_style((change,), unit="fraction").change(change) == printed


@pytest.mark.parametrize(
    ("interval", "printed"),
    [
        ((0.870, 0.886), "0.870 to 0.886"),
        ((0.1071, 0.1139), "0.1071 to 0.1139"),
        ((0.10001, 0.10009), "0.100010 to 0.100090"),
    ],
)
def test_number_style__interval_has_two_digits_of_its_width(interval, printed):
    assert number_style((), unit="fraction", interval=interval).interval(interval) == printed


@pytest.mark.parametrize(
    ("value", "bound", "printed", "limit"),
    [
        (0.8599, 0.86, "0.8599", "0.8600"),
        (0.85996, 0.86, "0.85996", "0.86000"),
        (0.8599999, 0.86, "0.8599999", "0.8600000"),
        (0.86, 0.86, "0.860", "0.860"),
        (-0.00999, -0.01, "−0.00999", "−0.01000"),
        (0.1251, 0.125, "0.1251", "0.1250"),
        (0.9999, 1.0, ">0.999", "1.000"),
        (0.86 - 0.85, 0.01, "0.010", "0.010"),
    ],
)
def test_number_style__rounding_keeps_the_side_of_the_limit(value, bound, printed, limit):
    found = number_style((value,), unit="fraction", bound=bound, judged=(value,))
    assert (found.value(value), found.value(bound)) == (printed, limit)


@given(SHARES, SHARES, st.sampled_from(["fraction", "number", "seconds", "percent"]))
def test_number_style__never_contradicts_the_comparison(value, bound, unit):
    found = number_style((value,), unit=unit, bound=bound, judged=(value,))
    shown, limit = (found.value(one).removesuffix(found.suffix) for one in (value, bound))
    if shown[0] in "<>" or limit[0] in "<>":
        assert shown != limit or abs(value - bound) <= 1e-12
    elif abs(value - bound) > 1e-12:
        assert (read(shown) < read(limit)) == (value < bound)
        assert read(shown) != read(limit)


@given(FINITE, FINITE)
def test_number_style__any_two_floats_in_order(left, right):
    found = number_style((left, right))
    one, other = found.value(left), found.value(right)
    if one[0] not in "<>" and other[0] not in "<>":
        assert (read(one) <= read(other)) or left > right
    assert not re.search(r"nan|inf|E|--", one + other)
    assert not one.startswith("−0.000000 ")


@given(FINITE)
def test_number_style__rounds_within_half_a_step(value):
    found = number_style((value,))
    text = found.value(value)
    if text[0] not in "<>":
        step = Decimal(1).scaleb(found.exponent - found.decimals)
        assert abs(read(text) - Decimal(repr(value))) <= step / 2


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [
        (0.004, "0.004 s"),
        (0.4, "0.4 s"),
        (61.2, "61.2 s"),
        (125, "2 min 5 s"),
        (3599.7, "1 h 0 min"),
        (12_000, "3 h 20 min"),
    ],
)
def test_format_duration__seconds(seconds, printed):
    assert number_format.format_duration(seconds) == printed


@pytest.mark.parametrize(
    ("p", "printed"), [(0.0137, "p = 0.014"), (1e-9, "p < 0.001"), (1.0, "p = 1.000"), (0.99999, "p > 0.999")]
)
def test_format_p_value__values(p, printed):
    assert number_format.format_p_value(p) == printed


@pytest.mark.parametrize(("fraction", "printed"), [(0.95, "95 %"), (0.999, "99.9 %"), (0.07, "7 %"), (1.0, "100 %")])
def test_format_percent__as_written(fraction, printed):
    assert number_format.format_percent(fraction) == printed


def test_format_count__values():
    assert [
        number_format.format_count(12_408),
        number_format.format_count(None),
        number_format.pluralize(1, "row"),
        number_format.pluralize(2, "row"),
    ] == [
        "12,408",
        "–",
        "1 row",
        "2 rows",
    ]


@pytest.mark.parametrize(
    ("bound", "plus", "printed"),
    [(0.5, False, "0.5"), (-0.05, True, "−0.05"), (0.05, True, "+0.05"), (2e13, False, "0.020e15")],
)
def test_number_style__small_limit_of_huge_numbers(bound, plus, printed):
    """A mean absolute percentage error over labels of 0 is about 1e15, and its limit of 0.5 must not round to 0."""
    found = number_style([1.3e15, 1.4e15], bound=bound, judged=[1.4e15])
    assert found.value(1.4e15) == "1.400e15"
    assert found.limit(bound, plus=plus) == printed
