"""Labels of 0 under a percentage of the label: an error with the row, or a note without the metric."""

import pytest

from tests.support.project import mlci, write

CONFIG = """\
model: m
task: regression
evaluation: {{data: data.csv, key: id, label: y{more}}}
predict: {{file: cand.csv, score: s}}
baseline: {{file: base.csv}}
gates:
  - {{{gate}}}
"""


def judge_rows(folder, *, gate, more="", zero="0.0", at=3):
    """Judge 40 rows of which one label is 0."""
    labels = [str(1 + i % 7) for i in range(40)]
    labels[at] = zero
    tables = {"data.csv": ("y", labels), "cand.csv": ("s", ["2.5"] * 40), "base.csv": ("s", ["2.75"] * 40)}
    texts = {
        name: "\n".join([f"id,{column}", *(f"r{i},{value}" for i, value in enumerate(found))]) + "\n"
        for name, (column, found) in tables.items()
    }
    return mlci("run", "--json", cwd=write(folder, {"mlci.yml": CONFIG.format(gate=gate, more=more), **texts}))


@pytest.mark.parametrize(
    ("gate", "more"),
    [
        ("metric: mean_absolute_percentage_error, max_rise: 0.1", ""),
        ("metric: neg_mean_absolute_percentage_error, min: -1", ""),
        ("metric: mean_error, max: 9", ", metrics: [mean_absolute_percentage_error]"),
    ],
)
def test_zero_labels__error_if_the_metric_was_requested(tmp_path, gate, more):
    found = judge_rows(tmp_path, gate=gate, more=more)
    assert found.code == 2
    assert "data.csv: label 'y' is 0.0 in row 4 (key 'r3'), and mean_absolute_percentage_error divides" in found.err
    assert "use mean_absolute_error" in found.err


@pytest.mark.parametrize("zero", ["0", "-0.0", "1e-300"])
def test_zero_labels__note_if_all_metrics_are_reported(tmp_path, zero):
    report = judge_rows(tmp_path, gate="metric: mean_error, max: 9", zero=zero).report
    (row,) = [row for row in report["metrics"] if row["metric"] == "mean_absolute_percentage_error"]
    assert (row["candidate"], row["change"], row["cause"]) == (None, None, "labels")
    assert any("in row 4 (key 'r3')" in note and "left out" in note for note in report["notes"])


def test_zero_labels__none(tmp_path):
    report = judge_rows(tmp_path, gate="metric: mean_absolute_percentage_error, max: 9", zero="0.001").report
    (row,) = [row for row in report["metrics"] if row["metric"] == "mean_absolute_percentage_error"]
    labels = [0.001 if i == 3 else 1 + i % 7 for i in range(40)]
    assert row["candidate"] == pytest.approx(sum(abs(2.5 - y) / y for y in labels) / 40, rel=1e-12)
