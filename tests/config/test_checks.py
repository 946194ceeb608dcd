"""Contradictory configurations, and the line of each message."""

# ruff: noqa: E501 - a table reads best with one case a line

import inspect

import pytest
import sklearn.metrics

from mlci.config.loader import parse_config
from mlci.config.read import check_configuration
from mlci.metrics import catalogue
from mlci.metrics.external import LACKING, OWN_DIRECTIONS, TASKS, sklearn_metric
from mlci.operations import evaluation_plan
from tests.config.samples import DESIGN, GOOD, TOTALS, edit

GATE = "{metric: roc_auc, min: 0.75, max_drop: 0.01}"
SLICES = "  slices: [region, {column: age, cut: [25, 40]}, [sex, region]]\n"
MULTICLASS = edit(
    GOOD, ("task: binary", "task: multiclass"), ("score: score", "decision: d"), (GATE, "{metric: accuracy, min: 0.5}")
)
REGRESSION = edit(GOOD, ("task: binary", "task: regression"), (GATE, "{metric: r2, min: 0.5}"))
PROBABLE = edit(MULTICLASS, ("decision: d", "probabilities: {a: p_a, b: p_b}"))
DECIDED = edit(GOOD, ("score: score", "decision: d"), (GATE, "{metric: recall, min: 0.5}"))


def find_problems(text, **options):
    return [str(problem) for problem in check_configuration(parse_config(text, path="m"), catalogue, **options)]


def gate(text, base=GOOD):
    old = next(line for line in base.splitlines() if line.startswith("  - {"))
    return base.replace(old, f"  - {{{text}}}")


@pytest.mark.parametrize(
    "text",
    [GOOD, TOTALS, MULTICLASS, PROBABLE, REGRESSION, DECIDED],
    ids=["binary", "totals", "multiclass", "probabilities", "regression", "decided"],
)
def test_checks__consistent_parts(text):
    assert find_problems(text) == []


GOOD_GATES = [
    "metric: recall, max_drop: 0",
    "metric: recall, min: 75%",
    "metric: recall, min: 0.5, max: 0.5",
    "metric: recall, each: region, max_drop: 3%",
    "metric: recall, each: age, max_drop: 0.03",
    "metric: recall, each: [sex, region], max_drop: 0.03",
    "metric: recall, each: sex × region, max_drop: 0.03",
    "metric: recall_difference, across: region, max: 0.1, max_rise: 0.02",
    "metric: recall_difference, across: region, params: {method: to_overall}, max: 0.1",
    "metric: average_odds_difference, across: region, max: 0.1, max_rise: 0.02",
    "metric: recall_shift, across: region, max: 0.1",
    "metric: equalized_odds_shift, across: [sex, region], max: 5%, judge: estimate",
    "metric: demographic_parity_ratio, across: [sex, region], min: 0.8, max_drop: 0.05",
    "metric: recall, min: 100%",
    "metric: log_loss, max: 0",
    "metric: predicted_positive_share, each: region, max: 0.5",
    "metric: predicted_positive_share, each: region, max_rise: 0.1, judge: estimate",
    "metric: predicted_positive_share_ratio, across: region, min: 0.5",
    "metric: predicted_positive_share_difference, across: region, max_rise: 0.1, judge: estimate",
    "metric: calibration_in_the_large_difference, across: region, max_rise: 0.1",
    "metric: selection_rate, max_drop: 0.1, max_rise: 0.1",
    "metric: log_loss, max: 3, max_rise: 200%",
    "metric: matthews_corrcoef, min: -0.5, max_drop: 1.5",
    "metric: hamming_loss, max_rise: 0.1",
    "metric: neg_log_loss, max_drop: 0.1",
    "metric: my_package.costs:expected_cost, max_rise: 0.1, max_drop: 7",
    "metric: my_package.costs:expected_cost, max_rise: 0, superior_by: 7",
    "metric: recall, superior_by: 120%",
    "metric: log_loss, superior_by: 0",
    "metric: my_package.costs:expected_cost, each: region, max: 12.5",
    "metric: expected_calibration_error, max: 0.05, judge: estimate",
]


@pytest.mark.parametrize("text", GOOD_GATES)
def test_checks__valid_gates(text):
    assert find_problems(gate(text)) == []


