"""`task: ranking` in `mlci.yml`: what it needs, and what it refuses, line by line."""

import pytest

from mlci.config.loader import parse_config
from mlci.config.read import load_text
from mlci.errors import InputError
from mlci.metrics import catalogue
from mlci.operations import evaluation_plan

GOOD = """\
model: search
task: ranking
evaluation:
  data: judged.csv
  key: id
  query: query_id
  label: relevance
  slices: [language]
predict: {file: new.csv, score: score}
baseline: {file: old.csv}
gates:
  - {metric: ndcg@10, max_drop: 0.01}
"""
GATE = "{metric: ndcg@10, max_drop: 0.01}"


def problems(text):
    try:
        load_text(text, catalogue, path="m.yml")
    except InputError as error:
        return [str(problem).removeprefix("m.yml:") for problem in error.problems]
    return []


def changed(*pairs):
    text = GOOD
    for old, new in pairs:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    "gate",
    [
        "{metric: ndcg, min: 0.5}",
        "{metric: ndcg, params: {k: 5, gain: exponential}, superior_by: 1%}",
        "{metric: recall_at_k, params: {k: 5}, each: language, max_drop: 0.05}",
        "{metric: map, max_drop: 2%}",
        "{metric: retrieval_hit_rate, params: {top_k: 1}, min: 0.5, judge: interval}",
        "{metric: train_seconds, max: 60}",
    ],
)
def test_checks__metrics_of_rankings(gate):
    train = ("predict:", "train: {run: python train.py}\npredict:")
    assert problems(changed((GATE, gate), train)) == []


BAD = {
    ("  query: query_id\n", ""): "3: `task: ranking` ranks the documents of each query; name the column with the query: `query: query_id`",
    ("query_id", "relevance"): "6: `evaluation.query` and `label` are the same column, `relevance`",
    ("query_id", "id"): "6: `evaluation.query` and `key` are the same column, `id`",
    ("task: ranking", "task: regression"): "6: `evaluation.query` is for `task: ranking`, and this task is regression; remove it",
    (", score: score", ""): "9: `predict.score` is missing: the column by which the documents of a query are ordered",
    ("score: score", "decision: d"): "9: `predict.decision` is for classes; the score of a document goes in `score`",
    ("file: new.csv, score: score", "model: m.skops"): "9: `predict.model` has no scores of documents; write them with `predict.run`, or name them by `file`",
    ("slices: [language]", "labels: labels.csv.sealed"): "8: `task: ranking` does not support sealed labels; name them in plain text, or leave them in `data`",
    ("slices: [language]", "cluster: session"): "8: `evaluation.cluster` is for rows, and a ranking has one value of each query; remove it",
    ("slices: [language]", "weight: clicks"): "8: `evaluation.weight` is for rows, and a ranking has one value of each query; remove it",
    ("slices: [language]", "slices: auto"): "8: `evaluation.slices` searches rows by their loss, and a ranking has values of queries; name the slices",
    ("slices: [language]", "slice_search: {max_columns: 2}"): "8: `evaluation.slice_search` searches rows by their loss, and a ranking has values of queries; name the slices",
    ("gates:", "tests: {run: pytest}\ngates:"): "11: `tests` get decisions for rows, and a ranking has scores of documents; remove it",
    ("gates:", "report: {rows: 5}\ngates:"): "11: `report.rows` lists rows by their loss, and a ranking has values of queries; remove it",
    ("gates:", "engine: {spark: {}}\ngates:"): "11: `engine` does not evaluate `task: ranking`, which needs all documents of a query in one place; remove it",
    (GATE, "{metric: recall@10, params: {k: 5}, min: 0.5}"): "12: `gates[0].params` has `k`, and so has the name `recall@10`; keep one",
    (GATE, "{metric: recall_at_k, min: 0.5}"): "12: `gates[0]` names `recall_at_k`, which needs a cutoff; write `recall@10`",
    (GATE, "{metric: ndcg, params: {k: 0}, min: 0.5}"): "12: `gates[0].params` of `ndcg` is a whole number of at least 1, as `params: {k: 10}`",
    (GATE, "{metric: map, params: {gain: exponential}, min: 0.5}"): "12: `gates[0].params` has a `gain` for `ndcg` only, which is `linear` or `exponential`",
    (GATE, "{metric: map, method: jackknife, min: 0.5}"): "12: `gates[0].method` is for custom and scikit-learn functions; `map` is built in, remove it",
    (GATE, "{metric: 'my:function', min: 0.5}"): "12: `my:function` is a function of rows, and a ranking has values of queries; `mlci metrics --task ranking` lists its metrics",
    (GATE, "{metric: ndgc@10, min: 0.5}"): "12: unknown metric `ndgc@10`; did you mean `ndcg@10`?",
    (GATE, "{metric: ndcg@10, max: 2}"): "12: `gates[0].max` is 2, but `ndcg@10` lies between 0 and 1",
    (GATE, f"{GATE}\n  - {{metric: ndcg_at_k, params: {{k: 10}}, max_drop: 0.02}}"): "13: `gates[1].max_drop` limits `ndcg_at_k` again, after line 12; keep one",
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), BAD.items(), ids=[new for _, new in BAD])
def test_checks__refuse(change, expected):
    found = problems(changed(change))
    if change[1] == "task: regression":
        found = [line for line in found if "query" in line]
    assert found == [expected]


@pytest.mark.parametrize("metric", ["accuracy", "average_precision", "r2"])
def test_checks__metrics_of_other_tasks(metric):
    (line,) = problems(changed((GATE, f"{{metric: {metric}, min: 0.5}}")))
    assert "this one is ranking" in line


def test_checks__metrics_of_rankings_in_other_tasks():
    text = changed(("task: ranking", "task: binary"), ("  query: query_id\n", ""))
    assert problems(text) == ["11: `ndcg@10` is a metric of ranking models, this one is binary"]


def test_plan__metrics_by_their_own_names():
    gates = "{metric: P@5, min: 0.1}\n  - {metric: ndcg, params: {k: 5, gain: exponential}, max_drop: 0.1}"
    config = parse_config(changed((GATE, gates)), path="m.yml").config
    assert [rule.metric for rule in evaluation_plan.gate_rules(config)] == ["precision@5", "ndcg_burges@5"]
    reported = ("ndcg@10", "mean_average_precision", "mean_reciprocal_rank", "recall@10", "precision@10")
    assert evaluation_plan.asked_metrics(config) == (*reported, "precision@5", "ndcg_burges@5")
    assert evaluation_plan.asked_disparities(config) == ()
