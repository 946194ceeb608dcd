"""The registry's benchmark at a tiny size: it does the work that it times, and writes its own section only."""

import pytest

from benchmarks.registry import measure, page
from benchmarks.registry.media import Folder, s3
from benchmarks.registry.versions import MIB, candidate, promote
from mlci.registry.errors import CorruptError
from mlci.registry.verification import verify_registry


@pytest.mark.parametrize("flushed", [True, False])
def test_medium__folder(tmp_path, flushed):
    place = Folder(tmp_path, flushed)
    figures = measure.medium("folder", place, tmp_path, model=1000, entries=5, turns=2)
    assert [one.work.split(",")[0] for one in figures] == ["promote", "promote", "roll back", "load the baseline"]
    assert all(one.ratio > 0 for one in figures)
    whole = verify_registry(place.store(), contents=True)
    assert (whole.entries, whole.state.versions) == (5 + 2 + 2, 3 + 2)
    kept = {path.name: path.stat().st_size for path in (tmp_path / "target").iterdir()}
    assert kept == {"model.bin": 1000, "predictions.parquet": MIB, "report.json": 60_000, "mlci.yml": 2000}


def test_promote__checks_existing_files(tmp_path):
    store = Folder(tmp_path).store()
    candidates = [candidate(_folder(tmp_path, name), 1000) for name in "ab"]
    promote(store, measure.stamp(), candidates[0])
    damaged = candidates[0].content.files[0].digest
    (tmp_path / "registry/model/files" / damaged[:2] / damaged).write_bytes(b"x")
    with pytest.raises(CorruptError, match="was truncated"):
        promote(store, measure.stamp(), candidates[1])


def _folder(place, name):
    (place / name).mkdir()
    return place / name


def test_medium__bucket(tmp_path):
    with s3() as bucket:
        figures = measure.medium("S3", bucket, tmp_path, model=1000, entries=1, turns=1)
        assert verify_registry(bucket.store(), contents=True).entries == 3 + 1 + 1
    assert len(figures) == 4


def test_page__keeps_other_sections(tmp_path):
    (tmp_path / "page.md").write_text("# Benchmarks\n\nothers\n", "utf-8")
    figures = [measure.Figure("folder", "load", 3 * MIB, 0.2, 0.1)]
    for _ in range(2):
        page.write(page.section(figures, entries=9, turns=2), tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text("utf-8")
    assert text.startswith("# Benchmarks\n\nothers\n\n<!-- registry:begin -->")
    assert text.count("| folder | load | 0.2000 | 0.1000 | 2.0 |") == 1
