"""Types of values: limits, durations, labels and git references."""

import math
import re
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from mlci.config.types import Duration, Finite, LimitField, Reference, Scalar
from mlci.gates.limits import Limit

LIMIT = TypeAdapter(Annotated[Limit, LimitField("max_drop")])
DURATION = TypeAdapter(Duration)


@pytest.mark.parametrize(
    ("written", "value", "relative", "shown"),
    [
        (0.01, 0.01, False, "0.01"),
        (1, 1.0, False, "1"),
        (-0.5, -0.5, False, "-0.5"),
        ("10%", 0.1, True, "10%"),
        ("0.5 %", 0.005, True, "0.5 %"),
        ("0.7%", 0.007, True, "0.7%"),
        ("-3%", -0.03, True, "-3%"),
        (".5%", 0.005, True, ".5%"),
        (" 5% ", 0.05, True, "5%"),
    ],
)
def test_limit__number_or_percentage(written, value, relative, shown):
    limit = LIMIT.validate_python(written)
    assert (limit.value, limit.relative, str(limit)) == (value, relative, shown)
    assert limit == Limit("max_drop", value, relative)
    assert hash(limit) == hash(Limit("max_drop", value, relative))


@pytest.mark.parametrize(
    ("limit", "shown"),
    [((0.1, True), "10%"), ((0.005, True), "0.5%"), ((1.0, True), "100%"), ((2,), "2")],
)
def test_limit__built_in_code(limit, shown):
    assert str(Limit("max", *limit)) == shown


BAD_LIMITS = [
    True,
    False,
    None,
    [],
    {},
    "0.5",
    "10",
    "1e3%",
    "ten%",
    "%",
    "",
    "10%%",
    "٣%",
    math.nan,
    math.inf,
    -math.inf,
    10**400,
]


@pytest.mark.parametrize("written", BAD_LIMITS, ids=lambda value: repr(value)[:20])
def test_limit__invalid(written):
    with pytest.raises(ValidationError):
        LIMIT.validate_python(written)


def test_limit__quoted_number():
    with pytest.raises(ValidationError, match="must be a number without quotes"):
        LIMIT.validate_python("0.75")


def test_limit__built_in_code_is_finite():
    with pytest.raises(ValueError, match="finite"):
        Limit("max", math.nan)


@pytest.mark.parametrize(
    ("written", "seconds", "shown"),
    [
        ("90s", 90, "1m30s"),
        ("30m", 1_800, "30m"),
        ("2h", 7_200, "2h"),
        ("1h30m", 5_400, "1h30m"),
        ("1d", 86_400, "1d"),
        ("1d2h3m4.5s", 93_784.5, "1d2h3m4.5s"),
        (90, 90, "1m30s"),
        (0.25, 0.25, "0.25s"),
    ],
)
def test_duration__valid_forms(written, seconds, shown):
    duration = DURATION.validate_python(written)
    assert duration == seconds
    assert isinstance(duration, float)
    assert str(duration) == shown
    assert DURATION.validate_python(str(duration)) == duration


BAD_DURATIONS = [
    0,
    -1,
    "0s",
    "",
    "s",
    "1",
    "30 m",
    "1m1h",
    "1.5h",
    "-5s",
    "1y",
    True,
    None,
    math.nan,
    math.inf,
    1e300,
    "366d",
    [],
]


@pytest.mark.parametrize("written", BAD_DURATIONS, ids=repr)
def test_duration__invalid(written):
    with pytest.raises(ValidationError):
        DURATION.validate_python(written)


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf, 10**400], ids=lambda value: repr(value)[:20])
def test_finite__invalid(value):
    with pytest.raises(ValidationError):
        TypeAdapter(Finite).validate_python(value)


@pytest.mark.parametrize("value", [True, 1, 1.5, "north"])
def test_scalar__keeps_its_type(value):
    read = TypeAdapter(Scalar).validate_python(value)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    "name", ["main", "origin/main", "v1.2.0", "HEAD~1", "HEAD^", "feature/ü", "3f9c2ab", "main@{1}"]
)
def test_reference__valid_in_git(name):
    assert TypeAdapter(Reference).validate_python(name) == name


@pytest.mark.parametrize("name", ["-x", "--upload-pack=x", "a..b", "a b", "", "a:b", "a*", "a\n", "[a"])
def test_reference__invalid_in_git(name):
    with pytest.raises(ValidationError):
        TypeAdapter(Reference).validate_python(name)


JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.from_regex(re.compile(r"[0-9.]{0,4} ?%", re.ASCII), fullmatch=True),
    st.from_regex(re.compile(r"([0-9]{1,3}[dhms]){0,3}", re.ASCII), fullmatch=True),
)


@pytest.mark.parametrize("adapter", [LIMIT, DURATION], ids=["limit", "duration"])
@given(value=JSON_VALUES)
def test_schema__accepts_what_the_type_accepts(adapter, value):
    try:
        adapter.validate_python(value)
    except ValidationError:
        return
    trimmed = value.strip() if isinstance(value, str) else value
    Draft202012Validator(adapter.json_schema()).validate(trimmed)
