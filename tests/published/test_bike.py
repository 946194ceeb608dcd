"""Bike rentals by the hour: a model of January decays in the warm week of mid-February; drift alone never alarms."""

import csv
import io
import json
import shutil
import zipfile
from datetime import date

import pytest

from tests.support import project

FEATURES = ["season", "holiday", "workingday", "hr", "weekday", "weathersit", "temp", "atemp", "hum", "windspeed"]
CONFIG = """\
model: rentals
task: regression
evaluation: {data: holdout.csv, key: instant, label: cnt}
predict: {file: predictions.csv, score: predicted}
gates: [{metric: mean_absolute_error, max_rise: 50%}]
monitor: {data: log.csv, time: at, window: week, label: cnt}
"""


def write(path, rows, columns):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def promoted(shared, tmp_path_factory):
    """Fit means by hour and kind of day on every second hour of January, and promote them on the other hours."""
    folder = tmp_path_factory.mktemp("rentals")
    with zipfile.ZipFile(shared("bike/bike_sharing_dataset.zip")) as archive, archive.open("hour.csv") as stream:
        rows = [row for row in csv.DictReader(io.TextIOWrapper(stream)) if row["dteday"] < "2011-02-28"]
    january = [row for row in rows if row["dteday"] < "2011-02-01"]
    by_hour = {}
    for row in january[::2]:
        by_hour.setdefault((row["hr"], row["workingday"]), []).append(int(row["cnt"]))
    for row in rows:
        known = by_hour[row["hr"], row["workingday"]]
        row |= {"predicted": f"{sum(known) / len(known):.3f}", "at": f"{row['dteday']} {int(row['hr']):02}:00:00"}
    write(folder / "holdout.csv", january[1::2], ["instant", *FEATURES, "cnt"])
    write(folder / "predictions.csv", january[1::2], ["instant", "predicted"])
    write(
        folder / "log.csv",
        [row for row in rows if row["dteday"] >= "2011-01-31"],
        ["instant", "at", *FEATURES, "predicted", "cnt"],
    )
    (folder / "mlci.yml").write_text(CONFIG, "utf-8")
    for command in ("run", "promote"):
        assert project.mlci(command, cwd=folder).code == 0
    return folder


@pytest.fixture
def rentals(promoted, tmp_path):
    return shutil.copytree(promoted, tmp_path, dirs_exist_ok=True)


def test_bike__decay_alarms_and_the_same_weeks_drift_does_not(rentals):
    found = {}
    for week in ("2011-02-07", "2011-02-14", "2011-02-21"):
        done = project.mlci("monitor", "--json", "--now", week, cwd=rentals)
        found[week] = (done.code, json.loads(done.out))
    assert {week: code for week, (code, _) in found.items()} == {"2011-02-07": 0, "2011-02-14": 0, "2011-02-21": 1}
    document = found["2011-02-21"][1]
    [error] = document["windows"][-1]["quality"]
    assert (error["finding"], round(error["reference"], 1), round(error["value"], 1)) == ("bad", 11.6, 34.4)
    alarms = [one["series"] for one in document["series"] if one["state"] == "alarm"]
    assert alarms == ["mean_absolute_error.max_rise"]
    drift = {row["column"]: row["finding"] for row in document["windows"][-1]["drift"]}
    assert {drift["temp"], drift["atemp"]} == {"bad"}  # 2.3 standard deviations, and still no alarm by itself
    assert drift["hr"] == drift["workingday"] == "ok"
    assert date.fromisoformat(document["since"][:10]) == date(2011, 2, 14)


def test_bike__drift_without_labels_never_alarms(rentals):
    log = rentals / "log.csv"
    lines = [line.rpartition(",")[0] for line in log.read_text("utf-8").splitlines()]
    log.write_text("\n".join(lines) + "\n", "utf-8")
    config = rentals / "mlci.yml"
    config.write_text(config.read_text("utf-8").replace("window: week, label: cnt", "window: week"), "utf-8")
    done = project.mlci("monitor", "--json", "--now", "2011-02-28", cwd=rentals)
    document = json.loads(done.out)
    assert (done.code, document["state"]) == (0, "warn")
    assert {one["series"] for one in document["series"] if one["state"] == "warn"} >= {"drift[temp]", "drift[atemp]"}
