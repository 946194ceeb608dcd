"""Tables in NumPy, Feather, DuckDB and SQLite files: the same rows as in Parquet, and damaged or hostile files."""

# ruff: noqa: E501 - a table reads best with one case a line

import contextlib
import copy
import pickle
import sqlite3
import sys
import zipfile
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from mlci.engine.export.features import write_features
from mlci.engine.interface import Job, Source
from mlci.engine.tables import numpy_feather
from mlci.engine.tables.table_path import LabelFile, table_path
from tests.engine.tables import observe, refusal, same, slices, text, write

COLUMNS = ["id", "y", "age", "score"]


@pytest.fixture
def numbers():
    draw = np.random.default_rng(5)
    y = draw.integers(0, 2, 60)
    return pd.DataFrame(
        {"id": np.arange(60) * 3, "y": y, "age": draw.integers(0, 9, 60), "score": y / 4 + draw.random(60) / 2}
    )


def job(path, names=COLUMNS, **more):
    key, label, age, score = names
    given = {"key": key, "label": label, "slices": slices(([age, (3.0, 6.0)],)), "scores": True, "losses": ("squared",)}
    return Job(**({"task": "binary", "data": path, "candidate": Source(path=path, score=score)} | given | more))


def found(path, names=COLUMNS):
    """Return the statistics without the name of the slice, which is that of its column."""
    every = observe(job(path, names)).statistics
    return [replace(one, scope=replace(one.scope, slice=one.scope.slice and "age")) for one in every]


@pytest.mark.parametrize("save", ["matrix", "structured", "float32", "big-endian", "fortran", "npz", "parts"])
def test_numpy__arrays_are_the_rows_of_parquet(numbers, tmp_path, save):
    if save == "float32":
        numbers = numbers.astype({"score": np.float32})
    wanted = found(write(numbers, tmp_path, "t", "parquet"))
    matrix, names, path = numbers.to_numpy(float), ["0", "1", "2", "3"], tmp_path / "t.npy"
    if save == "npz":
        path, names = tmp_path / "t.npz", COLUMNS
        np.savez_compressed(path, **{name: numbers[name].to_numpy() for name in numbers})
    elif save == "parts":
        path, names = tmp_path / "t.npz", ["id", "y", "X.0", "X.1"]
        np.savez(path, X=matrix[:, 2:], y=matrix[:, 1], id=matrix[:, 0])
    elif save in {"structured", "float32"}:
        names = COLUMNS
        np.save(path, numbers.to_records(index=False))
    else:
        np.save(
            path, {"matrix": matrix, "big-endian": matrix.astype(">f8"), "fortran": np.asfortranarray(matrix)}[save]
        )
    assert same(found(str(path), names), wanted)


def copied_database(source, target, *suffixes):
    """Copy a database as a process left it that was killed, without the index of its log."""
    target.mkdir()
    for suffix in ("", *suffixes):
        (target / f"t.sqlite{suffix}").write_bytes(source.with_name(f"t.sqlite{suffix}").read_bytes())
    return target / "t.sqlite"


def listing(folder):
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


@pytest.mark.parametrize("state", ["log", "log is empty", "checkpointed", "unfinished transaction"])
def test_sqlite__nothing_changes_beside_it(numbers, tmp_path, state):
    """Rows that only the write-ahead log has are read, those of an unfinished transaction are not."""
    source = tmp_path / "t.sqlite"
    with contextlib.closing(sqlite3.connect(source)) as database:
        if state != "unfinished transaction":
            database.execute("PRAGMA journal_mode = WAL")
        numbers.iloc[:40].to_sql("t", database, index=False)
        database.commit()
        if state == "unfinished transaction":
            numbers.iloc[40:].to_sql("t", database, index=False, if_exists="append")
            database.commit()
            database.execute("PRAGMA cache_size = 1")
            database.execute(
                "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i FROM n"
            )
            database.commit()
            database.execute("UPDATE filler SET i = -1")
            database.execute("UPDATE t SET score = -1")
            path = copied_database(source, tmp_path / "mine", "-journal")
            assert path.with_name("t.sqlite-journal").stat().st_size
            database.rollback()
        else:
            if state != "log":
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            numbers.iloc[40:].to_sql("t", database, index=False, if_exists="append")
            database.commit()
            if state != "log":
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            path = copied_database(source, tmp_path / "mine", *([] if state == "checkpointed" else ["-wal"]))
    before = listing(path.parent)
    given = table_path(str(path), table="t")
    assert same(found(given), found(write(numbers, tmp_path, "wanted", "parquet")))
    assert listing(path.parent) == before


