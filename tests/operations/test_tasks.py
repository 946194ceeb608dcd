"""Multiclass and regression end to end: slices, crossings, bins, nulls, scikit-learn's names and custom metrics."""

import numpy as np
import pytest
from sklearn import metrics as sk

from tests.support.project import run, write

ROWS = 400
MULTICLASS = """\
model: iris
task: multiclass
evaluation:
  data: holdout.csv
  key: id
  label: kind
  slices: [{column: size, cut: [3, 6]}, colour, [colour, {column: size, cut: [3, 6]}]]
  metrics: [accuracy, f1_macro, cohen_kappa_score, "recall[b]"]
  min_group_size: 5
predict: {file: new.csv, decision: said}
baseline: {file: old.csv}
gates:
  - {metric: f1_macro, min: 0.2, max_drop: 0.9}
  - {metric: accuracy, each: colour, max_drop: 0.9}
  - {metric: accuracy_difference, across: size, max: 0.9}
  - {metric: "recall[b]", min: 0.1}
"""
REGRESSION = """\
model: prices
task: regression
evaluation:
  data: holdout.csv
  key: id
  label: price
  metrics: [mean_absolute_error, r2, root_mean_squared_error, median_absolute_error, "own.metrics:within"]
predict: {file: new.csv, score: said}
baseline: {file: old.csv}
gates:
  - {metric: mean_absolute_error, max_rise: 5%}
  - {metric: median_absolute_error, max: 10}
  - {metric: "own.metrics:within", min: 0.1, max_drop: 0.9}
"""
QUICK = REGRESSION.replace("  - {metric: median_absolute_error, max: 10}\n", "").replace(" median_absolute_error,", "")
WITHIN = "def within(y_true, y_pred):\n    return float((abs(y_true - y_pred) < 1).mean())\n"


def rows():
    generator = np.random.default_rng(4)
    size = generator.uniform(0, 9, ROWS).round(1)
    colour = generator.choice(["red", "blue", ""], ROWS)
    return generator, size, colour


def of(report, metric, **where):
    scope = {"slice": None, "group": None, **where}
    (row,) = [r for r in report["metrics"] if r["metric"] == metric and all(r[key] == scope[key] for key in scope)]
    return row


def test_run__multiclass(tmp_path):
    generator, size, colour = rows()
    kind = generator.choice(list("abc"), ROWS)
    said = {
        name: np.where(generator.random(ROWS) < right, kind, generator.choice(list("abc"), ROWS))
        for name, right in (("old", 0.7), ("new", 0.5))
    }
    write(tmp_path, {"mlci.yml": MULTICLASS})
    table(tmp_path / "holdout.csv", id=range(ROWS), kind=kind, size=size, colour=colour)
    for name, decided in said.items():
        table(tmp_path / f"{name}.csv", id=range(ROWS), said=decided)
    ended = run(tmp_path)
    report = ended.report
    for side, decided in (("baseline", said["old"]), ("candidate", said["new"])):
        for metric, value in {
            "accuracy": sk.accuracy_score(kind, decided),
            "f1_macro": sk.f1_score(kind, decided, average="macro"),
            "cohen_kappa_score": sk.cohen_kappa_score(kind, decided),
            "recall[b]": sk.recall_score(kind == "b", decided == "b"),
        }.items():
            assert of(report, metric)[side] == pytest.approx(value, abs=1e-12)
        for low, high, group in ((-1, 3, "< 3"), (3, 6, "[3, 6)"), (6, 10, ">= 6")):
            chosen = (size >= low) & (size < high)
            row = next(
                r
                for r in report["metrics"]
                if r["metric"] == "accuracy" and (r["slice"], r["rows"]) == ("size", chosen.sum())
            )
            assert row[side] == pytest.approx((kind == decided)[chosen].mean()), group
        nothing = of(report, "accuracy", slice="colour", group=null_name(report))
        assert nothing[side] == pytest.approx((kind == decided)[colour == ""].mean())
    crossed = [r for r in report["metrics"] if r["slice"] == "colour × size" and r["metric"] == "accuracy"]
    assert len(crossed) == 9
    assert sum(r["rows"] for r in crossed) == ROWS
    ids = [gate["id"] for gate in report["gates"]]
    assert len([item for item in ids if item.startswith("accuracy[colour=")]) == 3
    assert {gate["outcome"] for gate in report["gates"]} <= {"passed", "inconclusive"}


