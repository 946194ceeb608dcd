"""The manifest of an artifact: a claim for messages; any bytes are read as a claim or as nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.sealed.manifest import ClaimedOrigin, read_manifest
from mlci.util.bounds import MANIFEST_BYTES


def test_read_manifest__claim():
    found = read_manifest(b'{"schema": 1, "model": "m", "commit": "::set-output name=x::y", "mlci": 7}')
    assert (found.model, found.writer) == ("m", None)
    assert "::set-output" not in str(found.commit)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff", b"[" * 50_000, b'{"model": "' + b"x" * MANIFEST_BYTES.value + b'"}', b'{"model": NaN}'],
)
def test_read_manifest__nothing(data):
    assert read_manifest(data) == ClaimedOrigin()


@given(st.binary(max_size=200))
def test_read_manifest__any_bytes(data):
    found = read_manifest(data)
    assert all(part is None or len(part) < 200 for part in (found.model, found.commit, found.writer))