BAD_GATES = {
    "metric: recal, min: 0.5": "unknown metric `recal`; did you mean `recall`?",
    "metric: hamming_los, max: 0.5": "unknown metric `hamming_los`; did you mean `hamming_loss`?",
    "metric: qqqq, min: 0.5": "unknown metric `qqqq`; `mlci metrics` lists all metrics; write a custom metric as `module:function`",
    "metric: 'my module:f', min: 0.5": "`my module:f` is neither a metric nor `module:function`",
    "metric: 'a:b:c', min: 0.5": "`a:b:c` is neither a metric nor `module:function`",
    "metric: r2, min: 0.5": "`r2` is a metric of regression models, this one is binary",
    "metric: f1_macro, min: 0.5": "`f1_macro` is a metric of multiclass models, this one is binary; did you mean `f1`?",
    "metric: max_error, max: 0.5": "`max_error` is a metric of regression models, this one is binary",
    "metric: log_loss, max_drop: 0.1": "`gates[0].max_drop` would limit an improvement: lower is better for `log_loss`; use `max_rise`",
    "metric: hamming_loss, max_drop: 0.1": "`gates[0].max_drop` would limit an improvement: lower is better for `hamming_loss`; use `max_rise`",
    "metric: recall, max_rise: 0.1": "`gates[0].max_rise` would limit an improvement: higher is better for `recall`; use `max_drop`",
    "metric: recall_difference, across: region, max_drop: 0.1": "`gates[0].max_drop` would limit an improvement: lower is better for `recall_difference`; use `max_rise`",
    "metric: recall, max_drop: -0.1": "`gates[0].max_drop` must not be negative (-0.1); 0 allows no fall at all",
    "metric: log_loss, max_rise: -1%": "`gates[0].max_rise` must not be negative (-1%); 0 allows no rise at all",
    "metric: recall, max_drop: 1": "`gates[0].max_drop` is 1, but `recall` lies between 0 and 1: the gate could never fail",
    "metric: recall, max_drop: 100%": "`gates[0].max_drop` is 100%, but `recall` lies between 0 and 1: the gate could never fail",
    "metric: recall, min: 1.5": "`gates[0].min` is 1.5, but `recall` lies between 0 and 1",
    "metric: recall, min: 150%": "`gates[0].min` is 150%, but `recall` lies between 0 and 1",
    "metric: accuracy, min: 0": "`gates[0].min` is 0, but `accuracy` lies between 0 and 1: the gate could never fail",
    "metric: recall, max: 100%": "`gates[0].max` is 100%, but `recall` lies between 0 and 1: the gate could never fail",
    "metric: log_loss, min: -0.0": "`gates[0].min` is -0.0, but `log_loss` is at least 0: the gate could never fail",
    "metric: matthews_corrcoef, min: -1": "`gates[0].min` is -1, but `matthews_corrcoef` lies between -1 and 1: the gate could never fail",
    "metric: recall_difference, across: region, params: {method: overall}, max: 0.1": "`gates[0].params` of `recall_difference` is `{method: to_overall}`; remove it to compare groups with each other",
    "metric: roc_auc_difference, across: region, params: {method: to_overall}, max: 0.1": "`gates[0].params` compares groups with the whole set, and `roc_auc_difference` has no such form: only rates and means over rows",
    "metric: recall_difference, across: region, params: {method: to_overall}, max_rise: 0.1": "`gates[0].params` compares groups with the whole set, which has no interval for a change; limit it with `max` or `min`, or limit the change without `params`",
    "metric: recall_difference, across: region, method: bootstrap, max: 0.1": "`gates[0].method` is for custom and scikit-learn functions; `recall_difference` is built in, remove it",
    "metric: recall_shift, across: region, max_rise: 0.1": "`gates[0].max_rise` can't limit a shift, which is a change itself and best at 0; write the most that is allowed as `max`",
    "metric: recall_shift, across: region, max_drop: 0.1": "`gates[0].max_drop` can't limit a shift, which is a change itself and best at 0; write the most that is allowed as `max`",
    "metric: recall_shift, across: region, min: 0.1": "`gates[0].min` can't limit a shift, which is a change itself and best at 0; write the most that is allowed as `max`",
    "metric: recall_shift, across: region, max: 2": "`gates[0].max` is 2, but `recall_shift` lies between 0 and 2: the gate could never fail",
    "metric: recall_shift, each: region, max: 0.1": "`gates[0]`: `recall_shift` is a disparity between groups; name the slice, e.g. `across: region`",
    "metric: prevalence_shift, across: region, max: 0.1": "unknown metric `prevalence_shift`; did you mean `prevalence`?",
    "metric: recall_ratio, across: region, min: 0%": "`gates[0].min` is 0%, but `recall_ratio` lies between 0 and 1: the gate could never fail",
    "metric: predicted_positive_share, each: region, max_drop: 0.1": "`gates[0].max_drop`: a change of `predicted_positive_share` has no interval; set `judge: estimate`, or limit the selection rate",
    "metric: predicted_positive_share, each: region, max_rise: 0.1, judge: interval": "`gates[0].max_rise`: a change of `predicted_positive_share` has no interval; set `judge: estimate`, or limit the selection rate",
    "metric: predicted_positive_share_difference, across: region, max_rise: 0.1": "`gates[0].max_rise`: a change of `predicted_positive_share_difference` has no interval; set `judge: estimate`, or limit the selection rate",
    "metric: predicted_positive_share_ratio, across: region, max_drop: 0.1": "`gates[0].max_drop`: a change of `predicted_positive_share_ratio` has no interval; set `judge: estimate`, or limit the selection rate",
    "metric: calibration_in_the_large_ratio, across: region, min: 0.1": "unknown metric `calibration_in_the_large_ratio`; did you mean `calibration_in_the_large`?",
    "metric: log_loss, max: -1": "`gates[0].max` is -1, but `log_loss` is at least 0",
    "metric: log_loss, max: 50%": "`gates[0].max` can't be in per cent (50%): the metric is not a fraction; only limits on a change can",
    "metric: recall, min: 0.9, max: 80%": "`gates[0].min` (0.9) is above its `max` (80%); nothing could pass",
    "metric: recall_difference, max: 0.1": "`gates[0]`: `recall_difference` is a disparity between groups; name the slice, e.g. `across: region`",
    "metric: recall_difference, each: region, max: 0.1": "`gates[0]`: `recall_difference` is a disparity between groups; name the slice, e.g. `across: region`",
    "metric: recall, across: region, max: 0.9": "`gates[0]`: `recall` is not a disparity between groups; use `recall_difference`, or gate every group with `each`",
    "metric: 'm:f', across: region, max: 0.9": "`gates[0]`: `m:f` is not a disparity between groups; gate every group with `each`",
    "metric: recall, each: regoin, max_drop: 0.1": "`gates[0].each` is `regoin`, which is not under `evaluation.slices`; did you mean `region`?",
    "metric: recall, each: zzz, max_drop: 0.1": "`gates[0].each` is `zzz`, which is not under `evaluation.slices`; listed there: region, age, [sex, region]; if it is a column, add it there (line 7)",
    "metric: recall, each: region=north, max_drop: 0.1": "`gates[0].each` is `region=north`, but a gate covers every group of a slice; write `each: region`",
    "metric: recall, each: [region, sex], max_drop: 0.1": "`gates[0].each` is `[region, sex]`, but the crossing is written `[sex, region]`",
    "metric: recall, each: [region, age], max_drop: 0.1": "`gates[0].each` names no crossing under `evaluation.slices`; add `[region, age]` there, or write one gate for each column",
    "metric: expected_calibration_error, max: 0.05, judge: interval": "`gates[0].judge`: `expected_calibration_error` has no interval; remove it, or write `estimate`",
    "metric: recall, superior_by: -0.1": "`gates[0].superior_by` must not be negative (-0.1); `max_drop` or `max_rise` allows a loss",
    "metric: recall, superior_by: 1": "`gates[0].superior_by` is 1, but `recall` lies between 0 and 1: the gate could never pass",
    "metric: log_loss, superior_by: 100%": "`gates[0].superior_by` is 100%, but `log_loss` is at least 0: the gate could never pass",
    "metric: recall, superior_by: 0.1, judge: estimate": "`gates[0].superior_by` asks for proof, which the estimate alone is not; remove `judge: estimate`, or limit the value by `min`",
    "metric: expected_calibration_error, superior_by: 0.1": "`gates[0].superior_by` asks for proof, and `expected_calibration_error` has no interval; limit its change by `max_drop` or `max_rise`",
    "metric: selection_rate, superior_by: 0.1": "`gates[0].superior_by` needs to know if a higher `selection_rate` is better; add `max_drop: 0` if higher is, `max_rise: 0` if lower is",
    "metric: 'm:f', superior_by: 0.1": "`gates[0].superior_by` needs to know if a higher `m:f` is better; add `max_drop: 0` if higher is, `max_rise: 0` if lower is",
    "metric: recall_shift, across: region, superior_by: 0.1": "`gates[0].superior_by` can't limit a shift, which is a change itself and best at 0; write the most that is allowed as `max`",
    "metric: train_seconds, max: 60": "`gates[0]`: `train_seconds` needs `train.run`; nothing is trained here",
    "metric: predict_seconds_per_1k_rows, max: 60": "`gates[0]`: `predict_seconds_per_1k_rows` needs `predict.run`; nothing is predicted here",
    "metric: peak_memory_megabytes, max: 60": "`gates[0]`: `peak_memory_megabytes` needs `train.run` or `predict.run`; nothing is run here",
    "metric: model_megabytes, max: 60": "`gates[0]`: `model_megabytes` needs `train.model`, the file or folder that training leaves behind",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD_GATES.items(), ids=BAD_GATES)
