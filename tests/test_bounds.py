"""Counts of nested parts of a text, made without parsing it, against those of a parser."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mlci.util.json_text import Bounds, excess

texts = st.text(st.sampled_from('ab"\\[]{},:é\n'), max_size=6)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=25,
)


def depth(tree):
    inner = list(tree.values()) if isinstance(tree, dict) else tree
    return 1 + max(map(depth, inner), default=0) if isinstance(tree, dict | list) else 0


def parts(tree):
    inner = list(tree.values()) if isinstance(tree, dict) else tree
    return 1 + sum(map(parts, inner)) if isinstance(tree, dict | list) else 0


def separators(tree):
    inner = list(tree.values()) if isinstance(tree, dict) else tree
    return max(len(tree) - 1, 0) + sum(map(separators, inner)) if isinstance(tree, dict | list) else 0


@given(trees, st.booleans())
def test_excess__counts_of_the_parser(tree, ascii_only):
    text = json.dumps(tree, ensure_ascii=ascii_only)
    most = {"depth": depth(tree), "parts": parts(tree), "values": separators(tree) + 1}
    assert excess(text, Bounds(**most)) is None
    for name, words in (("depth", "nested"), ("parts", "lists and objects"), ("values", "values where")):
        if most[name] > (name == "values"):
            assert words in excess(text, Bounds(**{**most, name: most[name] - 1}))


@given(st.text(st.sampled_from('"\\[]{},a'), max_size=30))
def test_excess__any_text(text):
    excess(text, Bounds(depth=3, parts=3, values=3))
