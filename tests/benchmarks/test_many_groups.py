"""The benchmark of a slice with very many groups: its data and its targets."""

from dataclasses import replace

import pyarrow.parquet as pq

from benchmarks.cost.process import Usage
from benchmarks.many_groups.__main__ import is_missed, section
from benchmarks.many_groups.measure import GroupFigures, write

FIGURES = GroupFigures(
    rows=1000, groups=100, floor=Usage(1, 1, 2**20), run=Usage(50, 60, 2**29), page_bytes=9_000, report_bytes=10_000
)


def test_write__groups_of_one_slice(tmp_path):
    write(tmp_path, 2000, 50)
    rows = pq.read_table(tmp_path / "rows.parquet")
    assert (rows.num_rows, len(set(rows["shop"].to_pylist()))) == (2000, 50)
    assert pq.read_table(tmp_path / "candidate.parquet").column_names == ["id", "score"]


def test_is_missed__each_target():
    assert not is_missed(FIGURES)
    assert "**no**" not in section(FIGURES)
    slow, large = replace(FIGURES.run, cpu=181), replace(FIGURES.run, peak=2**30 + 1)
    for missed in (replace(FIGURES, run=slow), replace(FIGURES, run=large), replace(FIGURES, page_bytes=300_001)):
        assert is_missed(missed)
        assert section(missed).count("**no**") == 1