@pytest.mark.parametrize(
    "form", [{}, {"delimiter": ","}, {"fmt": "%.17g", "delimiter": "\t", "header": "id y age score"}]
)
@pytest.mark.parametrize("suffix", ["txt", "txt.gz"])
def test_savetxt__columns_by_position(numbers, tmp_path, form, suffix):
    path = tmp_path / f"t.{suffix}"
    np.savetxt(path, numbers.to_numpy(), **form)
    assert same(found(str(path), ["0", "1", "2", "3"]), found(write(numbers, tmp_path, "t", "parquet")))


def test_savetxt__texts_and_numbers_beyond_a_float64(tmp_path):
    rows = [(2**53 + 1, "no", 0.25), (2**53 + 2, "yes", 0.5), (2**53 + 3, "yes", 1.0)]
    np.savetxt(tmp_path / "t.txt", np.array(rows, object), fmt=["%d", "%s", "%.18e"])
    path = str(tmp_path / "t.txt")
    given = Job(task="binary", data=path, key="0", label="1", positive="yes", candidate=Source(path=path, score="2"))
    assert observe(given).statistics[0].decisions.count.tolist() == [1, 2]


def test_numpy__half_precision_has_its_shortest_decimals(tmp_path):
    half = np.array([0.1, 0.7, 0.3], np.float16)
    np.savez(tmp_path / "t.npz", y=np.array([0, 1, 1]), score=half)
    path = str(tmp_path / "t.npz")
    given = Job(task="binary", data=path, label="y", candidate=Source(path=path, score="score"), losses=("signed",))
    assert observe(given).statistics[0].moments["signed"].sums[0] == pytest.approx(1.1 - 2, abs=1e-15)


def test_npz__limit_of_all_arrays_together(numbers, tmp_path, monkeypatch):
    """Each array of the second file is below the limit; all of them are not."""
    columns = {name: np.array(numbers[name], float) for name in COLUMNS}
    np.savez_compressed(tmp_path / "t.npz", **columns)
    whole = sum(values.nbytes + 128 for values in columns.values())  # 128 bytes of header each
    monkeypatch.setattr(numpy_feather, "INFLATED_LIMIT", whole)
    assert found(str(tmp_path / "t.npz"))
    monkeypatch.setattr(numpy_feather, "INFLATED_LIMIT", whole - 1)
    [line] = refusal(job(str(tmp_path / "t.npz")))
    assert line.endswith(f"is larger than {whole - 1:,} bytes when it is unpacked")


def test_npz__arrays_that_are_not_needed(numbers, tmp_path):
    wanted = found(write(numbers, tmp_path, "t", "parquet"))
    columns = {name: numbers[name].to_numpy() for name in numbers}
    other = {
        "names": np.array(["no", "yes"]),
        "seed": np.int64(3),
        "cube": np.zeros((2, 2, 2)),
        "X": np.zeros((999, 2)),
    }
    np.savez(tmp_path / "t.npz", **other, made=np.array([Trap()], object), z=np.zeros(len(numbers), complex), **columns)
    assert same(found(str(tmp_path / "t.npz")), wanted)


class Trap:
    def __reduce__(self):
        return sys.exit, ("unpickled",)


def save_objects(path):
    np.save(path, np.array([Trap()], object), allow_pickle=True)


def cut(path):
    np.save(path, np.zeros((50, 2)))
    path.write_bytes(path.read_bytes()[:-100])


def claim(path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 4), }".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00v\x00" + header.encode())


def packed(path):
    with zipfile.ZipFile(path.with_suffix(".npz"), "w") as archive:
        archive.writestr("a.npy", b"no array")


OBJECTS = (
    "{path}: holds Python objects, which are never unpickled; save numbers or texts: `np.save(path, a.astype(float))`"
)