def test_checks__invalid_gates(text, expected):
    assert find_problems(gate(text)) == [f"m:13: {expected}"]


OTHER = {
    "costs have no groups": (
        edit(gate("metric: train_seconds, each: region, max: 9"), ("predict:", "train: {run: x}\npredict:")),
        ["m:14: `gates[0]`: `train_seconds` is measured once for the whole run; remove `each`"],
    ),
    "no scores": (gate("metric: roc_auc, min: 0.5", DECIDED), ["m:13: `gates[0]`: `roc_auc` needs scores; name their column in `predict.score`"]),
    "no scores for a spread": (
        gate("metric: roc_auc_difference, across: region, max: 0.5", DECIDED),
        ["m:13: `gates[0]`: `roc_auc_difference` needs scores; name their column in `predict.score`"],
    ),
    "binary metric, several classes": (
        gate("metric: recall, min: 0.5", MULTICLASS),
        ["m:13: `recall` is a metric of binary models, this one is multiclass; did you mean `recall_macro`?"],
    ),
    "the same limit twice": (
        f"{GOOD}  - {{metric: roc_auc_score, min: 0.8}}\n",
        ["m:14: `gates[1].min` limits `roc_auc_score` again, after line 13; keep one"],
    ),
    "no rows": (edit(GOOD[: GOOD.index("evaluation:")] + GOOD[GOOD.index("predict:") :]), ["m:1: `evaluation` is missing: predictions need labelled rows to be judged on (`data` and `label`)"]),
    "key and label": (edit(GOOD, ("key: id", "key: defaulted")), ["m:5: `evaluation.key` and `label` are the same column, `defaulted`"]),
    "positive of many": (edit(MULTICLASS, ("key: id", "positive: 1")), ["m:5: `evaluation.positive` is for binary models, this one is multiclass; remove it and list all labels in `classes`"]),
    "positive of a number": (edit(REGRESSION, ("key: id", "positive: 1")), ["m:5: `evaluation.positive` is for binary models, this one is regression; remove it"]),
    "classes of two": (edit(GOOD, ("key: id", "classes: [0, 1]")), ["m:5: `evaluation.classes` is for multiclass models, this one is binary; remove it and name the positive label in `positive`"]),
    "class twice": (edit(MULTICLASS, ("key: id", "classes: [a, b, a, 1, '1']")), ["m:5: `evaluation.classes` lists `a` twice"]),
    "slice twice": (
        edit(GOOD, ("[sex, region]]", "[sex, region], age]")),
        ["m:7: `evaluation.slices[3]` is `age` again, after `slices[1]` (a column can be cut in one way only); keep one"],
    ),
    "crossed with itself": (edit(GOOD, ("[sex, region]", "[sex, sex]")), ["m:7: `evaluation.slices[2]` crosses `sex` with itself"]),
    "sliced by key": (edit(GOOD, ("[region,", "[id,")), ["m:7: `evaluation.slices[0]` slices by the key `id`, so that every row would be its own group"]),
    "reference in a crossing": (
        edit(GOOD, ("[sex, region]", "[{column: sex, reference: f}, region]")),
        ["m:7: `evaluation.slices[2]`: a column in a crossing takes no `reference`; set it on the column's own slice"],
    ),
    "reported metrics": (
        edit(GOOD, ("key: id", "metrics: [recal, recall, sensitivity, r2, recall_ratio]")),
        [
            "m:5: unknown metric `recal`; did you mean `recall`?",
            "m:5: `evaluation.metrics[2]` is `sensitivity` again, after `metrics[1]`",
            "m:5: `r2` is a metric of regression models, this one is binary",
        ],
    ),
    "a spread of nothing": (
        edit(GOOD, (SLICES, "  metrics: [recall_difference]\n")),
        ["m:7: `recall_difference` is a disparity between groups, and `evaluation.slices` names none"],
    ),
    "no column": (edit(GOOD, ("  score: score\n", ""), (GATE, "{metric: recall, min: 0.5}")), ["m:8: `predict` names no column: `score` (a probability) or `decision` (the predicted class), or both"]),
    "no class": (edit(MULTICLASS, ("decision: d", "score: s")), ["m:8: `predict.decision` is missing: the column with the predicted class (or `probabilities`, by class)"]),
    "no value": (edit(REGRESSION, ("  score: score\n", "")), ["m:8: `predict.score` is missing: the column with the predicted value"]),
    "a class for a number": (edit(REGRESSION, ("score: score", "score: s\n  decision: d")), ["m:8: `predict.decision` is for classes; a regression's prediction goes in `score`"]),
    "one column for both": (edit(GOOD, ("score: score", "score: s\n  decision: s")), ["m:11: `predict.score` and `decision` are the same column, `s`; keep one"]),
    "threshold of decisions": (edit(GOOD, ("score: score", "score: s\n  decision: d\n  threshold: 0.4")), ["m:12: `predict.threshold` is not used if `decision` names a column; keep one of them"]),
    "threshold of nothing": (
        edit(GOOD, ("score: score", "threshold: 0.4"), (GATE, "{metric: recall, min: 0.5}")),
        [
            "m:8: `predict` names no column: `score` (a probability) or `decision` (the predicted class), or both",
            "m:10: `predict.threshold` needs `predict.score`",
        ],
    ),
    "threshold of classes": (edit(MULTICLASS, ("decision: d", "decision: d\n  threshold: 0.4")), ["m:11: `predict.threshold` is for binary models, this one is multiclass; remove it"]),
    "nothing runs": (edit(GOOD, ("score: score", "score: s\n  timeout: 1m")), ["m:11: `predict.timeout` is for `predict.run`; nothing is run here"]),
    "nothing is opened": (edit(GOOD, ("score: score", "score: s\n  trusted: [a.B]")), ["m:11: `predict.trusted` is for `predict.model`; no model is opened here"]),
    "columns of a reference": (edit(GOOD, ("{file: old.csv}", "{ref: main, score: s}")), ["m:11: `baseline.score` is for a `file` of predictions; remove it"]),
    "totals and rows": (
        edit(TOTALS, ("predict:", "evaluation: {data: d, label: l}\npredict:")),
        ["m:3: `evaluation` is not read with `predict.metrics`; remove it, or predictions (`run` or `file`) would add slices, fairness and intervals"],
    ),
    "totals with a column": (edit(TOTALS, ("{metrics: metrics.json}", "{metrics: metrics.json, score: s}")), ["m:3: `predict.score` has no effect with `predict.metrics`, which has no rows; remove it"]),
    "totals by group": (
        gate("metric: auc, each: region, min: 0.5", TOTALS),
        ["m:6: `gates[0].each` needs rows, and `predict.metrics` has only totals; predictions (`run` or `file`) would add slices, fairness and intervals"],
    ),
    "totals by interval": (gate("metric: auc, judge: interval, min: 0.5", TOTALS), ["m:6: `gates[0].judge`: a metrics file has no interval; predictions (`run` or `file`) would give one"]),
    "noise of totals": (
        edit(gate("metric: auc, max_drop: 0.1, noise: retraining", TOTALS), ("{ref: main}", "production")),
        ["m:6: `gates[0].noise` widens an interval, and this gate is judged on the estimate"],
    ),
    **{
        f"noise, {words}": (edit(gate(f"metric: {text}, noise: retraining"), ("{file: old.csv}", "production")), [f"m:13: `gates[0].noise` {expected}"])
        for words, text, expected in [
            ("no change", "recall, min: 0.5", "widens the interval of a change; the gate needs `max_drop`, `max_rise` or `superior_by`"),
            ("by group", "recall, each: region, max_drop: 0.1", "is known for the whole set only; remove it, or `each`"),
            ("spread", "recall_difference, across: region, max_rise: 0.1", "is known for the whole set only; remove it, or `across`"),
            ("estimate", "recall, max_drop: 0.1, judge: estimate", "widens an interval, and this gate is judged on the estimate"),
            ("no interval", "expected_calibration_error, max_rise: 0.1, judge: estimate", "widens an interval, and this gate is judged on the estimate"),
        ]
    },
    "noise, another baseline": (gate("metric: recall, max_drop: 0.1, noise: retraining"), ["m:13: `gates[0].noise` is recorded for versions of the registry; it needs `baseline: production`"]),
    "totals with tests": (edit(TOTALS, ("gates:", "tests: {run: pytest}\ngates:")), ["m:5: `tests` get both models' predictions, and `predict.metrics` has none; remove it, or predictions (`run` or `file`) would add slices, fairness and intervals"]),
    "totals with rows": (edit(TOTALS, ("gates:", "report: {rows: 5}\ngates:")), ["m:3: `report.rows` needs rows, and `predict.metrics` has only totals; remove it, or predictions (`run` or `file`) would add slices, fairness and intervals"]),
    "rows of one model": (
        edit(GOOD, ("baseline: {file: old.csv}", "baseline: none"), ("gates:", "report: {rows: 5}\ngates:")),
        ["m:11: `report.rows` shows what changed against the baseline, and `baseline` is `none`; remove one of them"],
    ),
    "totals without proof": (gate("metric: auc, superior_by: 0.5", TOTALS), ["m:6: `gates[0].superior_by` asks for proof, and a metrics file has no interval; predictions (`run` or `file`) would add slices, fairness and intervals"]),
    "totals the wrong way": (gate("metric: log_loss, max_drop: 0.5", TOTALS), ["m:6: `gates[0].max_drop` would limit an improvement: lower is better for `log_loss`; use `max_rise`"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), OTHER.values(), ids=OTHER)
def test_checks__contradictory_parts(text, expected):
    assert find_problems(text) == expected


LOWER = [
    "validation.log_loss", "mse", "rmse", "MAE", "my_loss", "loss", "test.error_rate", "error", "val_error", "mape", "logloss", "val_mse",
    "brier", "test_brier_score", "ece", "eval/wer", "perplexity", "a.b.mean_squared_error", "validation_root_mean_squared_error", "val-loss",
    "neg_auc", "one_minus_auc", "1-auc", "hamming_loss", "test.hamming_loss", "recall_difference", "loss_mean", "val:loss", "false_positive_rate",
]  # fmt: skip
HIGHER = [
    "accuracy", "validation.accuracy", "acc", "auc", "val_auc", "test.f1", "r2", "train_r2", "precision", "recall@5", "recall_at_10", "map",
    "ndcg@10", "test_f1_macro", "my_score", "f1[a]", "neg_log_loss", "val.neg_log_loss", "neg_mse", "model_roc_auc", "top_1_accuracy", "explained_variance",
]  # fmt: skip
EITHER = [
    "bananas",
    "selection_rate",
    "val.selection_rate",
    "mean_error",
    "val_mean_error",
    "accuracy_std",
    "rows",
    "x.y",
    "a.",
    "...",
    "@5",
]


@pytest.mark.parametrize("name", LOWER)
def test_checks__metrics_file_name_implies_lower_is_better(name):
    words = f"m:6: `gates[0].max_drop` would limit an improvement: lower is better for `{name}`; use `max_rise`"
    assert find_problems(gate(f"metric: '{name}', max_drop: 1%", TOTALS)) == [words]
    assert find_problems(gate(f"metric: '{name}', max_rise: 1%", TOTALS)) == []


@pytest.mark.parametrize("name", HIGHER)
def test_checks__metrics_file_name_implies_higher_is_better(name):
    words = f"m:6: `gates[0].max_rise` would limit an improvement: higher is better for `{name}`; use `max_drop`"
    assert find_problems(gate(f"metric: '{name}', max_rise: 0.1", TOTALS)) == [words]
    assert find_problems(gate(f"metric: '{name}', max_drop: 0.1", TOTALS)) == []


@pytest.mark.parametrize("name", EITHER)
def test_checks__metrics_file_name_implies_no_direction(name):
    assert find_problems(gate(f"metric: '{name}', max_rise: 0.1, max_drop: 0.1", TOTALS)) == []


def test_checks__production_baseline():
    assert find_problems(edit(GOOD, ("{file: old.csv}", "production"))) == []
    assert find_problems(edit(GOOD, ("baseline: {file: old.csv}\n", ""))) == []


def test_checks__retraining_noise_with_production():
    text = edit(gate("metric: recall, min: 0.1, max_drop: 0.1, noise: retraining"), ("{file: old.csv}", "production"))
    assert find_problems(text) == []


def test_checks__example_of_the_design():
    assert find_problems(DESIGN) == []


def test_sklearn_names__exist_and_are_not_in_the_catalogue():
    scorers = set(sklearn.metrics.get_scorer_names())
    for name in TASKS:
        assert catalogue.find(name) is None, name
        if name.endswith("_weighted_kappa") or name in OWN_DIRECTIONS:  # mlci's own names and functions
            continue
        function = getattr(sklearn.metrics, name, None)
        assert name in scorers or next(iter(inspect.signature(function).parameters)) == "y_true", name


def test_sklearn_names__directions_of_the_scorers():
    scorers = set(sklearn.metrics.get_scorer_names())
    for name in TASKS:
        if name in scorers:  # a scorer is better when higher, without exception
            assert sklearn_metric(name).direction == "higher", name
        if f"neg_{name}" in scorers:
            assert sklearn_metric(name).direction == "lower", name


def test_catalogue__no_ratio_of_signed_metrics():
    offered = set(catalogue.names())
    for name in ("calibration_in_the_large", "mean_error", "r2", "r2_score", "matthews_corrcoef", "cohen_kappa_score"):
        assert f"{name}_difference" in offered
        assert f"{name}_ratio" not in offered
        assert catalogue.find(f"{name}_ratio") is None
        assert catalogue.find_disparity(f"{name}_ratio") is None
    assert {"recall_ratio", "log_loss_ratio", "equalized_odds_ratio", "equalized_odds_difference"} <= offered


def test_catalogue__every_offered_name_is_found():
    assert [name for name in catalogue.names() if catalogue.find(name) is None] == []


def test_unsupported_names__exist_in_scikit_learn():
    known = set(dir(sklearn.metrics)) | set(sklearn.metrics.get_scorer_names())
    assert set(LACKING) <= known
    assert not set(LACKING) & (set(TASKS) | set(catalogue.names()))


OWN = "'my:f'"
REPORTED = (
    "  slices: [region, {column: age, cut: [25, 40]}, [sex, region]]\n",
    SLICES + "  metrics: [{metric: 'my:f', on: decisions}]\n",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (gate(f"metric: {OWN}, on: scores, max_drop: 1"), []),
        (gate(f"metric: {OWN}, on: decisions, params: {{price: 2}}, max_drop: 1"), []),
        (gate("metric: fbeta_score, params: {beta: 2}, min: 0.5"), []),
        (gate("metric: cohen_kappa_score, params: {weights: quadratic}, min: 0.5"), []),
        (
            gate("metric: roc_auc, on: scores, min: 0.5"),
            ["m:13: `gates[0].on` is for custom and scikit-learn functions; `roc_auc` is built in, remove it"],
        ),
        (
            gate("metric: recall, params: {zero_division: 0}, min: 0.5"),
            ["m:13: `gates[0].params` is for custom and scikit-learn functions; `recall` is built in, remove it"],
        ),
        (
            gate(f"metric: {OWN}, on: scores, max_drop: 1", DECIDED),
            ["m:13: `gates[0].on` needs scores; name their column in `predict.score`"],
        ),
        (
            gate(f"metric: {OWN}, on: scores, max_drop: 1", REGRESSION),
            ["m:13: `gates[0].on` is for classes; a regression has one predicted value, remove it"],
        ),
        (
            gate("metric: fbeta_score, min: 0.5"),
            ["m:13: `gates[0]` names `fbeta_score`, which needs a parameter; add `params: {beta: 2}`"],
        ),
        (
            gate("metric: fbeta_score, params: {beta: 2}, min: 0.5", MULTICLASS),
            [
                "m:13: `gates[0].params` lacks `average`, which `fbeta_score` needs for more than two classes, e.g. `average: macro`"
            ],
        ),
        (
            gate("metric: val.auc, on: scores, min: 93.5", TOTALS),
            ["m:6: `gates[0].on` has no effect with `predict.metrics`, which has no rows; remove it"],
        ),
        (
            edit(gate(f"metric: {OWN}, on: scores, max_drop: 1"), REPORTED),
            [
                "m:8: `evaluation.metrics[0].on` is `decisions`, but `gates[0]` evaluates the same function on scores; keep one"
            ],
        ),
        (
            gate("metric: top_k_accuracy_score, min: 0.5"),
            ["m:13: `top_k_accuracy_score` is a metric of multiclass models, this one is binary"],
        ),
        (
            gate("metric: dcg_score, min: 0.5"),
            [
                "m:13: `dcg_score` ranks the items of queries or samples, and mlci scores rows; use `average_precision`, `ndcg` of `task: ranking`, or `module:function`"
            ],
        ),
    ],
)
def test_functions__arguments(text, expected):
    assert find_problems(text) == expected


