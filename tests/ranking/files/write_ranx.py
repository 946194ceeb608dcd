"""Write ``ranx.json``: rankings without ties, and the values that ranx gives to each query.

Run it where ranx is installed: ``pip install ranx==0.3.21``, then ``python write_ranx.py``.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ranx import Qrels, Run, evaluate

METRICS = [
    "ndcg",
    "ndcg@3",
    "ndcg@10",
    "ndcg_burges@3",
    "ndcg_burges@10",
    "map",
    "map@5",
    "mrr",
    "mrr@3",
    "recall@3",
    "recall@10",
    "precision@3",
    "precision@10",
    "hit_rate@1",
    "hit_rate@3",
]


def main() -> None:
    """Draw 40 queries of 2 to 25 documents, each with a relevant one, and write their values."""
    rng = np.random.default_rng(16)
    queries = {}
    for number in range(40):
        size = int(rng.integers(2, 26))
        labels = rng.integers(1, 4, size) * (rng.random(size) < 0.3)
        labels[int(rng.integers(size))] = max(1, int(labels.max()))
        scores = rng.permutation(size) / size
        queries[f"q{number:02d}"] = {"labels": labels.tolist(), "scores": scores.tolist()}
    qrels = {name: {f"d{i}": rel for i, rel in enumerate(one["labels"])} for name, one in queries.items()}
    run = {name: {f"d{i}": score for i, score in enumerate(one["scores"])} for name, one in queries.items()}
    found = evaluate(Qrels(qrels), Run(run), METRICS, return_mean=False)
    values = {metric: [float(value) for value in found[metric]] for metric in METRICS}
    document = {"ranx": version("ranx"), "queries": queries, "values": values}
    Path(__file__).with_name("ranx.json").write_text(json.dumps(document) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
