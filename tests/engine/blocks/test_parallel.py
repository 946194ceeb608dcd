"""Progress and errors of threads that add up one stream."""

import duckdb
import pytest

from mlci.engine.blocks import parallel
from mlci.engine.blocks.arrow_stream import ArrowStream
from mlci.engine.blocks.parallel import Pool


class Sums:
    def __init__(self):
        self.total = 0

    def add_batch(self, arrays):
        self.total += int(arrays[0].sum())

    def merge(self, other):
        self.total += other.total


class Failing(Sums):
    def add_batch(self, arrays):
        raise ValueError(len(arrays))


def stream():
    return ArrowStream(duckdb.connect(), "SELECT range FROM range(1000000)")


@pytest.mark.parametrize("threads", [1, 3])
def test_add_up__all_batches_and_progress(monkeypatch, threads):
    monkeypatch.setattr(parallel, "_EVERY", 0.0)
    reports = []
    pool = Pool(threads, lambda *report: reports.append(report))
    assert pool.add_up(stream(), Sums, stage="counting", rows=1_000_000).total == 499_999_500_000
    assert [report[0] for report in reports] == ["counting"] * len(reports)
    assert [report[1] for report in reports] == sorted(report[1] for report in reports)
    assert reports[-1][1:3] == (1_000_000, 1_000_000)


def test_add_up__error_in_a_thread():
    with pytest.raises(ValueError, match="1"):
        Pool(2, lambda *_: None).add_up(stream(), Failing, stage="", rows=1)
