"""`noise: retraining`: intervals of gates that include the training noise."""

import json
import math

import pytest

from mlci.inference.intervals.distributions import student_two_sided
from tests.registry.e2e.retraining import PREDICT, promote_noisy, reproduce
from tests.support.project import holdout, mlci, run
from tests.support.registry.lifecycle import bodies, file_of, promote_run, repository
from tests.support.repository import commit

GATE = "  - {metric: balanced_accuracy, max_drop: 0.06, noise: retraining}\n"


def gate(ended):
    assert ended.report, ended.err
    return next(row for row in ended.report["gates"] if row["metric"] == "balanced_accuracy")


def candidate(folder, k=3):
    """Promote a model trained with noise, and commit a candidate that is worse by a tenth."""
    promote_noisy(folder, more=GATE)
    commit(folder, {"k.txt": str(k)})
    return folder


def test_noise__no_recorded_retrainings(tmp_path):
    ended = run(candidate(tmp_path))
    row = gate(ended)
    assert (ended.code, row["outcome"], row["blocks"]) == (1, "error", True)
    assert row["reason"] == (
        "version 1 has no recorded spread of retrainings; `mlci reproduce 1 -k 5` would record one"
    )


def test_noise__interval_widened_by_the_recorded_spread(tmp_path):
    _, found = reproduce(candidate(tmp_path), 1, "-k", 5)
    sd = next(row["sd"] for row in found["metrics"] if row["metric"] == "balanced_accuracy")
    ended = run(tmp_path)
    row = gate(ended)
    rows = next(one for one in ended.report["metrics"] if (one["metric"], one["slice"]) == ("balanced_accuracy", None))
    noise = student_two_sided(0.95, 4) * math.sqrt(2) * sd
    expected = [
        rows["change"] - math.hypot(rows["change"] - rows["change_interval"][0], noise),
        rows["change"] + math.hypot(rows["change_interval"][1] - rows["change"], noise),
    ]
    assert row["interval"] == pytest.approx(expected)
    assert row["outcome"] == "inconclusive"
    assert "5 retrainings spread by a standard deviation of" in row["reason"]
    assert row["rows_needed"] is None
    assert "; 5 retrainings spread by a standard deviation of" in (tmp_path / ".mlci/out/comment.md").read_text()
    assert "and 5 retrainings" in (tmp_path / ".mlci/out/summary.md").read_text()


def test_noise__same_result_by_separate_steps(tmp_path):
    reproduce(candidate(tmp_path), 1, "-k", 3)
    whole = gate(run(tmp_path))
    assert mlci("evaluate", "--out", "steps", cwd=tmp_path).code == 0
    mlci("gate", "--out", "steps", cwd=tmp_path)
    report = json.loads((tmp_path / "steps/report.json").read_text())
    assert next(row for row in report["gates"] if row["metric"] == "balanced_accuracy") == whole


def test_noise__no_baseline_yet(tmp_path):
    promote_noisy(tmp_path, more=GATE)
    report = json.loads((tmp_path / ".mlci/out/report.json").read_text())
    assert [row["outcome"] for row in report["gates"]] == ["no_baseline", "no_baseline"]


def test_noise__identical_predictions(tmp_path):
    promote_noisy(tmp_path, more=GATE)
    assert gate(run(tmp_path))["outcome"] == "passed"


@pytest.mark.parametrize(
    ("changes", "runs", "said"),
    [
        ({"holdout.csv": holdout(90)}, 3, "was recorded on another evaluation set; `mlci reproduce 1 -k 5`"),
        ({}, 1, "version 1 has no recorded spread"),
    ],
)
def test_noise__unusable_record(tmp_path, changes, runs, said):
    reproduce(candidate(tmp_path), 1, "-k", runs)
    if changes:
        commit(tmp_path, changes)
    row = gate(run(tmp_path))
    assert (row["outcome"], said in row["reason"]) == ("error", True), row["reason"]


def test_noise__training_ignores_the_seed(tmp_path):
    repository(tmp_path, 1, more=GATE)
    commit(tmp_path, {"train.py": 'open("model.txt", "w").write("1 2 3")\n', "predict.py": PREDICT})
    assert promote_run(tmp_path) == 1
    for runs, said in ((2, "version 1 was retrained 2 times, and a spread takes 3"), (3, "whatever MLCI_SEED is")):
        reproduce(tmp_path, "-k", runs)
        commit(tmp_path, {"train.py": f'open("model.txt", "w").write("1 2 {runs + 2}")\n'})
        row = gate(run(tmp_path))
        assert (row["outcome"], said in row["reason"]) == ("error", True), row["reason"]


def test_noise__damaged_record(tmp_path):
    reproduce(candidate(tmp_path), 1, "-k", 2)
    file_of(tmp_path, bodies(tmp_path)[1].spread).write_text("{}")
    ended = run(tmp_path)
    assert (ended.code, ended.out, "the spread that entry 2 names" in ended.err) == (4, "", True)
