"""``scipy.stats.bootstrap`` of each metric's paired change in each scope: ``paired=True, vectorized=False``."""

import sys
import warnings

import rows
from scipy import stats

warnings.simplefilter("ignore")  # on intervals from so few replicates
folder, replicates = sys.argv[1], int(sys.argv[2])
data = rows.frame(folder)
truth, mine, theirs = (data[name].to_numpy() for name in ("y", "p", "q"))
views = {
    **{name: (metric, rows.decide(mine), rows.decide(theirs)) for name, metric in rows.ON_DECISION.items()},
    **{name: (metric, mine, theirs) for name, metric in rows.ON_SCORE.items()},
}
intervals = {}
for scope, members in rows.scopes(data):
    for name, (metric, p, q) in views.items():

        def change(y, a, b, metric=metric):
            return metric(y, a) - metric(y, b)

        found = stats.bootstrap(
            (truth[members], p[members], q[members]),
            change,
            n_resamples=replicates,
            paired=True,
            vectorized=False,
            batch=1,
            method="percentile",
            rng=7,
        )
        intervals[scope, name] = found.confidence_interval
print(len(intervals))
