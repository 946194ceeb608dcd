"""Invalid cells and keys: the lines of the embedded engine, from rows that only executors have read."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlci.engine.duckdb_engine import DuckDBEngine
from mlci.engine.interface import Source
from tests.engine.spark.e2e.tables import ROWS, binary_job, refusal, write_files


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("valid")
    return folder, binary_job(folder, slices=())


def read(folder, name):
    return pa.concat_tables(pq.read_table(path) for path in sorted(folder.glob(f"{name}*.parquet")))


def with_values(table, name, values):
    cells = table[name].to_pylist()
    for row, value in values.items():
        cells[row] = value
    at = table.schema.get_field_index(name)
    return table.set_column(at, name, pa.array(cells, table.schema.field(name).type))


def unpaired(table):
    """Keys that are null, missing, repeated or of no row."""
    changed = with_values(table.slice(3), "id", {4: None, 2_000: None, 7: ROWS, 8: ROWS + 1})
    return pa.concat_tables([changed, table.slice(25, 2), table.slice(29, 1)])


CHANGES = {
    "unpaired": unpaired,
    "text keys": lambda table: table.set_column(0, "id", pa.array([f" {key}" for key in table["id"].to_pylist()])),
    "bad scores": lambda table: with_values(table, "p", {7: None, 9: float("nan"), 11: 1.5, 3_000: float("inf")}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_refusal__predictions(engine, valid, tmp_path, change):
    folder, job = valid
    changed = CHANGES[change](read(folder, "new"))
    wrong = replace(job, candidate=Source(path=write_files(changed, tmp_path, "wrong", 2), score="p"))
    lines = refusal(DuckDBEngine(), wrong)
    assert lines
    assert refusal(engine, wrong) == lines


def test_refusal__labels(engine, valid, tmp_path):
    folder, job = valid
    table = with_values(read(folder, "eval"), "y", {1_400: None, 3_000: None})
    wrong = replace(job, data=write_files(table, tmp_path, "eval"))
    lines = refusal(DuckDBEngine(), wrong)
    assert lines
    assert refusal(engine, wrong) == lines
    third = replace(job, data=write_files(with_values(table, "y", {1_400: 2, 3_000: 0}), tmp_path / "third", "eval"))
    lines = refusal(DuckDBEngine(), third)
    assert lines
    assert refusal(engine, third) == lines


def test_refusal__timestamps_in_nanoseconds(engine, valid, tmp_path):
    folder, job = valid
    table = read(folder, "eval")
    stamps = pa.array(np.arange(table.num_rows), pa.timestamp("ns"))
    wrong = replace(job, data=write_files(table.append_column("at", stamps), tmp_path, "eval"))
    assert "nanoseconds, which Spark can't read; write `df.to_parquet(" in refusal(engine, wrong)[0]