def null_name(report):
    """Return what the group of rows without a colour is called: the one that no value has."""
    groups = [r["group"] for r in report["metrics"] if r["slice"] == "colour" and r["metric"] == "accuracy"]
    assert groups[:2] == ["blue", "red"]
    return groups[2]


def test_run__regression_with_scikit_learn_and_custom_metrics(tmp_path):
    generator, _, colour = rows()
    price = generator.normal(100, 10, ROWS)
    said = {"old": price + generator.normal(0, 3, ROWS), "new": price + generator.normal(0.2, 3.2, ROWS)}
    write(tmp_path, {"mlci.yml": REGRESSION, "own/__init__.py": "", "own/metrics.py": WITHIN})
    table(tmp_path / "holdout.csv", id=range(ROWS), price=price, colour=colour)
    for name, values in said.items():
        table(tmp_path / f"{name}.csv", id=range(ROWS), said=values)
    first = run(tmp_path)
    report = first.report
    for side, values in (("baseline", said["old"]), ("candidate", said["new"])):
        for metric, value in {
            "mean_absolute_error": sk.mean_absolute_error(price, values),
            "r2": sk.r2_score(price, values),
            "root_mean_squared_error": sk.root_mean_squared_error(price, values),
            "median_absolute_error": sk.median_absolute_error(price, values),
            "own.metrics:within": (abs(price - values) < 1).mean(),
        }.items():
            assert of(report, metric)[side] == pytest.approx(value, abs=1e-9)
    own = of(report, "own.metrics:within")
    assert own["change_interval"][0] < own["change"] < own["change_interval"][1]
    assert "bootstrap" in own["method"]
    relative = report["gates"][0]
    assert relative["bound"] == pytest.approx(0.05 * relative["baseline"])
    assert {gate["outcome"] for gate in report["gates"] if gate["metric"] == "own.metrics:within"} == {"passed"}


def test_run__regression_in_groups(tmp_path):
    generator, _, colour = rows()
    price = generator.normal(100, 10, ROWS)
    values = price + generator.normal(0, 3, ROWS) + (colour == "red")
    text = QUICK.replace(', "own.metrics:within"', "").replace("  metrics:", "  slices: [colour]\n  metrics:")
    gates = text.index("gates:")
    text = text[:gates] + "gates:\n  - {metric: mean_error_difference, across: colour, max: 5}\n"
    write(tmp_path, {"mlci.yml": text})
    table(tmp_path / "holdout.csv", id=range(ROWS), price=price, colour=colour)
    for name in ("old", "new"):
        table(tmp_path / f"{name}.csv", id=range(ROWS), said=values)
    ended = run(tmp_path)
    means = [(values - price)[colour == one].mean() for one in ("red", "blue", "")]
    (gate,) = ended.report["gates"]
    assert gate["value"] == pytest.approx(max(means) - min(means))
    assert (gate["outcome"], ended.code) == ("passed", 0)


def test_run__custom_metric_raises(tmp_path):
    generator, _, colour = rows()
    price = generator.normal(100, 10, ROWS)
    own = "def within(y_true, y_pred):\n    raise ValueError('no such price')\n"
    text = QUICK.replace("own.metrics", "broken.metrics")
    write(tmp_path, {"mlci.yml": text, "broken/__init__.py": "", "broken/metrics.py": own})
    table(tmp_path / "holdout.csv", id=range(ROWS), price=price, colour=colour)
    for name in ("old", "new"):
        table(tmp_path / f"{name}.csv", id=range(ROWS), said=price)
    ended = run(tmp_path)
    assert ended.code == 1
    broken = [gate for gate in ended.report["gates"] if gate["metric"] == "broken.metrics:within"]
    assert [(gate["outcome"], gate["reason"]) for gate in broken] == [("error", "ValueError: no such price")] * 2


@pytest.mark.parametrize("name", ["own.metrics:absent", "own.nowhere:within"])
def test_run__custom_metric_not_found(tmp_path, name):
    generator, _, colour = rows()
    price = generator.normal(100, 10, ROWS)
    text = QUICK.replace("own.metrics:within", name)
    write(tmp_path, {"mlci.yml": text, "own/__init__.py": "", "own/metrics.py": WITHIN})
    table(tmp_path / "holdout.csv", id=range(ROWS), price=price, colour=colour)
    for side in ("old", "new"):
        table(tmp_path / f"{side}.csv", id=range(ROWS), said=price)
    ended = run(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert name in ended.err


def table(path, **columns):
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
