"""The benchmark of a large report at a tiny size: its job runs, and a page that is too large misses the target."""

import contextlib
import io
from dataclasses import replace

import pyarrow.parquet as pq

from benchmarks.cost.process import Usage
from benchmarks.report_page import measure, page
from benchmarks.report_page.measure import PageFigures
from tests.support.project import mlci

SMALL = PageFigures(
    rows=1_000_000,
    slices=100,
    bytes=299_999,
    report_bytes=9_000_000,
    floor=Usage(1, 2, 2**20),
    run=Usage(10, 20, 2**21),
    render=Usage(3, 4, 2**20),
)


def run_here(argv, *, folder, timeout):
    """Run a command of mlci in this process, and the floor as a read."""
    assert timeout > 0
    words = argv[argv.index("mlci") + 1 :] if "mlci" in argv else []
    with contextlib.redirect_stdout(io.StringIO()):
        if words:
            ended = mlci(*words, cwd=folder)
            assert ended.code in {0, 1}, ended.err
        else:
            assert pq.read_table(argv[-1]).num_rows == 600
    return Usage(1, 1, 1)


def test_measure_page__every_process_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "run", run_here)
    monkeypatch.setattr(measure, "GATED", 1)
    found = measure.measure_page(tmp_path, 600, 2, times=1, say=lambda _: None)
    assert found.bytes == (tmp_path / ".mlci/out/report.html").stat().st_size
    assert (tmp_path / "again" / "report.html").read_bytes() == (tmp_path / ".mlci/out/report.html").read_bytes()
    assert found.report_bytes > found.bytes / 10


def test_list_misses__size_and_share():
    assert page.list_misses(SMALL) == []
    assert page.list_misses(replace(SMALL, bytes=300_001)) == ["missed: report.html has 300,001 bytes, target 300,000"]
    assert "takes 0.60 of `mlci run`" in page.list_misses(replace(SMALL, render=Usage(3, 12, 1)))[0]


def test_section__ratios_of_processor_time():
    text = page.section(SMALL, 3)
    assert "1,000,000 rows with 100 slice columns of 4 groups" in text
    assert "| `mlci run` | 20 | 2 | 10× |" in text
    assert "| CPU of `mlci report` over `mlci run` | ≤ 0.5× | 0.200× | yes |" in text
    assert "| size of the page | ≤ 300,000 bytes | 300,001 bytes | **no** |" in page.section(
        replace(SMALL, bytes=300_001), 1
    )
