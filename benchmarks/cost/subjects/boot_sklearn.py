"""scikit-learn in a loop: resamples × scopes × metrics, both models on the same rows, percentile intervals."""

import sys

import numpy as np
import rows

folder, replicates = sys.argv[1], int(sys.argv[2])
data = rows.frame(folder)
truth, scores = data["y"].to_numpy(), {"p": data["p"].to_numpy(), "q": data["q"].to_numpy()}
decisions = {model: rows.decide(score) for model, score in scores.items()}
random = np.random.default_rng(7)
changes = {}
for scope, members in rows.scopes(data):
    for _ in range(replicates):
        drawn = members[random.integers(0, len(members), len(members))]
        labels = truth[drawn]
        for metrics, views in ((rows.ON_DECISION, decisions), (rows.ON_SCORE, scores)):
            mine, theirs = views["p"][drawn], views["q"][drawn]
            for name, metric in metrics.items():
                changes.setdefault((scope, name), []).append(metric(labels, mine) - metric(labels, theirs))
intervals = {key: np.quantile(drawn, [0.025, 0.975]) for key, drawn in changes.items()}
print(len(intervals))
