"""Addresses, types and refusals of the Spark engine, without Spark."""

import pytest

from mlci.engine.interface import Job, Source
from mlci.engine.spark.address import Address, read_address, shown_files
from mlci.engine.spark.executors.map_merge import FAN_IN, levels
from mlci.engine.spark.failures import describe_failure, describe_unreadable
from mlci.engine.spark.first_round import check_versions
from mlci.engine.spark.refusals import refuse_job
from mlci.engine.spark.session import SparkSettings, require_spark
from mlci.engine.spark.stored_types import stored_type
from mlci.engine.tables.column_types import read_column
from mlci.errors import InputError, OutsideError
from mlci.metrics.row_metrics import RowMetric
from mlci.metrics.worst_slices import SliceSearch


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("table://main.ml.rows", Address("table", "main.ml.rows")),
        ("delta+s3://bucket/rows", Address("delta", "s3://bucket/rows")),
        ("iceberg+s3://bucket/rows", Address("iceberg", "s3://bucket/rows")),
        ("s3://bucket/rows/*.parquet", Address("parquet", "s3://bucket/rows/*.parquet")),
        ("abfss://c@account/rows", Address("parquet", "abfss://c@account/rows")),
        ("rows", Address("parquet", "rows")),
    ],
)
def test_read_address__form(path, address):
    assert read_address(path) == address


@pytest.mark.parametrize(
    ("log", "form"),
    [("_delta_log/00.json", "delta"), ("metadata/v1.metadata.json", "iceberg"), ("a.parquet", "parquet")],
)
def test_read_address__local_folder(tmp_path, log, form):
    (tmp_path / log).parent.mkdir(exist_ok=True)
    (tmp_path / log).touch()
    assert read_address(str(tmp_path)) == Address(form, str(tmp_path))


def test_read_address__csv():
    with pytest.raises(InputError, match=r"rows\.csv: is a \.csv file, and Spark's executors read .* write it as Parq"):
        read_address("rows.csv")


def test_shown_files__local_and_remote(tmp_path):
    for name in ("b 1.parquet", "a.parquet"):
        (tmp_path / name).touch()
    listed = [f"file:{tmp_path}/b%201.parquet", f"file://{tmp_path}/a.parquet", "s3://bucket/c.parquet"]
    shown = shown_files(f"{tmp_path}/*.parquet", listed)
    assert list(shown) == [listed[1], listed[0], listed[2]]
    assert list(shown.values()) == [f"{tmp_path}/a.parquet", f"{tmp_path}/b 1.parquet", "s3://bucket/c.parquet"]


@pytest.mark.parametrize(
    ("simple", "stored", "read"),
    [
        ("bigint", "BIGINT", "BIGINT"),
        ("float", "FLOAT", "DOUBLE"),
        ("decimal(20,0)", "DECIMAL(20,0)", "HUGEINT"),
        ("decimal(9,2)", "DECIMAL(9,2)", "DOUBLE"),
        ("varchar(20)", "VARCHAR", "VARCHAR"),
        ("timestamp", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"),
        ("timestamp_ntz", "TIMESTAMP", "TIMESTAMP"),
        ("interval day to second", "INTERVAL DAY TO SECOND", "INTERVAL DAY TO SECOND"),
    ],
)
def test_stored_type__plain(simple, stored, read):
    assert stored_type(simple) == stored
    assert read_column("x", 0, stored).type == read


@pytest.mark.parametrize("simple", ["array<int>", "struct<a:int,b:string>", "map<string,int>", "array<array<int>>"])
def test_stored_type__nested(simple):
    assert read_column("x", 0, stored_type(simple)).is_nested


@pytest.mark.parametrize("partitions", [1, 2, FAN_IN, FAN_IN + 1, 1000, FAN_IN**2 + 1, 40_000])
def test_levels__fan_in(partitions):
    found = levels(partitions)
    assert (found or [1])[-1] == 1
    assert all(-(-before // after) <= FAN_IN for before, after in zip([partitions, *found], found, strict=False))


def refused(**more):
    given = {"task": "binary", "data": "d", "label": "y", "key": "id", "candidate": Source(path="p", score="s")}
    with pytest.raises(InputError) as caught:
        refuse_job(Job(**(given | more)))
    return [problem.message for problem in caught.value.problems]


def test_refuse_job__every_reason():
    lines = refused(
        key=None,
        row_changes=5,
        slice_search=SliceSearch(),
        row_metrics=(RowMetric(name="top_decile", function="m:f", on="score"),),
        candidate=Source(path="p", probabilities=(("a", "p_a"), ("b", "p_b"))),
    )
    assert len(lines) == 5
    assert "`top_decile`; leave them out, or remove `engine` to evaluate on this machine" in lines[0]
    assert all("`" in line and ";" in line for line in lines)


def test_require_spark__no_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyspark", None)
    with pytest.raises(InputError, match=r"needs PySpark, which is not installed: `pip install 'mlci\[spark\]'`"):
        require_spark(SparkSettings(), "/usr/bin/java")


def test_settings__executors_of_this_machine():
    options = SparkSettings(master="local-cluster[2,1,1024]", conf={"spark.ui.enabled": "false"}).options()
    assert options["spark.ui.enabled"] == "false"
    assert "spark.executorEnv.PYTHONPATH" in options
    assert "spark.executorEnv.PYTHONPATH" not in SparkSettings(master="yarn").options()


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("…\nModuleNotFoundError: No module named 'mlci'", InputError, "is not installed on the executors"),
        ("Illegal Parquet type: INT64 (TIMESTAMP(NANOS,false))", InputError, 'coerce_timestamps="us"'),
        (
            "An exception was thrown\nTraceback\n  File x\nduckdb.Error: odd\n",
            OutsideError,
            "job failed: duckdb.Error: odd",
        ),
        ("Job aborted: executor lost\nDriver stacktrace:", OutsideError, "job failed: Job aborted: executor lost"),
    ],
)
def test_describe_failure__words(text, kind, said):
    error = describe_failure(text, "rows")
    assert isinstance(error, kind)
    assert said in str(error)


def test_describe_unreadable__missing_table():
    assert describe_unreadable("[TABLE_OR_VIEW_NOT_FOUND] `a.b`").startswith("Spark finds no such table: ")
    assert describe_unreadable("[OTHER] x") == "Spark can't read it: [OTHER] x"


def test_check_versions__another_on_executors():
    check_versions({"1.2"}, "1.2")
    with pytest.raises(InputError, match=r"have mlci 1\.1, and the driver has 1\.2; install one version"):
        check_versions({"1.1", "1.2"}, "1.2")
