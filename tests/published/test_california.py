"""California housing: the drift that NannyML published for twenty calendar months, and the fall of the AUC."""

import csv
import json
import shutil
from statistics import mean, pstdev

import pytest

from tests.fake_github.fake import Fake
from tests.support import project

FOLDER = "california-housing/california_housing_"
CONFIG = """\
model: california
task: binary
evaluation: {data: holdout.csv, key: id, label: clf_target}
predict: {file: predictions.csv, score: y_pred_proba, decision: y_pred}
gates:
  - {metric: accuracy, max_drop: 0.02}
  - {metric: roc_auc, max_drop: 0.02}
monitor: {data: log.csv, time: timestamp, window: month, labels: labels.csv}
"""
MEANS = {
    "Longitude": 0.712709, "Latitude": 0.672904, "HouseAge": 0.201638, "MedInc": 0.154952, "AveOccup": 0.143890,
    "AveRooms": 0.129277, "AveBedrms": 0.089140, "Population": 0.073562,
}  # fmt: skip
ALERTS = {**dict.fromkeys(MEANS, 0), "Longitude": 3, "Latitude": 1}


def read(path):
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write(path, rows, columns):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def promoted(shared, tmp_path_factory):
    """Promote the model on the reference period; return the folder, and the rows of both periods."""
    folder = tmp_path_factory.mktemp("california")
    reference, analysis, truth = (
        read(shared(f"{FOLDER}{name}.csv")) for name in ("reference", "analysis", "analysis_gt")
    )
    features = [name for name in analysis[0] if name not in {"timestamp", "y_pred_proba", "y_pred"}]
    write(folder / "holdout.csv", reference, [*features, "clf_target"])
    write(folder / "predictions.csv", reference, ["id", "y_pred_proba", "y_pred"])
    write(folder / "labels.csv", [*reference, *truth], ["id", "clf_target"])
    (folder / "mlci.yml").write_text(CONFIG, "utf-8")
    for command in ("run", "promote"):
        assert project.mlci(command, cwd=folder).code == 0
    return folder, reference, analysis


@pytest.fixture
def california(promoted, tmp_path):
    """Copy the folder, and return the rows of both periods."""
    folder, reference, analysis = promoted
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return reference, analysis


def without_features(rows):
    """Return what decides about the quality: drift of the features has its own test, and takes most of the time."""
    return [{name: row[name] for name in ("id", "timestamp", "y_pred_proba", "y_pred")} for row in rows]


def monitor(folder, rows, *arguments, now="2022-06-01", **environment):
    write(folder / "log.csv", rows, list(rows[0]))
    done = project.mlci("monitor", "--json", "--now", now, *arguments, cwd=folder, **environment)
    return done.code, json.loads(done.out)


def test_california__ks_distances_and_alerts(california, tmp_path):
    reference, analysis = california
    known = list(analysis[0])
    _, document = monitor(tmp_path, [{name: row[name] for name in known} for row in [*reference, *analysis]])
    found = {name: [] for name in MEANS}
    for window in document["windows"]:
        for row in window["drift"]:
            if row["column"] in found:
                found[row["column"]] += [one["value"] for one in row["effects"] if one["measure"] == "ks"]
    assert {name: round(mean(values), 6) for name, values in found.items()} == MEANS
    limits = {name: mean(values[:8]) + 3 * pstdev(values[:8]) for name, values in found.items()}
    assert {name: sum(one > limits[name] for one in values) for name, values in found.items()} == ALERTS


def test_california__fall_of_the_auc(california, tmp_path):
    _, analysis = california
    code, document = monitor(
        tmp_path, [{**row, "timestamp": "2021-06-01 00:00:00"} for row in without_features(analysis)], now="2021-07-01"
    )
    [auc] = [row for row in document["windows"][0]["quality"] if row["series"] == "roc_auc.max_drop"]
    assert (round(auc["reference"], 5), round(auc["value"], 5), auc["finding"]) == (0.90794, 0.84025, "bad")
    assert (code, document["state"]) == (1, "alarm")  # the accuracy falls, too


def test_california__one_issue_from_alarm_to_recovery(california, tmp_path):
    _, analysis = california
    found = {}
    with Fake(tmp_path / "model.git") as fake:
        names = {
            "GITHUB_REPOSITORY": fake.name,
            "GITHUB_API_URL": fake.url,
            "MLCI_TOKEN": fake.token({"issues": "write"}),
        }
        for month in ("2021-08-01", "2021-09-01", "2021-10-01", "2022-06-01"):
            code, _ = monitor(tmp_path, without_features(analysis), "--publish", now=month, **names)
            found[month] = (code, [(one["number"], one["state"], one["title"]) for one in fake.issues()])
            written = [method for method, _, _ in fake.requests if method != "GET"]
    alarm = (1, "open", "mlci monitor: california, alarm since 2021-08-01")
    assert found["2021-08-01"] == (0, [])
    assert found["2021-09-01"] == found["2021-10-01"] == (1, [alarm])
    [(number, state, _)] = found["2022-06-01"][1]
    assert (found["2022-06-01"][0], number, state) == (0, 1, "closed")
    assert written == ["POST", "PATCH", "PATCH"]  # opened, updated, closed
