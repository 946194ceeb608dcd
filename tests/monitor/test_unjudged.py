"""Predictions and labels that are there and can't be judged: never well, with the cause and the file at fault."""

import csv
import json

import numpy as np
import pytest

from mlci.metrics.statistics import WHOLE, Decisions, Statistics
from mlci.monitor.label_classes import lacking_classes
from mlci.monitor.quality import ScopedResult
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


def keep_labels(folder, wanted):
    """Keep the labels of some rows, given the row's number and its label."""
    header, *rows = (folder / "labels.csv").read_text("utf-8").splitlines()
    kept = [row for number, row in enumerate(rows) if wanted(number, row.rpartition(",")[2])]
    (folder / "labels.csv").write_text("\n".join([header, *kept]) + "\n", "utf-8")


def test_monitor__labels_of_one_class(monitored):
    write_log(monitored.folder, [Week()])
    keep_labels(monitored.folder, lambda _, label: label == "1")
    code, document = run(monitored.folder)
    assert (code, document["state"]) == (6, "unknown")
    assert "with labels is of the class '0', which the evaluation set has" in document["reason"]
    found = {row["series"]: row for row in document["windows"][-1]["quality"]}
    accuracy = found["accuracy.max_drop"]
    assert (accuracy["finding"], accuracy["reason"]) == ("unknown", document["reason"])
    assert accuracy["value"] is not None
    assert found["recall[region=north].max_drop"]["finding"] == "ok"  # it counts no other rows
    write_log(monitored.folder, [Week()])
    assert run(monitored.folder)[0] == 0


def test_monitor__few_labels_of_one_class_are_only_late(monitored):
    write_log(monitored.folder, [Week()])
    keep_labels(monitored.folder, lambda number, label: label == "1" and number < 20)
    code, document = run(monitored.folder)
    assert (code, document["state"], document["reason"]) == (0, "ok", None)


@pytest.mark.parametrize(
    ("rows", "now", "lacking"),
    [
        ((600, 390, 10), (500, 400, 0), ("c",)),
        ((600, 390, 10), (50, 40, 0), ()),  # a tenth of the rows that one of a hundred needs
        ((600, 390, 10), (50, 0, 0), ("b", "c")),
        ((600, 390, 0), (500, 400, 0), ()),
        ((600, 0, 0), (50, 0, 0), ()),
    ],
)
def test_lacking_classes__of_three(rows, now, lacking):
    assert lacking_classes(labelled(now), labelled(rows)) == lacking


def labelled(rows):
    """Return the statistics of rows of three classes, all decided right."""
    index = np.flatnonzero(rows)
    decisions = Decisions(("a", "b", "c"), index, None, index, np.array(rows)[index])
    whole = Statistics(scope=WHOLE, rows=sum(rows), decisions=decisions)
    return ScopedResult.of([whole], ScopedResult.empty().result)


def test_monitor__rows_without_a_time(monitored):
    write_log(monitored.folder, [Week()])
    log = monitored.folder / "log.csv"
    whole = log.read_text("utf-8")
    assert run(monitored.folder)[0] == 0
    log.write_text(whole + "".join(f"{number},0.1,north,0.7,1,\n" for number in range(4)), "utf-8")
    code, document = run(monitored.folder)
    assert (code, document["notes"][0]) == (0, "4 rows of the log have no readable time")
    log.write_text(whole + "".join(f"{number},0.1,north,0.7,1,\n" for number in range(5)), "utf-8")
    for _ in range(2):  # a window that was well before, and one that is read twice
        code, document = run(monitored.folder)
        assert (code, document["state"]) == (6, "unknown")
        assert document["reason"].startswith("5 of 405 rows of the log have no readable time in 'at'")
        assert {row["finding"] for row in document["windows"][-1]["quality"]} == {"unknown"}
    log.write_text(whole, "utf-8")
    assert run(monitored.folder)[0] == 0


@pytest.mark.parametrize(("zone", "code"), [(" EST", 2), (" Europe/Berlin", 2), (" UTC", 0), ("Z", 0)])
def test_monitor__times_with_the_name_of_a_zone(monitored, zone, code):
    write_log(monitored.folder, [Week()])
    rewrite(monitored.folder / "log.csv", "at", lambda _, cell: cell.removesuffix("Z") + zone)
    done = mlci("monitor", "--json", "--now", week_end(1), cwd=monitored.folder)
    assert done.code == code, done.err
    assert ("names of zones are not read" in done.err) == (code == 2)


def test_monitor__broken_predictions_do_not_alarm(monitored):
    write_log(monitored.folder, [Week(wrong=0.4)])  # an alarm, were the scores not in per cent
    rewrite(monitored.folder / "log.csv", "score", lambda _, cell: str(100 * float(cell)))
    code, document = run(monitored.folder)
    assert (code, document["state"]) == (6, "unknown")
    assert {row["finding"] for row in document["windows"][-1]["quality"]} == {"unknown"}


def test_monitor__alarm_of_rows_with_a_time_stays(monitored):
    write_log(monitored.folder, [Week(wrong=0.4)])
    rewrite(monitored.folder / "log.csv", "at", lambda number, cell: "" if number % 3 == 0 else cell)
    code, document = run(monitored.folder)
    assert (code, document["state"]) == (1, "alarm")
