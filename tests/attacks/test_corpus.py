"""Inputs that fuzzing found: each ends in a result or in an error of mlci, and in bounded time."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attacks.fuzz import CORPUS, corpus, mutate
from tests.attacks.parsers import PARSERS, try_input


def test_corpus__page_has_each_parser():
    """Each was fuzzed for ten minutes at least once."""
    rows = re.findall(r"^\| `([a-z-]+)` \| ([0-9,]+) \|", (CORPUS / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [name for name, _ in rows] == sorted(PARSERS)
    assert all(int(seconds.replace(",", "")) >= 600 for _, seconds in rows)
    assert {path.stem for path in CORPUS.glob("*.json")} == set(PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_parser__kept_inputs(name):
    inputs = [*PARSERS[name].seeds, *corpus(name)]
    assert len(inputs) > len(PARSERS[name].seeds), "without a corpus"
    for data in inputs:
        try_input(name, data)


@pytest.mark.parametrize("name", PARSERS)
@given(chance=st.randoms(use_true_random=False), start=st.integers(0, 100))
@settings(max_examples=15)
def test_parser__mutated_input(name, chance, start):
    inputs = [*PARSERS[name].seeds, *corpus(name)]
    try_input(name, mutate(chance, inputs[start % len(inputs)], inputs[-1]))
