"""Rows in the report: off unless the configuration asks for them, and in public only if it says so."""

import json

import pytest

from tests.support.project import mlci, small_files, write

HIDDEN = "the rows that changed most are left out, because everyone can read this report"


def ended(folder, rows, event=None):
    files = small_files(more=rows and f"report: {rows}\n", predict="predict: {file: new.csv, decision: p}\n")
    keyed = {name: files[name].replace("\n21,", "\nsecret-21,") for name in ("holdout.csv", "old.csv", "new.csv")}
    write(folder, {**files, **keyed, "event.json": json.dumps({"repository": event})})
    runner = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(folder / "event.json")}
    return mlci("run", "--json", cwd=folder, **(runner if event is not None else {}))


@pytest.mark.parametrize(
    ("rows", "event", "shown"),
    [
        ("", None, False),
        ("{rows: 200}", None, True),
        ("{rows: 200}", {"private": True}, True),
        ("{rows: 200}", {"private": False}, False),
        ("{rows: 200}", {}, False),
        ("{rows: 200, public: true}", {"private": False}, True),
    ],
    ids=["default", "local", "private", "public", "unknown", "public on purpose"],
)
def test_run__rows_that_changed(rows, event, shown, tmp_path):
    done = ended(tmp_path, rows, event)
    found = done.report["rows_changed"]
    out = tmp_path / ".mlci" / "out"
    naming = {path.name for path in out.iterdir() if path.is_file() and "secret-21" in path.read_text("utf-8")}
    assert naming == ({"report.json", "report.html"} if shown else set())
    assert any(HIDDEN in note for note in done.report["notes"]) is (bool(rows) and not shown)
    if shown:
        assert (found["loss"], len(found["rows"])) == ("wrong decision", 20)
        assert found["rows"][0]["change"] == 1
    else:
        assert found is None
