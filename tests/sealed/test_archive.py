"""The bounded zip reader: what GitHub's upload writes is read, and nothing else."""

import io
import stat
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.sealed.archive import read_archive
from mlci.sealed.artifact import UntrustedArtifactError
from mlci.util.bounds import ARTIFACT_BYTES
from tests.fake_github.seeding import zip_files
from tests.sealed.zips import HONEST, archive, entry, honest, streamed

LIMITS = {"predictions.csv": 1_000, "manifest.json": 100}
FIRST, SECOND = HONEST.items()


def read(data):
    found = read_archive(data, LIMITS)
    return {name: b"".join(found.read(name)) for name in found.entries}


@pytest.mark.parametrize(
    "data", [honest(), honest(method=0), streamed(), zip_files(HONEST), archive(entry(*SECOND), entry(*FIRST))]
)
def test_read_archive__honest(data):
    assert read(data) == HONEST


def bomb():
    return entry("predictions.csv", b"0" * 10_000, size=900, crc=0)


def empty():
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, 0, 0, 0)


HOSTILE = {
    "nothing": (b"", "not a zip"),
    "empty": (empty(), "'predictions.csv' is missing"),
    "too large": (bytes(ARTIFACT_BYTES.value + 1), "are the most"),
    "comment": (honest() + b"x", "not a zip"),
    "comment that is announced": (archive(entry(*FIRST), entry(*SECOND), comment=b"PK"), "not a zip"),
    "prefix": (archive(entry(*FIRST), entry(*SECOND), before=b"MZ"), "belong to no entry"),
    "prefix that is not counted": (b"MZ" + honest(), "not where its end record says"),
    "gap": (archive(entry(*FIRST), entry(*SECOND), between=b"secret"), "belong to no entry"),
    "three entries": (archive(entry(*FIRST), entry(*SECOND), entry("x", b"")), "it has 3 entries"),
    "wrong count": (archive(entry(*FIRST), entry(*SECOND), count=1), "more than the entries"),
    "one missing": (archive(entry(*FIRST)), "'manifest.json' is missing"),
    "parent folder": (archive(entry("../predictions.csv", b""), entry(*SECOND)), "leads out"),
    "parent folder, backslash": (archive(entry("..\\predictions.csv", b""), entry(*SECOND)), "leads out"),
    "absolute": (archive(entry("/predictions.csv", b""), entry(*SECOND)), "leads out"),
    "drive": (archive(entry("C:predictions.csv", b""), entry(*SECOND)), "leads out"),
    "folder": (archive(entry("predictions.csv/", b""), entry(*SECOND)), "not a regular file"),
    "inside a folder": (archive(entry("a/predictions.csv", b""), entry(*SECOND)), "it holds 'a/predictions.csv'"),
    "nested archive": (archive(entry("predictions.zip", honest()), entry(*SECOND)), "it holds 'predictions.zip'"),
    "twice": (archive(entry(*FIRST), entry(*FIRST)), "in it twice"),
    "case twin": (archive(entry(*FIRST), entry("Predictions.CSV", b"")), "in it twice"),
    "null in the name": (archive(entry("predictions.csv\0.exe", b""), entry(*SECOND)), "it holds"),
    "long name": (archive(entry("x" * 60_000, b""), entry(*SECOND)), "a name of 60,000 bytes"),
    "link": (honest(attributes=(stat.S_IFLNK | 0o777) << 16, made_by=3), "is a link"),
    "device": (honest(attributes=stat.S_IFCHR << 16, made_by=3), "not a regular file"),
    "folder by attribute": (honest(attributes=0x10), "not a regular file"),
    "encrypted": (honest(flags=1), "is encrypted"),
    "other method": (honest(method=12), "method 12"),
    "zip64": (honest(size=0xFFFFFFFF), "Zip64"),
    "other local name": (honest(local=b"Predictions.csv"), "another name"),
    "no header": (archive(entry(*FIRST), entry(*SECOND), places=[1, 0]), "no header"),
    "overlap": (archive(entry(*FIRST), entry(*FIRST, local=None), places=[0, 0]), "in it twice"),
    "same bytes for both": (archive(entry(*FIRST), entry(*SECOND), places=[0, 0]), "another name"),
    "too long": (archive(entry("predictions.csv", b"0" * 1_001), entry(*SECOND)), "1,001 bytes, and 1,000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_read_archive__hostile(name):
    data, message = HOSTILE[name]
    with pytest.raises(UntrustedArtifactError, match=message):
        read(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (archive(bomb(), entry(*SECOND)), "inflates to more than the 900 bytes"),
        (honest(crc=1), "damaged"),
        (honest(size=8), "inflates to more"),
        (honest(packed=b"\xff\xff\xff"), "can't be inflated"),
        (honest(packed=b""), "do not end where"),
    ],
)
def test_archive_read__content(data, message):
    with pytest.raises(UntrustedArtifactError, match=message):
        read(data)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_read_archive__changed_bytes(noise, place, value):
    """No change of an honest archive yields other content, and nothing but the one error."""
    data = bytearray(honest())
    data[place % len(data)] = value
    for one in (bytes(data), noise, bytes(data) + noise, noise + bytes(data)):
        try:
            assert read(one) == HONEST
        except UntrustedArtifactError:
            continue


@given(st.dictionaries(st.sampled_from(sorted(LIMITS)), st.binary(max_size=90), min_size=2, max_size=2), st.booleans())
def test_read_archive__content_of_zipfile(files, is_streamed):
    data = streamed(files) if is_streamed else zip_files(files)
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert read(data) == {name: other.read(name) for name in files}
