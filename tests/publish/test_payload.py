"""Hostile payloads, and fields of an unexpected form."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.errors import InputError
from mlci.publish import event as publish_event
from mlci.publish.event import Event, event_facts

SHA = "3f9c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"n": NaN}', "NaN"),
        (b'{"n": -Infinity}', "Infinity"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested"),
        (b"[" * 100_000, "nested"),
        (b'{"a":[' + b"[]," * 8_000_000 + b"0]}", "made of 8,000,002 lists and objects where 400,000 are the most"),
        (b'{"a":[' + b"0," * 3_000_000 + b"0]}", "made of 3,000,001 values where 2,000,000 are the most"),
        (b'{"n": ' + b"9" * 10_000 + b"}", "not JSON"),
    ],
)
def test_parse_payload__not_a_payload(data, words):
    with pytest.raises(InputError, match=words) as raised:
        publish_event.parse_payload(data, path="event.json")
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("event.json: ")


def test_parse_payload__size_limit(monkeypatch):
    monkeypatch.setattr(publish_event, "MOST_BYTES", 100)
    assert publish_event.parse_payload(b'{"a": 1}', path="e") == {"a": 1}
    with pytest.raises(InputError, match="at most 100"):
        publish_event.parse_payload(b'{"a": 1}' + b" " * 100, path="e")


def test_parse_payload__brackets_in_strings():
    data = json.dumps({"body": '[[[{{{"' * 100, "again": "\\" * 99 + "["}).encode()
    assert publish_event.parse_payload(data, path="e")["again"].endswith("[")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (SHA, SHA),
        (SHA + SHA[:24], SHA + SHA[:24]),
        (SHA.upper(), None),
        (SHA[:39], None),
        (f"{SHA}\n", None),
        (f"../{SHA[3:]}", None),
        (7, None),
        (None, None),
        ([SHA], None),
    ],
)
def test_payload_sha__whole_commits_only(value, found):
    assert publish_event.payload_sha({"sha": value}, "sha") == found


@pytest.mark.parametrize(
    ("value", "found"),
    [(1, 1), (True, None), (0, None), (-3, None), (2**53, None), ("7", None), (7.0, None), (None, None)],
)
def test_payload_number__positive_integers_only(value, found):
    assert publish_event.payload_number({"n": value}, "n") == found


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("topic", True),
        ("feature/grün-✓", True),
        ("a#b?", False),
        ("a#b", True),
        ("a b", False),
        ("a..b", False),
        ("/a", False),
        ("a/", False),
        ("a//b", False),
        ("a\nb", False),
        ("a\x7fb", False),
        ("x" * 1_025, False),
        ("", False),
    ],
)
def test_payload_branch__valid_names_only(value, good):
    assert publish_event.payload_branch({"ref": value}, "ref") == (value if good else None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just(SHA),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["pull_request", "head", "repo", "base", "sha", "number", "merge_group", "head_sha", "after"]
            )
            | st.text(),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(
    event=st.dictionaries(
        st.sampled_from(["pull_request", "merge_group", "after", "deleted", "sender", "number", "repository"])
        | st.text(),
        JSON,
    ),
    name=st.sampled_from(["pull_request", "pull_request_target", "merge_group", "push", "schedule", "workflow_run"])
    | st.text(),
    sha=st.none() | st.just(SHA) | st.text(),
)
def test_event_facts__any_object(event, name, sha):
    found = event_facts(name, event, sha=sha)
    assert isinstance(found, Event)
    assert (found.head is None) == (found.why is not None)
    if found.head is not None:
        assert len(found.head) in {40, 64}
        assert set(found.head) <= set("0123456789abcdef")
        assert set(found.head) != {"0"}
    assert found.pull is None or (found.pull > 0 and name.startswith("pull_request"))


@given(data=st.binary(max_size=400))
def test_parse_payload__any_bytes(data):
    with contextlib.suppress(InputError):
        assert isinstance(publish_event.parse_payload(data, path="e"), dict)
