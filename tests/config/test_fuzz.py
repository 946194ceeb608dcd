"""Mutations of valid files: the reader reports problems with lines, in bounded time."""

# ruff: noqa: E501 - lists of values read best in few lines

import contextlib
import json
import signal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlci.config.base import fields
from mlci.config.loader import MOST_BYTES, Loaded
from mlci.config.messages import SECTIONS
from mlci.config.read import load_text
from mlci.errors import InputError
from mlci.metrics import catalogue
from tests.config.samples import DESIGN, GOOD, TOTALS

JARGON = (
    "Input should",
    "pydantic",
    "validation error",
    "union",
    "_type",
    "while parsing",
    "<block",
    "\n",
    "\r",
    "\x00",
)
SCALARS = [
    "", "~", "null", "true", "no", "0", "-1", "1.5", ".nan", "-.inf", "1e999", "0x1F", "10%", "-5%", "30m", "[]", "{}", "[a, b]",
    "{a: b}", "[[a]]", "'", '"', "'x'", '"\\uD800"', '"\\U00110000"', '"\\x', "*a", "&a b", "!!int 3", "!x y", "|", ">", "|\n   x",
    "a: b", "- a", "? x", "#", "@", "`", "%", "---", "...", "<<: *a", "2024-01-01", "9" * 500, "x" * 300, "ü", "\u202e", "\ufeff", "\x07",
    "=", "=text", "production", "none", "{ref: main}", "{file: f}", "region", "m:f", "binary", "regression", "multiclass", "\t", "\r",
]  # fmt: skip
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class RunawayError(BaseException):
    """A block used too much time; no ``except Exception`` of the code under test hides it."""


@contextlib.contextmanager
def processor_seconds(most):
    """Interrupt the block when it has used so much time of the processor."""

    def interrupt(*_):
        raise RunawayError(f"more than {most} seconds of processor")

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def answer(source):
    """Read a file as the command line would; return the problems."""
    try:
        with processor_seconds(20):  # what runs away takes minutes
            loaded = load_text(source, catalogue, path="mlci.yml")
    except InputError as error:
        problems = error.problems
        assert problems
    else:
        assert isinstance(loaded, Loaded)
        problems = ()
    last = len(source.splitlines()) + 1
    for problem in problems:
        assert problem.path == "mlci.yml"
        assert 1 <= problem.line <= last
        assert not any(word in problem.message for word in JARGON), problem.message
        assert problem.message
        assert "refused" not in problem.message, "messages do not mention replaced parts"
        assert not problem.message.startswith("can't be"), problem.message
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)
    return problems


@st.composite
def mutate_file(draw):
    """A valid file with a few lines deleted, repeated, swapped, moved, or given another value."""
    lines = draw(st.sampled_from([DESIGN, GOOD, TOTALS])).splitlines()
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        other = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["delete", "repeat", "swap", "indent", "value", "key", "insert", "cut"]))
        scalar = draw(st.sampled_from(SCALARS) | st.text(max_size=12))
        line = lines[at]
        if kind == "delete" and len(lines) > 1:
            del lines[at]
        elif kind == "repeat":
            lines.insert(other, line)
        elif kind == "swap":
            lines[at], lines[other] = lines[other], line
        elif kind == "indent":
            lines[at] = " " * draw(st.integers(0, 6)) + line.strip()
        elif kind == "value":
            lines[at] = f"{line.split(':')[0]}: {scalar}"
        elif kind == "key":
            lines[at] = line.replace(line.strip().split(":")[0], scalar, 1)
        elif kind == "insert":
            place = draw(st.integers(0, len(line)))
            lines[at] = line[:place] + scalar + line[place:]
        else:
            lines[at] = line[: draw(st.integers(0, len(line)))]
    return "\n".join(lines) + "\n"


@SETTINGS
@given(mutate_file())
def test_load_text__mutated_files(text):
    answer(text)


@SETTINGS
@given(st.sampled_from([DESIGN, GOOD]), st.integers(0, 400), st.binary(min_size=1, max_size=4), st.booleans())
def test_load_text__odd_bytes(text, at, junk, over):
    data = text.encode()
    answer(data[:at] + junk + data[at + (len(junk) if over else 0) :])


@SETTINGS
@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@`#~ \n\t\\.0", max_size=60))
@example("? ")
@example("- - - -")
@example("a: |1-\n")
@example("%TAG ! x\n---\n")
@example('"\\UFFFFFFFF"')
@example("{a: 1, a, [b]}")
@example("--- !<\n")
def test_load_text__yaml_alphabet(text):
    answer(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["a", "", " ", "10%"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["column", "cut", "ref", "file", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = [(home, key) for home, model in SECTIONS.items() for key in fields(model)]


@SETTINGS
@given(st.sampled_from(KEYS), VALUES)
def test_load_text__any_value_of_any_key(where, value):
    home, key = where
    data = {
        "model": "m",
        "task": "binary",
        "predict": {"file": "p"},
        "baseline": "none",
        "gates": [{"metric": "recall", "min": 0.5}],
    }
    data["evaluation"] = {"data": "d", "label": "l", "slices": [{"column": "c"}, ["a", "b"]]}
    data["train"] = {"run": "x"}
    data["policy"] = {}
    part = data
    for step in home:
        part = part.setdefault(step, {})
        part = part[0] if isinstance(part, list) else part
    if isinstance(part, dict):
        part[key] = value
    answer(json.dumps(data))  # JSON is YAML 1.2


LARGE = {
    "nested lists": "[" * MOST_BYTES,
    "nested mappings": "{a: " * (MOST_BYTES // 4),
    "keys on keys": "? " * (MOST_BYTES // 2),
    "dashes": "- " * (MOST_BYTES // 2),
    "quotes": "'" * MOST_BYTES,
    "one long word": "x" * MOST_BYTES,
    "many words": "a: " + "x " * (MOST_BYTES // 2 - 2),
    "many keys": "a: 1\n" * (MOST_BYTES // 5),
    "blank lines": "\n" * MOST_BYTES,
    "block text": "a: |\n" + "  x\n" * (MOST_BYTES // 4 - 2),
    "escapes": 'a: "' + "\\n" * (MOST_BYTES // 2 - 4) + '"',
    "anchors": "&a " * (MOST_BYTES // 3),
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_load_text__large_and_nested_files(text):
    assert answer(text)
