"""`monitor.pandera`: what fails is named with rows, and a schema that can't be evaluated is never well."""

import importlib.util
import json
import sys

import duckdb
import pandas as pd
import pandera.config
import pytest

from mlci.errors import InputError, StepError
from mlci.execution.schemas import process
from mlci.execution.schemas.stage import SchemaStage
from mlci.monitor.findings import SchemaRow, WindowFindings
from mlci.monitor.history import MonitorHistory, SeriesState, WindowRecord, assess, record_of, replay
from tests.support.production import CONFIG, Week, week_end, write_log
from tests.support.project import mlci

PYTHON = """
import pandera.pandas as pa

class Row(pa.DataFrameModel):
    x: float = pa.Field(ge=-2)
    region: str = pa.Field(isin=["north", "south"])

    @pa.check("x", name="spread")
    def has_spread(cls, x):
        return x.std() < 100 or x.none_such()
"""
FRAME = pd.DataFrame({"x": [1.0, -5.0, None, 7.0], "n": [1, 2, 2, 9], "region": ["north", "east", "south", "west"]})


def test_monitor__own_schema(monitored):
    """The schema fails on rows of the first week, and raises on the second."""
    folder = monitored.folder
    write_log(folder, [Week(), Week()])
    log = pd.read_csv(folder / "log.csv")
    log.loc[500, "x"] = 1e6
    log.to_csv(folder / "log.csv", index=False)
    schema = folder / "schemas" / "production.py"
    schema.parent.mkdir()
    schema.write_text(PYTHON, "utf-8")
    config = CONFIG.replace("window: week", "window: week\n  pandera: schemas/production.py:Row")
    (folder / "mlci.yml").write_text(config, "utf-8")
    done = mlci("monitor", "--json", "--now", week_end(2), cwd=folder)
    document = json.loads(done.out)
    rows = [f"row {position + 1}" for position in log.index[log["x"] < -2] if position < 400]
    whole, failed = document["windows"][0]["pandera"]
    assert (whole["series"], whole["finding"], whole["failed"], whole["rows"]) == ("schema", "ok", len(rows), 400)
    assert failed["series"] == "schema[x, greater_than_or_equal_to(-2)]"
    assert (failed["failed"], failed["examples"], failed["finding"]) == (len(rows), rows[:5], "bad")
    assert document["windows"][1]["pandera"][0]["finding"] == "unknown"
    assert (done.code, document["state"]) == (6, "unknown")
    assert "window of 2026-01-12T00:00: x: spread raised: AttributeError" in document["reason"]


class InProcess:
    """Runs the stage's process in this one, or ends as a process that died."""

    def __init__(self, *, dies=False, writes=None):
        self.dies, self.writes = dies, writes

    def run(self, step):
        folder = process.Path(step.command[-1])
        if self.writes is not None:
            (folder / process.ANSWERS).write_text(self.writes, "utf-8")
        else:
            process.main(folder)
        if self.dies:
            raise StepError("schema failed: was ended by SIGKILL (9)")