ALIASES = """
acc accuracy|auc roc_auc|AUC roc_auc|ap average_precision|logloss log_loss|f1_score f1|mcc matthews_corrcoef
kappa cohen_kappa_score|brier brier_score_loss|mae mean_absolute_error|mse mean_squared_error|R2 r2
rmse root_mean_squared_error|RMSE root_mean_squared_error|mape mean_absolute_percentage_error|r2_score r2
sensitivity_ratio recall_ratio|true_positive_rate_difference recall_difference|auc_difference roc_auc_difference
f1_score[x] f1[x]|qwk quadratic_weighted_kappa|macro_f1 f1_macro|recall recall|my:f my:f|recall_ratio recall_ratio
equal_opportunity_ratio equal_opportunity_ratio
"""


@pytest.mark.parametrize("pair", ALIASES.replace("|", "\n").strip().splitlines())
def test_canonical__equivalent_names(pair):
    name, canonical = pair.split()
    assert catalogue.canonical(name) == canonical
    assert (catalogue.find(name) is None) == (canonical in {"quadratic_weighted_kappa", "my:f"})


def test_alias__disparity_with_the_same_limit_is_judged_once():
    one = "  - {metric: recall_ratio, across: region, min: 0.8}\n"
    twice = gate("metric: recall_ratio, across: region, min: 0.8") + one.replace("recall", "tpr")
    assert find_problems(twice) == []
    assert find_problems(
        twice.replace("tpr_ratio, across: region, min: 0.8", "tpr_ratio, across: region, min: 0.9")
    ) == ["m:14: `gates[1].min` limits `tpr_ratio` again, after line 13; keep one"]
    config = parse_config(twice, path="m").config
    assert [rule.metric for rule in evaluation_plan.gate_rules(config)] == ["recall_ratio"]
    theirs = parse_config(twice.replace("tpr", "sensitivity"), path="m").config
    assert [rule.metric for rule in evaluation_plan.gate_rules(theirs)] == ["recall_ratio", "sensitivity_ratio"]
    named = parse_config(gate("metric: AUC, min: 0.7"), path="m").config
    assert [rule.metric for rule in evaluation_plan.gate_rules(named)] == ["roc_auc"]
    totals = parse_config(TOTALS, path="m").config
    assert [rule.metric for rule in evaluation_plan.gate_rules(totals)] == ["val.auc"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (gate("metric: fbeta_score, params: {beta: 2}, method: bootstrap, max_drop: 1"), None),
        (gate("metric: roc_auc, method: jackknife, max_drop: 0.1"), "m:13: `gates[0].method` is for custom and scikit-learn functions; `roc_auc` is built in, remove it"),
        (gate("metric: 'my:f', method: jackknife, max_drop: 1}\n  - {metric: 'my:f', method: bootstrap, min: 0"), "m:14: `gates[1].method` is `bootstrap`, but `gates[0]` evaluates the same function by jackknife; keep one"),
    ],
)  # fmt: skip
def test_checks__method_of_an_interval(text, expected):
    assert find_problems(text) == ([] if expected is None else [expected])
    [metric] = evaluation_plan.row_metrics(parse_config(text.replace("roc_auc", "my:auc"), path="m").config)
    assert metric.resampling == ("jackknife" if "roc_auc" in text else "bootstrap")


