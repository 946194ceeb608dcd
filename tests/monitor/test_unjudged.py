"""Predictions and labels that are there and can't be judged: never well, with the cause and the file at fault."""

import csv
import json

import pytest

from tests.support.production import CONFIG, Week, week_end, write_log
from tests.support.project import mlci


def rewrite(path, column, change):
    """Change one column of a table, given the row's number and its cell."""
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    at = header.index(column)
    for number, row in enumerate(rows):
        row[at] = change(number, row[at])
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])


def run(folder):
    done = mlci("monitor", "--json", "--now", week_end(1), cwd=folder)
    return done.code, json.loads(done.out)


@pytest.mark.parametrize(
    ("table", "column", "change", "cause"),
    [
        ("labels.csv", "y", lambda _, cell: ("no", "yes")[int(cell)], "'no' and 'yes' as labels in 'y' of labels.csv"),
        ("labels.csv", "y", lambda number, cell: "2" if number == 7 else cell, "label 'y' of labels.csv has 3 values"),
        ("labels.csv", "y", lambda *_: "", "labels.csv has 400 rows, all without a label in 'y'"),
        ("labels.csv", "id", lambda number, _: f"a{number}", "the log has none of their 'id'; usually it is the wrong"),
        ("log.csv", "score", lambda *_: "", "100 % of 'score' are empty"),
        ("log.csv", "score", lambda *_: "1.7", "100 % of 'score' are outside [0, 1]"),
    ],
)
def test_monitor__cannot_judge_what_arrived(monitored, table, column, change, cause):
    write_log(monitored.folder, [Week()])
    sound = (monitored.folder / table).read_text("utf-8")
    rewrite(monitored.folder / table, column, change)
    code, document = run(monitored.folder)
    assert (code, document["state"]) == (6, "unknown")
    assert cause in document["reason"]
    assert "mlci_label" not in document["reason"]
    if table == "labels.csv":  # as many labels as before, and the window is judged again
        (monitored.folder / table).write_text(sound, "utf-8")
        assert run(monitored.folder)[0] == 0


def test_monitor__broken_predictions_without_labels(monitored):
    write_log(monitored.folder, [Week(labelled=0)])
    rewrite(monitored.folder / "log.csv", "score", lambda *_: "")
    code, document = run(monitored.folder)
    assert (code, document["state"]) == (6, "unknown")
    assert "the predictions of 2026-01-05T00:00 are broken" in document["reason"]


def test_monitor__repeated_keys_are_noted(monitored):
    write_log(monitored.folder, [Week()])
    rewrite(monitored.folder / "log.csv", "id", lambda number, cell: "100000" if number < 4 else cell)
    code, document = run(monitored.folder)
    assert code == 0
    assert "3 rows of the log repeat the 'id' of another row, and count each time" in document["notes"]


def test_monitor__a_gate_that_no_window_knows_is_named(monitored):
    write_log(monitored.folder, [Week(labelled=0)])
    done = mlci("monitor", "--now", week_end(1), cwd=monitored.folder)
    assert done.code == 0
    assert "·  accuracy.max_drop: unknown" in done.out
    assert "Next: nothing to do by what is known; unknown: accuracy.max_drop" in done.out


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (
            "  labels: typo.csv\n",
            "typo.csv has no rows yet, or does not exist; without labels the quality is not judged",
        ),
        ("", "the log has no column 'y' with labels and `monitor.labels` names no table"),
    ],
)
def test_monitor__without_labels_says_so(monitored, line, note):
    write_log(monitored.folder, [Week()])
    (monitored.folder / "mlci.yml").write_text(CONFIG.replace("  labels: labels.csv\n", line), "utf-8")
    code, document = run(monitored.folder)
    assert code == 0
    assert any(note in one for one in document["notes"])
