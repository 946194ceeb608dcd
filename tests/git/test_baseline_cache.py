"""The cache of baselines: keys, damaged entries, eviction and concurrent writers."""

import os
import subprocess
import sys
import time

import pytest

from mlci.git.baseline_cache import BaselineCache, cache_key

KEY = cache_key(commit="c", config="d", evaluation="e", version="1")


@pytest.fixture
def cache_with_entry(tmp_path):
    """A cache with one entry of two files."""
    files = tmp_path / "files"
    (files / "sub").mkdir(parents=True)
    (files / "predictions.csv").write_bytes(b"id,score\n1,0.5\n")
    (files / "sub/model").write_bytes(os.urandom(3_000_000))
    cache = BaselineCache(root=tmp_path / "cache", keep=3)
    assert cache.store(KEY, files, {"seconds": 1.5, "score": "score"}) is None
    return cache, files


def test_cache_key__each_part():
    parts = {"commit": "c", "config": "d", "evaluation": "e", "version": "1"}
    keys = {cache_key(**{**parts, name: "other"}) for name in parts} | {cache_key(**parts)}
    assert len(keys) == 5
    assert cache_key(commit="ab", config="", evaluation="e", version="1") != cache_key(
        commit="a", config="b", evaluation="e", version="1"
    )


def test_fetch__stored_entry(cache_with_entry, tmp_path):
    cache, files = cache_with_entry
    found = cache.fetch(KEY, tmp_path / "into")
    assert (found.facts, found.note) == ({"seconds": 1.5, "score": "score"}, None)
    for name in ("predictions.csv", "sub/model"):
        assert (tmp_path / "into" / name).read_bytes() == (files / name).read_bytes()


def test_fetch__miss(tmp_path):
    found = BaselineCache(root=tmp_path / "none").fetch(KEY, tmp_path / "into")
    assert (found.facts, found.note) == (None, None)
    assert list((tmp_path / "into").iterdir()) == []


def change(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda entry: change(entry / "files/predictions.csv", b"0.5", b"0.9"), "predictions.csv does not match"),
        (lambda entry: os.truncate(entry / "files/sub/model", 2_999_999), "sub/model does not match"),
        (lambda entry: (entry / "files/predictions.csv").unlink(), "predictions.csv: No such file or directory"),
        (lambda entry: change(entry / "manifest.json", b"1.5", b"0.1"), "its manifest does not match"),
        (lambda entry: os.truncate(entry / "manifest.json", 10), "its manifest does not match"),
        (lambda entry: os.truncate(entry / "manifest.sha256", 0), "its manifest does not match"),
        (lambda entry: (entry / "manifest.sha256").write_bytes(b"\xff"), "its manifest can't be read"),
        (lambda entry: (entry / "manifest.json").unlink(), "manifest.json: No such file or directory"),
    ],
)
def test_fetch__damaged_entry(cache_with_entry, tmp_path, damage, why):
    cache, files = cache_with_entry
    damage(cache.root / KEY)
    found = cache.fetch(KEY, tmp_path / "into")
    assert (found.facts, found.note) == (None, f"cached baseline {KEY[:12]} was damaged ({why}) and is made again")
    assert list((tmp_path / "into").iterdir()) == []
    assert cache.store(KEY, files, {"again": 1}) is None
    assert cache.fetch(KEY, tmp_path / "again").facts == {"again": 1}
    assert [path.name for path in cache.root.iterdir()] == [KEY]


def test_fetch__entry_of_another_key(cache_with_entry, tmp_path):
    cache, _ = cache_with_entry
    other = cache_key(commit="other", config="d", evaluation="e", version="1")
    (cache.root / KEY).rename(cache.root / other)
    assert "belongs to another key" in cache.fetch(other, tmp_path / "into").note


def test_fetch__link_in_the_cache(cache_with_entry, tmp_path):
    cache, files = cache_with_entry
    entry = cache.root / KEY / "files/predictions.csv"
    entry.unlink()
    entry.symlink_to(files / "predictions.csv")
    assert "a file leads outside" in cache.fetch(KEY, tmp_path / "into").note


def test_store__evicts_the_least_recently_used(cache_with_entry, tmp_path):
    cache, files = cache_with_entry
    os.utime(cache.root / KEY, (1, 1))
    keys = [cache_key(commit=str(number), config="", evaluation="", version="") for number in range(4)]
    for number, key in enumerate(keys[:2]):
        cache.store(key, files, {})
        os.utime(cache.root / key, (100 + number, 100 + number))
    cache.fetch(KEY, tmp_path / "into")
    for key in keys[2:]:
        cache.store(key, files, {})
    assert {path.name for path in cache.root.iterdir()} == {KEY, *keys[2:]}


def test_store__removes_leftovers_after_a_day(cache_with_entry):
    cache, files = cache_with_entry
    for name, age in (("tmp-old", 90_000), ("tmp-new", 100)):
        (cache.root / name).mkdir()
        os.utime(cache.root / name, (time.time() - age,) * 2)
    cache.store(KEY, files, {})
    assert {path.name for path in cache.root.iterdir()} == {KEY, "tmp-new"}


def test_store__not_writable(tmp_path):
    (tmp_path / "file").write_text("x")
    note = BaselineCache(root=tmp_path / "file/cache").store(KEY, tmp_path, {})
    assert note.startswith("the baseline could not be cached in ")


@pytest.mark.parametrize("key", ["", "../x", "A" * 64, "a" * 63, f"{'a' * 64}/x"])
def test_fetch__invalid_key(tmp_path, key):
    with pytest.raises(ValueError, match="is not a cache key"):
        BaselineCache(root=tmp_path).fetch(key, tmp_path / "into")


WRITER = """
import sys
from pathlib import Path
from mlci.git.baseline_cache import BaselineCache
root, key, me = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
cache = BaselineCache(root=root / "cache")
files = root / f"files{me}"
files.mkdir()
for name in "ab":
    (files / name).write_text(me * 100_000)
for turn in range(25):
    assert cache.store(key, files, {"me": me}) is None
    into = root / f"into{me}-{turn}"
    found = cache.fetch(key, into)
    if found.facts is not None:  # another writer may be in the middle of replacing it: a miss, never a mixture
        whose = found.facts["me"]
        assert {(into / name).read_text() for name in "ab"} == {whose * 100_000}
"""


def test_store__concurrent_writers(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path), KEY]
    writers = [subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, text=True) for number in range(4)]
    for writer in writers:
        _, said = writer.communicate(timeout=60)
        assert writer.returncode == 0, said
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [KEY]
    assert BaselineCache(root=tmp_path / "cache").fetch(KEY, tmp_path / "into").facts["me"] in "0123"
