"""Sessions that share a database without sharing state."""

import os
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from mlci.engine import sql


def settings(connection):
    names = ("TimeZone", "enable_progress_bar", "enable_external_file_cache", "autoinstall_known_extensions")
    asked = sql.select([f"current_setting({sql.quote_text(name)})" for name in names], "(SELECT 1)")
    return sql.first_row(connection, asked)


@pytest.mark.parametrize("limits", [{}, {"threads": 1}])
def test_session__settings(limits):
    with sql.session(**limits) as (connection, _):
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
    with sql.session(**limits) as (connection, scratch):
        assert settings(connection) == ("UTC", False, False, False)
        assert scratch.is_dir()
    assert not scratch.exists()


def test_session__leaves_no_table_type_view_or_variable():
    for _ in range(2):  # the second one would fail on any name that the first one left
        with sql.session() as (connection, _):
            connection.execute("CREATE TYPE kind AS ENUM ('a')").execute("CREATE TABLE t AS SELECT 1 AS x")
            connection.execute("CREATE TEMP TABLE u AS SELECT 1 AS x").register("v", {"x": np.arange(3)})
            assert sql.first_row(connection, "SELECT getvariable('halves')") == (None,)
            connection.execute("SET VARIABLE halves = 1")
    with sql.session() as (connection, _):
        catalogs = "SELECT count(*) FROM duckdb_databases() WHERE NOT internal AND database_name LIKE 'session%'"
        assert sql.first_row(connection, catalogs) == (1,)


def test_session__ends_after_a_failed_query():
    with pytest.raises(duckdb.Error), sql.session() as (connection, _):
        connection.execute("CREATE TABLE t AS SELECT 1 AS x").execute("SELECT error('broken')").fetchall()
    with sql.session() as (connection, _):
        assert not sql.file_exists(connection, "duckdb_tables()", "table_name = 't'")


def test_session__new_database_after_a_fatal_error():
    with sql.session() as (connection, _):
        sql._shared_database().close()
        connection.close()  # nothing works on it, as after a fatal error
    with sql.session() as (connection, _):
        assert sql.first_row(connection, "SELECT 42") == (42,)


def test_session__several_at_once():
    def counted(number):
        with sql.session() as (connection, _):
            connection.execute(f"CREATE TABLE t AS SELECT {number} AS x")
            with sql.session() as (inner, _):
                inner.execute(f"CREATE TABLE t AS SELECT {-number} AS x")
            return sql.first_row(connection, "SELECT x FROM t")[0]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(counted, range(20))) == list(range(20))


def test_session__rereads_a_file_of_equal_time_and_size(tmp_path):
    path, seen = tmp_path / "rows.parquet", []
    for value in (1, 2):
        parquet.write_table(pa.table({"x": [value] * 100}), path)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        with sql.session() as (connection, _):
            seen.append(sql.first_row(connection, sql.select("sum(x)", f"read_parquet({sql.quote_text(str(path))})")))
    assert seen == [(100,), (200,)]