@pytest.mark.parametrize(
    ("name", "save", "expected"),
    [
        ("t.npy", save_objects, OBJECTS),
        ("t.npy", lambda path: path.write_bytes(pickle.dumps(Trap())), OBJECTS),
        ("t.npy", cut, "{path}: is not a complete .npy file (was the write interrupted?): "),
        ("t.npy", claim, "{path}: is not a complete .npy file (was the write interrupted?): "),
        ("t.npy", lambda path: np.save(path, np.zeros((2, 2, 2))), "{path}: has 3 dimensions; a table is a matrix, or one column"),
        ("t.npy", lambda path: np.save(path, np.zeros((2, 2), complex)), "{path}: column '0' is complex128; write it as numbers, texts or dates"),
        ("t.npy", lambda path: np.save(path, np.zeros((0, 4))), "{path}: has a header but no rows"),
        ("t.npz", lambda path: path.write_bytes(b"PK\x03\x04 cut"), "{path}: is not a complete .npz file (was the write interrupted?): "),
        ("t.npz", packed, "{path}, array 'a': is not a complete .npy file (was the write interrupted?): "),
        ("t.npz", lambda path: np.savez(path, **{"1": np.zeros(3), "3": np.zeros(1)}), "{path}: arrays have different lengths: '1' has 3 rows, '3' has 1 row"),
        ("t.npz", lambda path: np.savez(path, **{"1": np.zeros(3), "3": np.array([Trap()], object)}), "{path}, array '3': holds Python objects"),
        ("t.npz", lambda path: np.savez(path, a=np.float64(3)), "{path}, array 'a': has 0 dimensions"),
        ("t.txt", lambda path: path.write_text("1 2\n3\n"), "{path}: is not a table of numpy.savetxt: the number of columns changed from 2 to 1 at row 2"),
        ("t.txt", lambda path: path.write_text("# id y\n"), "{path}: has no rows"),
        ("t.txt", lambda path: path.write_bytes(b"\xff\xfe1 2\n"), "{path}: is not UTF-8 text"),
        ("t.feather", lambda path: path.write_bytes(b"ARROW1\0\0 cut"), "{path}: is not a complete Feather file (was the write interrupted?): "),
        ("t.duckdb", lambda path: path.write_bytes(b"nothing of a database" * 9), "{path}: can't be opened as a DuckDB or SQLite file: "),
        ("t.sqlite", lambda path: path.write_bytes(b"SQLite format 3\0" + b"x" * 200), "{path}: can't be read as a SQLite file: "),
    ],
)  # fmt: skip
def test_table_files__damaged_or_hostile(tmp_path, name, save, expected):
    path = tmp_path / name
    save(path)
    (line,) = refusal(job(str(path), ["0", "1", "2", "3"], key=None))
    assert line.startswith(expected.format(path=path)), line
    assert str(path) not in line.removeprefix(str(path))


def test_npz__larger_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("mlci.engine.tables.numpy_feather.INFLATED_LIMIT", 1000)
    np.savez_compressed(tmp_path / "t.npz", a=np.zeros(10_000))
    path = str(tmp_path / "t.npz")
    assert refusal(job(path)) == [f"{path}: is larger than 1,000 bytes when it is unpacked"]


def database(path, form, *statements):
    connection = duckdb.connect(str(path)) if form == "duckdb" else sqlite3.connect(path)
    with contextlib.closing(connection):
        for statement in statements:
            connection.execute(statement)
        if form == "sqlite":
            connection.commit()
    return str(path)


TWO = ("CREATE TABLE old (y INT)", "CREATE TABLE new (y INT)", "INSERT INTO new VALUES (1)")


@pytest.mark.parametrize("form", ["duckdb", "sqlite"])
def test_database__which_table(tmp_path, form):
    path = database(tmp_path / f"two.{form}", form, *TWO)
    assert refusal(job(path)) == [f"{path}: has 2 tables, 'new', 'old'; name one: `table: new`"]
    path = database(tmp_path / f"none.{form}", form, "CREATE VIEW v AS SELECT 1 AS y")
    assert refusal(job(path)) == [f"{path}: has no tables (views are not read)"]


def test_sqlite__blobs_and_mixed_types(tmp_path):
    create = "CREATE TABLE t (id, y, age, score)"
    path = database(tmp_path / "blob.db", "sqlite", create, "INSERT INTO t VALUES (1, 1, 2, x'00')")
    assert refusal(job(path)) == [f"{path}: column 'score' holds BLOBs; write it as numbers or texts"]
    path = database(tmp_path / "mixed.db", "sqlite", create, "INSERT INTO t VALUES (1, 0, 2, 0.5), ('b', 1, NULL, 1)")
    assert [str(one.scope) for one in observe(job(path)).statistics] == ["", "age=< 3", "age=(null)"]


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("_delta_log/00000000000000000000.json", "is a Delta table, which mlci does not read; deltalake does: `deltalake.DeltaTable(\"{path}\").to_pandas().to_parquet('eval.parquet')`"),
        ("metadata/v1.metadata.json", "is an Iceberg table, which mlci does not read; pyiceberg does: `pyiceberg.table.StaticTable.from_metadata(\"{path}/metadata/v1.metadata.json\").scan().to_pandas().to_parquet('eval.parquet')`"),
    ],
)  # fmt: skip
def test_locate_files__table_formats_with_their_own_readers(tmp_path, log, expected):
    (tmp_path / log).parent.mkdir()
    text(tmp_path, log, "{}")
    path = str(tmp_path)
    assert refusal(job(path)) == [f"{path}: {expected.format(path=path)}"]


def test_feather__without_pyarrow(numbers, tmp_path, monkeypatch):
    path = write(numbers, tmp_path, "t", "feather")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refusal(job(path)) == [f"{path}: reading Feather needs pyarrow: pip install 'mlci[remote]'"]


