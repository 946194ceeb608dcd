"""Labels in a file of their own: both models' runs, steps that rewrite the labels, and a missing file."""

import pytest

from tests.support.project import (
    BY_FILE,
    change,
    config,
    expected_change,
    files,
    holdout,
    predictions,
    repository,
    run,
    write,
)

FEATURES, LABELS = (
    "\n".join(",".join(line.split(",")[at] for at in columns) for line in holdout().split()) + "\n"
    for columns in ((0, 1), (0, 2))
)
RELABEL = "\nopen('labels.csv', 'r+').write(open('labels.csv').read().replace(',1', ',0'))\n"


def separate(text):
    return text.replace("data: holdout.csv", "data: features.csv\n  labels: labels.csv")


def project(k, **changes):
    """Return a project whose evaluation set is two files."""
    made = files(k, **changes)
    made.pop("holdout.csv")
    return {**made, "mlci.yml": separate(made["mlci.yml"]), "features.csv": FEATURES, "labels.csv": LABELS}


def test_run__as_on_one_table(tmp_path):
    folder = repository(tmp_path / "two", project(1), project(3))
    separately = run(folder)
    assert change(separately) == expected_change(1, 3)
    together = run(write(tmp_path / "one", files(3, baseline="none")))
    assert separately.report["evaluation"] == together.report["evaluation"]


@pytest.mark.parametrize("baseline", ["none", "{file: old.csv}"])
def test_run__training_that_rewrites_labels(tmp_path, baseline):
    made = project(1, baseline=baseline)
    made |= {"train.py": made["train.py"] + RELABEL, "old.csv": predictions(2)}
    ended = run(write(tmp_path, made))
    assert ended.code == 2
    assert "the evaluation set changed during the evaluation: a step writes to the file" in ended.err


def test_run__prediction_that_rewrites_labels(tmp_path):
    made = project(1, baseline="none")
    ended = run(write(tmp_path, {**made, "predict.py": made["predict.py"] + RELABEL}))
    assert ended.code == 2
    assert "predict changed the evaluation set while it predicted for its rows" in ended.err


def test_run__labels_without_rows(tmp_path):
    made = project(1, baseline="none", **BY_FILE) | {"preds.csv": predictions(1)}
    folder = write(tmp_path, {**made, "labels.csv": LABELS.replace("\n7,0\n", "\n")})
    assert run(folder).err.count("labels.csv: 1 row of ") == 1
    (folder / "labels.csv").unlink()
    assert "labels.csv` does not exist" in run(folder).err


def test_configuration__labels_without_a_key(tmp_path):
    text = separate(config(baseline="none", **BY_FILE)).replace("  key: id\n", "")
    ended = run(write(tmp_path, {**project(1), "mlci.yml": text, "preds.csv": predictions(1)}))
    assert "`evaluation.labels` needs `key`: the column of both files that rows are joined by" in ended.err