@pytest.fixture
def validate(tmp_path, monkeypatch):
    """Validate a frame, in two windows of two rows, by the text of a schema."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    def run(text, *, name=":Own", frame=FRAME, runner=None, is_text=False):
        suffix = ".py" if name else ".yaml"
        (tmp_path / f"own{suffix}").write_text(text, "utf-8")
        stage = SchemaStage(runner or InProcess(), folder=tmp_path, scratch=tmp_path / "scratch")
        cells = ", ".join(f'"{column}" AS v{index}' for index, column in enumerate(frame.columns))
        with duckdb.connect() as connection:
            connection.register(
                "f", frame.assign(w=["a"] * 2 + ["b"] * (len(frame) - 2), row=range(10, 10 + len(frame)))
            )
            query = f"COPY (SELECT w, row AS mlci_row, {cells} FROM f) TO '{stage.rows_path}' (FORMAT parquet)"  # noqa: S608
            connection.execute(query)
        columns = list(frame.columns)
        found = stage.validate(f"own{suffix}{name}", ["a", "b"], columns=columns, is_text=is_text, timeout=60)
        return [{(one.column, one.check): (one.count, one.examples) for one in found[w].failures} for w in "ab"], found

    return run


def own(columns, more=""):
    return f"import pandera.pandas as pa\nOwn = pa.DataFrameSchema({{{columns}}}{more})\n"


def test_schema__names_column_check_count_and_rows(validate):
    """By hand: the rows of window a are 10 and 11, those of b 12 and 13."""
    text = own(
        '"x": pa.Column(float, pa.Check.ge(0)), "n": pa.Column(int, pa.Check(lambda n: n.sum() < 9, name="sum")), '
        '"absent": pa.Column(str)',
        ', checks=pa.Check(lambda rows: rows["n"] < 9, name="wide")',
    )
    (first, second), found = validate(text)
    absent = {("absent", "column_in_dataframe"): (None, ())}
    assert first == absent | {("x", "greater_than_or_equal_to(0)"): (1, (11,))}
    assert second == absent | {
        ("x", "not_nullable"): (1, (12,)),
        ("n", "sum"): (None, ()),
        (None, "wide"): (1, (13,)),
    }
    assert [(found[w].rows, found[w].failed, found[w].errors) for w in "ab"] == [(2, 1, ()), (2, 2, ())]


@pytest.mark.parametrize("more", [", drop_invalid_rows=True", ""])
def test_schema__nothing_turns_it_off(validate, monkeypatch, more):
    monkeypatch.setattr(pandera.config.CONFIG, "validation_enabled", False)
    (first, _), found = validate(own('"x": pa.Column(float, pa.Check.ge(0), nullable=True)', more))
    assert (first, found["a"].failed) == ({("x", "greater_than_or_equal_to(0)"): (1, (11,))}, 1)


def test_schema__text_has_the_types_of_read_csv(validate):
    texts = pd.DataFrame({"x": ["1", "2", "0.5", "NA"], "s": ["a", "", "c", "d"]})
    columns = '"x": pa.Column(int, pa.Check.le(1)), "s": pa.Column(str, nullable=True)'
    (first, second), _ = validate(own(columns), frame=texts, is_text=True)
    assert first == {("x", "less_than_or_equal_to(1)"): (1, (11,))}
    assert [check for column, check in second if column == "x"][0] == "dtype('int64')"  # noqa: RUF015 (a name by hand)


def test_schema__yaml(validate):
    text = "schema_type: dataframe\nversion: 0.35.0\ncolumns:\n  n:\n    dtype: int64\n    checks: {less_than: 9}\n"
    (first, second), _ = validate(text, name="")
    assert (first, second) == ({}, {("n", "less_than(9)"): (1, (13,))})


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("import none_such", "the schema could not be loaded: ModuleNotFoundError: No module named 'none_such'"),
        ("Own = 3", "TypeError: Own is not a DataFrameSchema or a DataFrameModel of pandera"),
        ("raise SystemExit(0)", "the schema could not be loaded: SystemExit: 0"),
        (own('"x": pa.Column(float, pa.Check(lambda x: 1 / 0))'), "x: <lambda> raised: ZeroDivisionError"),
        (own('"x": pa.Column(float, parsers=pa.Parser(lambda x: x.none_such()))'), "none_such"),
    ],
)
def test_schema__that_raises_has_no_result(validate, text, cause):
    _, found = validate(text)
    assert all(cause in found[window].errors[0] for window in "ab")


def test_schema__of_a_dead_process_or_a_false_answer(validate):
    text = own('"n": pa.Column(int)')
    _, found = validate(text, runner=InProcess(dies=True, writes='{"window": "a", "rows": 2, "failed": 0, "failures'))
    assert [found[window].errors for window in "ab"] == [("schema failed: was ended by SIGKILL (9)",)] * 2
    _, found = validate(text, runner=InProcess(writes='{"window": "a", "rows": "many"}\n[]\n'))
    assert found["a"].errors == ("its process left a result that can't be read",)
    assert found["b"].errors == ("its process left no result",)


def test_schema__that_does_not_exist(tmp_path):
    stage = SchemaStage(InProcess(), folder=tmp_path, scratch=tmp_path / "scratch")
    with pytest.raises(InputError, match=r"names 'a/b.py:C', and .*b.py does not exist"):
        stage.require("a/b.py:C")


def test_schema__without_pandera(tmp_path, monkeypatch):
    (tmp_path / "rows.yaml").write_text("schema_type: dataframe\n", "utf-8")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pandera" else name)
    stage = SchemaStage(InProcess(), folder=tmp_path, scratch=tmp_path / "scratch")
    with pytest.raises(
        InputError, match=r"needs pandera, which is not installed here:\n    pip install 'mlci\[schema\]'"
    ):
        stage.require("rows.yaml")


def window(number, *, finding="ok", bad=False, schema=True):
    """Return the record of a window with or without a failed check."""
    rows = [SchemaRow(series="schema", rows=9, finding=finding)] if schema else []
    rows += [SchemaRow(series="schema[x, c]", rows=9, failed=3, finding="bad")] if bad else []
    start = f"2026-01-{number:02}T00:00"
    found = WindowFindings(start=start, end=start, version=1, rows=9, labelled=0, pandera=tuple(rows))
    return record_of(found)


def test_schema__a_check_is_well_only_if_the_schema_was_evaluated():
    failing = [window(1, bad=True), window(2, bad=True)]
    states = replay(failing, before={}, patience=2)
    assert states["schema[x, c]"].state == "warn"
    for later, expected in (
        ([window(3), window(4)], SeriesState()),
        ([window(3, finding="unknown"), window(4, finding="unknown")], states["schema[x, c]"]),
    ):
        after = replay(later, before=states, patience=2)
        assert after.get("schema[x, c]", SeriesState()) == expected


def test_schema__that_was_removed_is_not_shown():
    records: list[WindowRecord] = [window(1, bad=True), window(2, bad=True)]

    def shown(record):
        history = MonitorHistory(windows=(*records, record))
        standing = assess(history, muted={}, patience=2, late=0, labels=False)
        return {one.series for one in standing.series}

    assert shown(window(3)) == {"schema", "schema[x, c]"}
    assert shown(window(3, schema=False)) == set()