@pytest.mark.parametrize("form", ["feather", "duckdb", "sqlite"])
def test_write_features__parquet_without_the_label(numbers, tmp_path, form):
    target = write_features(write(numbers, tmp_path, "t", form), "y", tmp_path / "features")
    assert target.name == "features.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(target), numbers.drop(columns="y"), check_dtype=False)


@pytest.mark.parametrize("form", ["duckdb", "sqlite"])
def test_database__tables_of_one_file(numbers, tmp_path, form):
    path = database(tmp_path / f"t.{form}", form)
    names = {
        "rows": numbers.drop(columns="score"),
        "new": numbers[["id", "score"]].sample(frac=1, random_state=0),
        "old": numbers[["id", "score"]],
    }
    connection = duckdb.connect(path) if form == "duckdb" else sqlite3.connect(path)
    with contextlib.closing(connection):
        for name, frame in names.items():
            if form == "duckdb":
                connection.register("given", frame)
                connection.execute(f"CREATE TABLE {name} AS FROM given")
            else:
                frame.to_sql(name, connection, index=False)
    models = {
        name: Source(path=table_path(path, table=table), score="score")
        for name, table in (("candidate", "new"), ("baseline", "old"))
    }
    both = observe(job(table_path(path, table="rows"), **models))
    assert both.statistics[0].scores.differing == 0
    assert refusal(job(table_path(path, table="row"))) == [
        f"{path}: has no table 'row'; there are 'new', 'old', 'rows' (views are not read)"
    ]


def test_table__of_a_file_without_tables(numbers, tmp_path):
    path = write(numbers, tmp_path, "t", "csv")
    assert refusal(job(table_path(path, table="t"))) == [
        f"{path}: is a .csv file, which has no tables; remove `table: t`"
    ]


def split(numbers, folder, form="csv", labels=None):
    """Write features, labels and predictions to files of their own; return a job on them."""
    frames = {"features": numbers[["id", "age"]], "predictions": numbers[["id", "score"]]}
    paths = {name: write(frame, folder, name, form) for name, frame in frames.items()}
    written = write(
        numbers[["id", "y"]].sample(frac=1, random_state=1) if labels is None else labels, folder, "labels", "csv"
    )
    data = table_path(paths["features"], labels=LabelFile(written, "id", "y"))
    return job(data, candidate=Source(path=paths["predictions"], score="score"))


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl", "sqlite"])
def test_labels__in_a_file_of_their_own(numbers, tmp_path, form):
    given = split(numbers, tmp_path, form)
    one = write(numbers[["id", "age", "y"]], tmp_path, "one", "csv")
    wanted, own = observe(replace(given, data=one)), observe(given)
    assert same(own.statistics, wanted.statistics)
    assert own.fingerprint == wanted.fingerprint
    target = write_features(given.data, "y", tmp_path / "features")
    assert target.suffix == (".parquet" if form == "sqlite" else f".{form}")
    if form == "csv":
        assert target.read_bytes() == (tmp_path / "features.csv").read_bytes()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda labels: labels[1:], "{labels}: 1 row of {features} has no label: key '0'"),
        (lambda labels: labels.assign(id=labels.id.replace(3, 0)), "{labels}: 1 key of 'id' occurs more than once: '0' in rows 1, 2"),
        (lambda labels: pd.concat([labels, labels[:1].assign(id=7)]), "{labels}: 1 key is not in {features}: key '7'"),
        (lambda labels: labels.assign(y=labels.y.where(labels.id > 0)), "{labels}: label 'y' is null in row 1 (key '0')"),
        (lambda labels: labels.rename(columns={"y": "why"}), "{labels}: has no column 'y'; there are 'id', 'why'"),
        (lambda labels: labels.rename(columns={"id": "Id"}), "{labels}: has no column 'id'; did you mean 'Id'?"),
    ],
)  # fmt: skip
def test_labels__that_do_not_fit(numbers, tmp_path, change, expected):
    given = split(numbers, tmp_path, labels=change(numbers[["id", "y"]]))
    paths = {"labels": given.data.labels.path, "features": str(given.data)}
    assert expected.format(**paths) in refusal(given)


def test_labels__in_both_files(numbers, tmp_path):
    given = split(numbers.rename(columns={"age": "x", "y": "age"}).assign(y=1), tmp_path)
    data = table_path(str(given.data), labels=replace(given.data.labels, label="age"))
    assert refusal(replace(given, data=data)) == [
        f"{given.data}: has the label 'age' itself; remove `labels`, or this column"
    ]


def test_table_path__equality_and_copies():
    one = table_path("a.db", table="t")
    assert table_path("a.db") == "a.db"
    assert one != "a.db"
    assert one != "a.db"
    assert one == table_path("a.db", table="t")
    assert {one, table_path("a.db", table="u")} == {copy.deepcopy(one), table_path("a.db", table="u")}
