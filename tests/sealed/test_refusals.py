"""Settings that sealed mode refuses, each by name, with its line and a remedy."""

import pytest

from mlci.config.read import load_text
from mlci.metrics import catalogue
from mlci.sealed.refusals import find_refusals

PLAIN = """\
model: m
task: binary
evaluation: {data: h.csv, key: id, label: y, positive: 1}
predict: {run: python predict.py, score: s}
gates:
  - {metric: roc_auc, max_drop: 0.01}
"""


def refusals(text):
    return [str(one) for one in find_refusals(load_text(text, catalogue, path="mlci.yml"))]


def test_find_refusals__none():
    assert refusals(PLAIN) == []
    more = PLAIN + "  - {metric: recall_difference, across: sex, max: 0.1}\n"
    assert refusals(more.replace("positive: 1", "positive: 1, slices: [sex]")) == []
    assert refusals(PLAIN + "baseline: none\n") == []


def test_find_refusals__rankings():
    text = PLAIN.replace("binary", "ranking").replace("positive: 1", "query: q").replace("roc_auc", "ndcg@10")
    assert refusals(text) == ["mlci.yml:2: sealed mode does not support `task: ranking`; evaluate it with `mlci run`"]


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("key: id, ", "", 3, "`key: id`"),
        ("h.csv", '"s3://bucket/h.csv"', 3, "address"),
        ("h.csv", "'h*.csv'", 3, "name the file"),
        ("positive: 1", "positive: 1, labels: 'l*.csv'", 3, "name the file"),
        ("gates:", "baseline: {ref: main}\ngates:", 5, "`baseline: production`"),
        ("gates:", "baseline: {file: old.csv}\ngates:", 5, "the registry"),
        ("gates:", "tests: {run: pytest}\ngates:", 5, "remove `tests`"),
        ("gates:", "train: {run: python train.py, when: asked}\ngates:", 5, "labels.*.name, 'mlci:train')"),
        ("gates:", "cost: {budget_usd_per_month: 9, over: block}\ngates:", 5, "`over: warn`"),
        ("roc_auc", "metrics:cost", 6, "`metrics:cost`"),
        ("roc_auc, max_drop: 0.01", "hinge_loss, min: 0.1", 6, "scikit-learn"),
        ("roc_auc, max_drop: 0.01", "'fbeta_score', params: {beta: 2}, min: 0.1", 6, "`fbeta_score`"),
        ("roc_auc, max_drop: 0.01", "predict_seconds_per_1k_rows, max: 1", 6, "run time"),
        ("roc_auc, max_drop: 0.01", "peak_memory_megabytes, max_rise: 10%", 6, "run time"),
        ("positive: 1", "positive: 1, metrics: [roc_auc, 'own:cost']", 3, "`own:cost`"),
    ],
)
def test_find_refusals__each(before, after, line, message):
    assert before in PLAIN
    (found,) = refusals(PLAIN.replace(before, after))
    assert found.startswith(f"mlci.yml:{line}: sealed mode ")
    assert message in found


def test_find_refusals__metrics_file():
    text = PLAIN.replace("run: python predict.py, score: s", "metrics: m.json")
    text = text.replace("evaluation: {data: h.csv, key: id, label: y, positive: 1}\n", "")
    (found,) = refusals(text)
    assert found.startswith("mlci.yml:3: ")


def test_find_refusals__all_at_once():
    text = PLAIN.replace("key: id, ", "") + "tests: {run: pytest}\nbaseline: {ref: main}\n"
    assert [one.split(":")[1] for one in refusals(text)] == ["3", "7", "8"]
