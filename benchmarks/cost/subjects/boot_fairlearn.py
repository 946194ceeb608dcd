"""One of the six frames that fairlearn needs: one model, one slice column, ``MetricFrame`` with ``n_boot``.

Three sensitive features in one frame would be crossed, and a frame holds one model; the whole job is six such frames.
"""

import sys

import rows
from fairlearn.metrics import MetricFrame

folder, replicates = sys.argv[1], int(sys.argv[2])
data = rows.frame(folder)
names = [*rows.ON_DECISION, *rows.ON_SCORE]
found = MetricFrame(
    metrics={name: rows.of_score(name) for name in names},
    y_true=data["y"],
    y_pred=data["p"],
    sensitive_features=data["s1"],
    n_boot=replicates,
    ci_quantiles=[0.025, 0.975],
    random_state=7,
)
print(len(found.overall_ci), len(found.by_group_ci))