def test_row_metrics__later_entry_completes_an_earlier_one():
    text = edit(gate(f"metric: {OWN}, max_drop: 1"), REPORTED)
    [metric] = evaluation_plan.row_metrics(parse_config(text, path="m").config)
    assert (metric.name, metric.function, metric.on, metric.line) == ("my:f", "my:f", "decision", 14)
    text = gate("metric: fbeta_score, params: {beta: 2}, max_drop: 1")
    [metric] = evaluation_plan.row_metrics(parse_config(text, path="m").config)
    assert (metric.name, metric.function, metric.params) == ("fbeta_score(beta=2)", "fbeta_score", {"beta": 2})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (gate("metric: top_k_accuracy, params: {k: 3}, min: 0.5", PROBABLE), None),
        (gate("metric: brier_score_loss, max: 1.5", PROBABLE), None),
        (gate("metric: log_loss, max: 1", MULTICLASS), "m:13: `gates[0]`: `log_loss` needs a probability for each class; name their columns: `predict: {probabilities: {cat: p_cat, dog: p_dog}}`"),
        (gate("metric: top_k_accuracy, params: {k: 0}, min: 0.5", PROBABLE), "m:13: `gates[0].params` of `top_k_accuracy` is one whole number of at least 1, as `params: {k: 3}`"),
        (gate("metric: misclassification_cost, params: {fp: 5, fn: 100}, max: 0.5"), None),
        (gate("metric: misclassification_cost, max: 0.5"), "m:13: `gates[0].params` of `misclassification_cost` are the costs of a decision, as `params: {fp: 5, fn: 100}`; `tp` and `tn` are 0 without their own"),
        (gate("metric: misclassification_cost, params: {fp: 0, fn: 0}, max: 0.5"), "m:13: `gates[0].params` of `misclassification_cost` are equal, so that every decision costs the same"),
        (gate("metric: recall_at_fpr, min: 0.5"), "m:13: `gates[0]` names `recall_at_fpr`, which needs a parameter; add `params: {fpr: 0.05}`"),
        (gate("metric: recall_at_fpr, params: {fpr: 2}, min: 0.5"), "m:13: `gates[0].params` has `fpr: 2`, which is a share between 0 and 1, such as `fpr: 0.05`"),
        (gate("metric: top_k_accuracy, on: scores, min: 0.5", PROBABLE), "m:13: `gates[0].on` is for custom and scikit-learn functions; `top_k_accuracy` is built in, remove it"),
        (gate("metric: brier_score_loss, max: 2", PROBABLE), "m:13: `gates[0].max` is 2, but `brier_score_loss` lies between 0 and 2: the gate could never fail"),
        (gate("metric: roc_auc, min: 0.5", PROBABLE), "m:13: `roc_auc` is a metric of binary models, this one is multiclass; did you mean `roc_auc_ovr`?"),
        (edit(GOOD, ("score: score", "score: s\n  probabilities: {a: x, b: y}")), "m:11: `predict.probabilities` is for multiclass models, this one is binary; remove it; name the positive class's column in `score`"),
        (edit(PROBABLE, ("b: p_b", "b: p_a")), "m:10: `predict.probabilities` names column `p_a` for two classes"),
        (edit(PROBABLE, ("{file: old.csv}", "{ref: main, probabilities: {a: x, b: y}}")), "m:11: `baseline.probabilities` is for a `file` of predictions; remove it"),
        (edit(PROBABLE, ("file: predictions.csv", "model: m.skops")), None),
    ],
)  # fmt: skip
def test_checks__a_column_for_each_class(text, expected):
    assert find_problems(text) == ([] if expected is None else [expected])
