"""The memory budget: sizes as they are written, containers' limits, and what happens beyond memory and disk."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from mlci.engine import sql
from mlci.util.memory_budget import container_limit, database_limit, parse_size
from tests.engine.blocks.tables import assert_close
from tests.engine.tables import job, observe, people, write


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GiB", 2 << 30), ("2G", 2 << 30), ("500 MB", 500_000_000), ("1.5gib", 3 << 29), ("1048576", 1 << 20), ("7B", 7)],
)
def test_parse_size__units(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "2 apples", "-1G", "1e9"])
def test_parse_size__not_a_size(text):
    assert parse_size(text) is None


@pytest.mark.parametrize(
    ("name", "text", "limit"),
    [
        ("memory.max", "1073741824\n", 1 << 30),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
        ("memory/memory.limit_in_bytes", "536870912\n", 1 << 29),
    ],
)
def test_container_limit__files_of_control_groups(tmp_path, name, text, limit):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert container_limit(tmp_path) == limit


def test_session__memory_budget():
    with sql.session(memory=1 << 30) as (connection, _):
        limit = sql.first_row(connection, "SELECT current_setting('memory_limit')")
    assert limit == (f"{database_limit(1 << 30) >> 20}.0 MiB",)


def test_observe__budget_changes_nothing(tmp_path):
    frame = people(400)
    path = write(frame, tmp_path, "t", "parquet")
    plain, limited = observe(job(path)), observe(job(path), memory=256 << 20)
    assert_close(plain.statistics, limited.statistics)


def test_reading__full_disk(tmp_path):
    """A join of more than the budget, and no space to spill: one line that names the folder, exit code 4."""
    keys = pd.DataFrame({"key": np.arange(400_000).astype(str)})
    keys.to_parquet(tmp_path / "t.parquet", index=False)
    connection = sql.connect(threads=1, memory=1, scratch=str(tmp_path))
    connection.execute("SET memory_limit = '12MB'; SET max_temp_directory_size = '1MB'")
    table = f"read_parquet('{tmp_path / 't.parquet'}')"
    with pytest.raises(sql.SpillError, match="memory and disk are full") as error, sql.reading("t.parquet"):
        connection.execute(f"SELECT sum(hash(a.key || b.key)) FROM {table} a JOIN {table} b USING (key)").fetchall()  # noqa: S608 - our own folder
    assert error.value.exit_code == 4
    assert "\n" not in str(error.value)
    connection.close()


def test_reading__no_space_left():
    with pytest.raises(sql.SpillError, match="TMPDIR"), sql.reading("t.parquet"):
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")
