"""The registry's benchmark at a tiny size: it does the work that it times, and writes its own section only."""

import pytest

from benchmarks.registry import measure, page
from benchmarks.registry.media import Folder, s3
from mlci.registry import audit


@pytest.mark.parametrize("flushed", [True, False])
def test_a_folder(tmp_path, flushed):
    place = Folder(tmp_path, flushed)
    figures = measure.medium("folder", place, tmp_path, model=1000, entries=3, turns=2)
    assert [one.work.split(":")[0] for one in figures] == ["promote", "roll back", "load"]
    assert all(one.ratio > 0 for one in figures)
    assert audit.verify(place.store()).entries == 3 + 2 + 2
    assert sorted(path.stat().st_size for path in (tmp_path / "target").iterdir()) == [1000, 5000, 60_000, measure.MIB]


def test_a_bucket(tmp_path):
    with s3() as bucket:
        figures = measure.medium("S3", bucket, tmp_path, model=1000, entries=1, turns=1)
        assert audit.verify(bucket.store()).entries == 1 + 1 + 1
    assert len(figures) == 3


def test_the_section_is_written_between_its_marks(tmp_path):
    (tmp_path / "page.md").write_text("# Benchmarks\n\nothers\n", "utf-8")
    figures = [measure.Figure("folder", "load", 3 * measure.MIB, 0.2, 0.1)]
    for _ in range(2):
        page.write(page.section(figures, entries=9, turns=2), tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text("utf-8")
    assert text.startswith("# Benchmarks\n\nothers\n\n<!-- registry:begin -->")
    assert text.count("| folder | load | 0.2000 | 0.1000 | 2.0 |") == 1
