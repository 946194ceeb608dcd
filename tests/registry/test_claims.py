"""MLflow entries stored as tags, tracking addresses and registered names; tests with a server are in the folder e2e."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.errors import InputError
from mlci.registry.errors import CorruptError
from mlci.registry.stores.mlflow import client, store
from mlci.registry.stores.mlflow.aliases import registered_model_name

ENTRY = b'{"number":1,"text":"' + b"x" * 12_000 + b'"}'


@given(st.one_of(st.binary(max_size=20_000), st.text(max_size=20_000).map(str.encode)), st.integers(1, 10**18 - 1))
def test_entry_of_claim__round_trip(data, number):
    tags = store.claim_tags(number, data)
    assert store.entry_of_claim(tags, shown="x") == data
    assert store.claimed_number(tags) == number
    assert all(value.isascii() and len(value) <= 5_000 for value in tags.values())


def test_claim_tags__ascii_stays_readable():
    assert store.claim_tags(7, b'{"a": 1}')["mlci.entry.000"] == '{"a": 1}'


@pytest.mark.parametrize("name", sorted(set(store.claim_tags(1, ENTRY)) - {store.NUMBER}))
@pytest.mark.parametrize("change", ["gone", "altered", "cut"])
def test_entry_of_claim__changed_tag(name, change):
    tags = store.claim_tags(1, ENTRY)
    value = tags.pop(name)
    if change != "gone":
        tags[name] = value[:-1] if change == "cut" else value[:-1] + "\u00e9"
    with pytest.raises(CorruptError, match="x: entry 1 is damaged"):
        store.entry_of_claim(tags, shown="x")


@pytest.mark.parametrize("text", ["", "0", "01", "-1", "1.0", "\u0661", "1" * 19, "x"])
def test_claimed_number__not_a_number(text):
    assert store.claimed_number({store.NUMBER: text}) is None
    assert store.claimed_number({}) is None


@given(st.lists(st.one_of(st.none(), st.integers(1, 12)), max_size=40), st.integers(0, 10))
def test_in_rising_order__first_claim_of_a_number_counts(claimed, last):
    versions = [{} if number is None else store.claim_tags(number, b"%d" % at) for at, number in enumerate(claimed)]
    found = list(store.in_rising_order(versions, last))
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers))
    assert all(number <= last for number in numbers)
    assert all(store.entry_of_claim(tags, shown="x") == b"%d" % claimed.index(number) for number, tags in found)


def test_in_rising_order__one_writer_after_the_other():
    versions = [store.claim_tags(number, b"") for number in (1, 1, 2, 1, 3, 3, 2, 4, 5, 1)]
    assert [number for number, _ in store.in_rising_order(versions, 5)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("mlflow:http://host:5000", "http://host:5000"),
        ("https://host/team/", "https://host/team"),
        ("mlflow:sqlite:////srv/mlflow.db", "sqlite:////srv/mlflow.db"),
        ("mlflow:sqlite:///a/mlflow.db", "sqlite:////base/a/mlflow.db"),
    ],
)
def test_parse_tracking_uri__valid(written, asked):
    assert client.parse_tracking_uri(written, Path("/base")) == asked


@pytest.mark.parametrize(
    "written",
    [
        "http://ada:secret@host",
        "postgresql://h/d",
        "sqlite:///",
        "http://h?a=secret",
        "http://h#secret",
        "file:///x",
        "",
    ],
)
def test_parse_tracking_uri__invalid(written):
    with pytest.raises(InputError, match=r"registry: MLflow is written.*MLFLOW_TRACKING_USERNAME") as caught:
        client.parse_tracking_uri(written, Path("/base"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["a/b", "a:b", "", "..", "it's", "mlci-ledger.x", "x" * 300])
def test_registered_model_name__characters_mlflow_rejects(name):
    assert registered_model_name(name).startswith("mlci-model.")


@pytest.mark.parametrize("name", ["credit-risk", "Credit", "v1.2"])
def test_registered_model_name__unchanged(name):
    assert registered_model_name(name) == name
