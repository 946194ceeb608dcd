"""A gain that has to be proven, from its gate to every report."""

import numpy as np
import pandas as pd
import pytest

import mlci
from mlci.report.render import render_all
from mlci.report.serialization import dump_report, parse_report


@pytest.fixture(scope="module")
def compared():
    """2,000 rows: the candidate corrects 100 decisions and spoils none."""
    labels = np.arange(2_000) % 2
    rows = pd.DataFrame({"y": labels, "before": np.where(np.arange(2_000) % 10 == 0, 1 - labels, labels)})
    rows["after"] = np.where(np.arange(2_000) < 1_000, labels, rows["before"])
    gates = [
        {"metric": "accuracy", "superior_by": 0.03},
        {"metric": "recall", "superior_by": "10%"},
        {"metric": "false_negative_rate", "superior_by": 0},
        {"metric": "false_positive_rate", "max_rise": 0.02, "superior_by": 0.2},
    ]
    return mlci.compare(rows, label="y", candidate="after", baseline="before", gates=gates)


def test_compare__gain_is_judged(compared):
    assert [(gate.id, gate.outcome, gate.bound) for gate in compared.gates] == [
        ("accuracy.superior_by", "passed", 0.03),
        ("recall.superior_by", "failed", pytest.approx(0.1)),
        ("false_negative_rate.superior_by", "inconclusive", 0),
        ("false_positive_rate.max_rise", "passed", 0.02),
        ("false_positive_rate.superior_by", "failed", -0.2),
    ]


def test_render__gain_in_words(compared):
    files = render_all(compared.report)
    page = " ".join(files["report.html"].split())
    assert "must rise by more than 0.030" in files["comment.md"]
    assert "must fall by more than 0.2" in str(compared)
    assert "Accuracy: it must rise by more than 0.030." in page
    assert "Judged by the interval of the change, all of which has to show the gain (tango)." in page


def test_parse_report__gain_keeps_its_direction(compared):
    found = parse_report(dump_report(compared.report)).gates
    assert [gate.limit for gate in found] == [gate.limit for gate in compared.gates]
    assert found[-1].limit.lower_is_better
