"""Values by query: ranx's, scikit-learn's, and the mean over every order of equal scores."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from mlci.metrics import catalogue
from mlci.metrics.rankings.names import parse_ranking_metric
from mlci.metrics.rankings.queries import RankedDocuments

RANX = json.loads((Path(__file__).parent / "files/ranx.json").read_text("utf-8"))


def rank(queries):
    """Rank pairs of (labels, scores), a query each."""
    codes = np.repeat(np.arange(len(queries)), [len(labels) for labels, _ in queries])
    labels, scores = (np.concatenate([one[i] for one in queries]).astype(float) for i in (0, 1))
    return RankedDocuments.of(codes, labels, scores)


def values(ranked, name):
    return ranked.values(parse_ranking_metric(name))


@pytest.mark.parametrize("name", RANX["values"])
def test_values__those_of_ranx(name):
    ranked = rank([(one["labels"], one["scores"]) for one in RANX["queries"].values()])
    assert values(ranked, name) == pytest.approx(RANX["values"][name], abs=1e-12)


@pytest.mark.parametrize("k", [None, 1, 3, 10])
def test_values__ndcg_of_sklearn_with_ties(k):
    rng = np.random.default_rng(3)
    queries = [(rng.integers(0, 4, size), rng.integers(0, 3, size) / 2) for size in rng.integers(2, 12, 60)]
    queries = [(labels, scores) for labels, scores in queries if labels.any()]
    expected = [ndcg_score([labels], [scores], k=k) for labels, scores in queries]
    assert values(rank(queries), "ndcg" if k is None else f"ndcg@{k}") == pytest.approx(expected, abs=1e-12)


def of_order(labels, name, k):
    """Return a metric of documents in one order, by its definition."""
    relevant = [label > 0 for label in labels]
    top = relevant[:k]
    first = next((i for i, one in enumerate(top) if one), None)
    gains = [2**label - 1 for label in labels]
    return {
        "mean_average_precision": sum(sum(top[: i + 1]) / (i + 1) for i, one in enumerate(top) if one) / sum(relevant),
        "mean_reciprocal_rank": 0 if first is None else 1 / (first + 1),
        "recall": sum(top) / sum(relevant),
        "precision": sum(top) / k,
        "hit_rate": first is not None,
        "ndcg_burges": _discounted(gains[:k]) / _discounted(sorted(gains, reverse=True)[:k]),
    }[name]


def _discounted(gains):
    return sum(gain / math.log2(i + 2) for i, gain in enumerate(gains))


@pytest.mark.parametrize(
    "name", ["mean_average_precision", "mean_reciprocal_rank", "recall", "precision", "hit_rate", "ndcg_burges"]
)
def test_values__ties_are_the_mean_over_all_orders(name):
    rng = np.random.default_rng(8)
    for _ in range(12):
        size = int(rng.integers(2, 6))
        labels, scores = rng.integers(0, 3, size), rng.integers(0, 2, size)
        labels[0] = 1
        orders = [o for o in itertools.permutations(range(size)) if (np.diff(scores[list(o)]) <= 0).all()]
        for k in (1, 2, 3, 7):
            expected = np.mean([of_order(labels[list(order)], name, k) for order in orders])
            assert values(rank([(labels, scores)]), f"{name}@{k}") == pytest.approx([expected], abs=1e-12)


def test_values__constant_scores_gain_nothing():
    """One of four documents is relevant: the first position has it in a quarter of the orders."""
    ranked = rank([([0, 0, 1, 0], [1, 1, 1, 1])])
    assert values(ranked, "precision@1") == pytest.approx([0.25])
    assert values(ranked, "mrr") == pytest.approx([(1 + 1 / 2 + 1 / 3 + 1 / 4) / 4])


def test_values__no_relevant_document_has_none():
    found = values(rank([([0, 0], [1, 2]), ([0, 1], [1, 2])]), "ndcg")
    assert np.isnan(found[0])
    assert found[1] == 1


def test_values__order_of_rows_changes_no_bit():
    rng = np.random.default_rng(2)
    codes, labels, scores = rng.integers(0, 50, 900), rng.random(900) * (rng.random(900) < 0.4), rng.integers(0, 4, 900)
    codes[:50] = np.arange(50)
    order = rng.permutation(900)
    for name in ("ndcg", "map", "mrr@5", "recall@3"):
        first = values(RankedDocuments.of(codes, labels, scores.astype(float)), name)
        second = values(RankedDocuments.of(codes[order], labels[order], scores[order].astype(float)), name)
        assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("written", "name", "title"),
    [
        ("ndcg@10", "ndcg@10", "NDCG@10"),
        ("nDCG@5", "ndcg@5", "NDCG@5"),
        ("ndcg_at_k(k=10)", "ndcg@10", "NDCG@10"),
        ("ndcg_score", "ndcg", "NDCG"),
        ("ndcg(gain=exponential, k=10)", "ndcg_burges@10", "NDCG@10, exponential gain"),
        ("ndcg_burges", "ndcg_burges", "NDCG, exponential gain"),
        ("map", "mean_average_precision", "Mean average precision"),
        ("AP@5", "mean_average_precision@5", "Mean average precision@5"),
        ("MRR", "mean_reciprocal_rank", "Mean reciprocal rank"),
        ("RR@10", "mean_reciprocal_rank@10", "Mean reciprocal rank@10"),
        ("recall@10", "recall@10", "Recall@10"),
        ("R@10", "recall@10", "Recall@10"),
        ("P@10", "precision@10", "Precision@10"),
        ("retrieval_precision(top_k=3)", "precision@3", "Precision@3"),
        ("Success@1", "hit_rate@1", "Hit rate@1"),
        ("recall_at_k", "recall_at_k", "Recall@k"),
    ],
)
def test_catalogue__names_of_other_tools(written, name, title):
    assert catalogue.canonical(written) == name
    assert catalogue.find(written).title == title
    assert catalogue.find(written).tasks == {"ranking"}


@pytest.mark.parametrize("name", ["recall", "precision", "ap", "hit_rate", "average_precision"])
def test_parse_ranking_metric__names_of_binary_metrics(name):
    assert parse_ranking_metric(name) is None
    assert catalogue.find(name).tasks == {"binary"}


@pytest.mark.parametrize("name", ["ndcg@0", "ndcg@-1", "ndcg@1.5", "recall@", "map(k=x)", "map(depth=3)", "hits@3"])
def test_parse_ranking_metric__others(name):
    assert parse_ranking_metric(name) is None
