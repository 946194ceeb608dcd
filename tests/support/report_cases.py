"""The reports that the golden files render."""

from mlci.gates.limits import Limit
from mlci.report.curve_rows import (
    CalibrationRow,
    ClassCurvesRow,
    ConfusionRow,
    CurvesRow,
    LabelMovesRow,
    ModelCurvesRow,
    ResidualRow,
    ResidualsRow,
)
from mlci.report.document import BaselineRef, BehaviourRow, ChangedRow, CostBudgetRow, RowsChanged
from mlci.report.lineage_rows import DataDifference, NullRate
from tests.support.reports import (
    BASE,
    HEAD,
    a_report,
    agreement,
    broken,
    differs,
    failed,
    group,
    history,
    inconclusive,
    lineage,
    measured,
    no_baseline,
    passed,
    required,
    same,
    spread,
    waived,
)

HOSTILE = (
    "a|b\nc",
    "<script>alert(1)</script>",
    "@octocat and @org/team",
    "#12 GH-12 owner/repo#1",
    "https://evil.example www.evil.example",
    "[x](javascript:alert(1)) ![i](u)",
    "*b* _i_ ~~s~~ `code`",
    "\u202egnp.exe\u2066\u200b",
    "--> <!-- x",
    "::error::boom ##[error]x",
    "1. list",
    "",
)


def mixed():
    """The example that the design shows: failed, inconclusive and passed gates, with slices."""
    return a_report(
        gates=[
            passed("roc_auc", was=0.871, now=0.878, low=0.870, high=0.886, min=0.860, line=29, method="delong"),
            failed("recall", was=0.581, now=0.550, low=-0.042, high=-0.020, max_drop=0.010, line=31, method="tango"),
            passed("f1", was=0.612, now=0.609, low=-0.011, high=0.005, max_drop=0.02, line=32, method="influence"),
            passed("brier_score_loss", was=0.1120, now=0.1105, low=0.1071, high=0.1139, max=0.1150, line=33),
            passed("predict_seconds_per_1k_rows", was=0.0041, now=0.0042, max_rise=0.1, relative=True, line=34),
            passed("demographic_parity_ratio", across="sex", was=0.94, now=0.93, low=0.88, high=0.98, min=0.8, line=35),
            inconclusive(
                "equalized_odds_difference",
                across="age",
                was=0.066,
                now=0.071,
                low=0.016,
                high=0.126,
                max=0.120,
                line=36,
                rows_needed=1_612,
                rows_needed_of="rows in the smallest group",
                method="simultaneous",
                reason="the limit lies inside the interval",
            ),
            *(
                passed("recall", region=name, was=was, now=now, low=low, high=high, max_drop=0.03, line=37)
                for name, was, now, low, high in (
                    ("north", 0.571, 0.569, -0.018, 0.014),
                    ("south", 0.590, 0.585, -0.021, 0.011),
                    ("west", 0.577, 0.577, 0.0, 0.0),
                )
            ),
        ],
        metrics=[
            measured("roc_auc", was=0.871, now=0.878, span=(0.870, 0.886), moved=(0.003, 0.011), rows=12_408),
            measured("recall", was=0.581, now=0.550, span=(0.535, 0.565), moved=(-0.042, -0.020), rows=12_408),
            measured("f1", was=0.612, now=0.609, span=(0.597, 0.621), moved=(-0.011, 0.005), rows=12_408),
            measured("brier_score_loss", was=0.1120, now=0.1105, span=(0.1071, 0.1139), moved=(-0.0022, -0.0008)),
            measured("predict_seconds_per_1k_rows", was=0.0041, now=0.0042),
            *_by_region("recall", "labelled positives"),
            *_by_region("accuracy", "rows"),
            measured("false_positive_rate", was=0.101, now=0.098, age="18–25", rows=1_204),
            measured("false_positive_rate", was=0.087, now=0.091, age="26–40", rows=6_120),
            measured("false_positive_rate", was=0.080, now=0.079, age="41+", rows=5_084),
        ],
        disparities=[
            spread(
                "equalized_odds_difference",
                "age",
                was=0.066,
                now=0.071,
                span=(0.016, 0.126),
                moved=(-0.012, 0.022),
                groups=[
                    group("18–25", 1_204, was=0.533, now=0.521, ratio=0.88, difference=-0.071),
                    group("26–40", 6_120, was=0.599, now=0.592, ratio=1.0, difference=0.0),
                    group("41+", 5_084, was=0.580, now=0.570, ratio=0.963, difference=-0.022),
                ],
            ),
            spread("demographic_parity_ratio", "sex", was=0.94, now=0.93, span=(0.88, 0.98), reference="F"),
        ],
        agreement=agreement(chi2=6.328, chi2_corrected=6.083),
        notes=("Age was cut at 26 and 41.",),
        lineage=lineage(
            differs(
                "code",
                BASE,
                HEAD,
                ("features.py", "changed"),
                ("old.py", "removed"),
                *((f"src/part{number}.py", "added") for number in range(4)),
                more=3,
            ),
            differs("evaluation", "sha256:77" + "0" * 62, "sha256:a81c55e0" + "0" * 56),
            differs(
                "data", *DIGESTS, ("data/train.parquet", "changed", "md5:e5ebd4c02cefbe79", "md5:1919efab7e3f5c4c")
            ),
            same("configuration", DIGESTS[0], reason="written differently, the same settings"),
            differs(
                "environment",
                *DIGESTS,
                ("Python", "changed", "3.11.7", "3.12.1"),
                ("uv.lock", "changed"),
                ("numpy", "changed", "1.26.4", "2.0.1"),
                ("scipy", "added", None, "1.13.0"),
            ),
            differs("model", *DIGESTS),
            evaluation=DataDifference(
                baseline_rows=12_000,
                candidate_rows=12_408,
                added=1_410,
                removed=1_002,
                relabelled=37,
                columns_removed=("postcode",),
                null_rates=(NullRate(column="income", baseline=0.021, candidate=0.0805),),
            ),
        ),
        trend=(
            history("roc_auc", 0.843, 0.851, 0.868, 0.864, 0.871, first=3, other_rows=2),
            history("recall", 0.560, 0.553, 0.572, 0.581, 0.581, first=3, other_rows=2),
            history("predict_seconds_per_1k_rows", 0.0041, 0.0041, first=6),
        ),
    )


DIGESTS = ("sha256:" + "1d" * 32, "sha256:" + "2e" * 32)


def all_passed():
    return a_report(
        gates=[
            passed("roc_auc", was=0.871, now=0.878, low=0.870, high=0.886, min=0.860, line=29),
            passed("recall", was=0.581, now=0.584, low=-0.004, high=0.010, max_drop=0.010, line=31),
        ],
        metrics=[measured("recall", was=0.581, now=0.584, span=(0.57, 0.598), moved=(-0.004, 0.010))],
        lineage=lineage(
            differs("code", BASE, HEAD, ("train.py", "changed")),
            same("evaluation", DIGESTS[0]),
            differs("data", None, None, changed=None, reason="no DVC or LFS pointers name it"),
            same("configuration", DIGESTS[0]),
            same("environment", DIGESTS[0]),
            differs("model", *DIGESTS),
        ),
    )


def first_run():
    return a_report(
        baseline=False,
        gates=[
            passed("roc_auc", now=0.878, low=0.870, high=0.886, min=0.860, line=29),
            no_baseline("recall", now=0.584, max_drop=0.010, line=31),
            no_baseline("f1", now=0.61, max_drop=0.010, line=32),
        ],
        metrics=[
            measured("roc_auc", now=0.878, span=(0.870, 0.886)),
            measured("recall", now=0.584, span=(0.57, 0.598)),
        ],
        evaluation={"uses": None, "budget": None, "sealed": False},
    )


def undefined():
    return a_report(
        gates=[
            broken("precision", max_drop=0.01, line=4, reason="0/0: no predicted positives"),
            broken("recall", max_drop=0.01, line=5, reason="0/0: there are no labelled positives"),
        ],
        metrics=[
            measured("precision", reason="0/0: no predicted positives", rows=12_408),
            measured("recall", reason="0/0: there are no labelled positives", rows=12_408),
        ],
    )


def metrics_only():
    return a_report(
        gates=[
            passed("accuracy", was=0.91, now=0.913, min=0.9, line=7),
            failed(
                "mean_absolute_error",
                was=41.2,
                now=44.9,
                max_rise=0.05,
                relative=True,
                line=8,
                judge="estimate",
            ),
            broken(
                "f1", was=0.5, min=0.4, line=9, reason="it is in the baseline's file and no longer in the candidate's"
            ),
        ],
        metrics=[measured("accuracy", was=0.91, now=0.913), measured("mean_absolute_error", was=41.2, now=44.9)],
        evaluation={"rows": None, "fingerprint": None, "uses": None, "budget": None, "sealed": False},
    )


def waived_and_small():
    """A waived gate, and groups whose rows can't decide theirs."""
    drop = {"max_drop": 0.01, "was": 0.581, "now": 0.550, "low": -0.042, "high": -0.020}
    few = {"why": "group_too_small", "reason": "too few rows: it has 12 rows; 30 are needed"}
    same = {"why": "too_few", "reason": "too few rows: the models disagree on 6 rows; 8 are needed"}
    return a_report(
        gates=[
            waived("recall", line=5, **drop),
            inconclusive("recall", region="islands", line=6, max_drop=0.03, was=0.5, now=0.4, **few),
            inconclusive("recall", region="north", line=6, max_drop=0.03, was=0.571, now=0.569, **same),
        ],
        metrics=[
            measured("recall", was=0.581, now=0.550, span=(0.535, 0.565), moved=(-0.042, -0.020), rows=12_408),
            measured("recall", was=0.5, now=0.4, rows=12, region="islands"),
            measured("recall", was=0.571, now=0.569, rows=380, region="north"),
        ],
    )


def nothing_evaluated():
    """A pull request that touches no relevant file, against another commit."""
    return a_report(
        baseline=BaselineRef(source="ref", label="main", commit=BASE),
        evaluation={"rows": None, "fingerprint": None, "uses": None, "budget": None, "sealed": False},
        unchanged_since=BASE,
    )


def hostile():
    """Names and reasons from a data set that contain Markdown, HTML and workflow commands."""
    scopes = [{"slice": "@org/<b>", "group": name} for name in HOSTILE]
    return a_report(
        model="x --> <b>@me</b>\n# heading",
        gates=[
            failed(
                "recall",
                scope=scope,
                was=0.5,
                now=0.4,
                low=-0.2,
                high=-0.05,
                max_drop=0.01,
                line=3,
                reason=scope["group"] or None,
            )
            for scope in scopes
        ],
        metrics=[measured("recall", was=0.5, now=0.4, rows=10, **scope) for scope in scopes],
        disparities=[spread("recall_difference", name, was=0.1, now=0.2) for name in HOSTILE if name],
        notes=HOSTILE[:-1],
        baseline=True,
        lineage=lineage(
            differs("code", HOSTILE[0], HOSTILE[1], *((name, "changed") for name in HOSTILE)),
            differs("data", None, None, *((name, "removed", name) for name in HOSTILE), reason=HOSTILE[2]),
            differs("environment", None, None, *((name, "changed", name, name) for name in HOSTILE[3:7])),
            differs("configuration", None, None, *((name, "changed", name, name) for name in HOSTILE[7:11])),
            differs("evaluation", "1", "2"),
            evaluation=DataDifference(
                columns_added=HOSTILE[:5],
                null_rates=tuple(NullRate(column=name, baseline=0.0, candidate=1.0) for name in HOSTILE[5:8]),
                reason=HOSTILE[9],
            ),
        ),
        trend=tuple(history(name, 0.1, 0.2) for name in HOSTILE),
    )


def enormous():
    """Thousands of failing gates on long names."""
    names = [f"group {number:05d} {'long ' * 12}" for number in range(3_000)]
    return a_report(
        gates=[
            failed("recall", region=name, was=0.5, now=0.4, low=-0.2, high=-0.05, max_drop=0.01, line=3)
            for name in names
        ],
        metrics=[measured("recall", region=name, was=0.5, now=0.4, rows=10) for name in names],
        notes=("a note",),
    )


def _by_region(metric, unit):
    rows = (("north", 412, 0.571, 0.569), ("south", 380, 0.590, 0.585), ("west", 377, 0.577, 0.577))
    return [
        measured(
            metric,
            was=was,
            now=now,
            span=(now - 0.05, now + 0.05),
            moved=(-0.02, 0.014),
            region=name,
            rows=n * 10,
            support=n,
            support_unit=unit,
        )
        for name, n, was, now in rows
    ]


def shifted():
    """Shifts between two groups, which neither model has by itself: failed, undecided, none at all."""
    groups = [
        group("F", 5_120, was=0.571, now=0.575),
        group("M", 6_908, was=0.583, now=0.497),
        group("X", 380, was=None, now=None, small=True),
    ]
    return a_report(
        gates=[
            failed("recall_shift", across="sex", value=0.09, low=0.061, high=0.117, max=0.05, line=31),
            inconclusive(
                "selection_rate_shift",
                across="sex",
                value=0.0213,
                low=0.0,
                high=0.0622,
                max=0.05,
                line=32,
                rows_needed=8_200,
                rows_needed_of="rows in the smallest group",
                reason="the limit lies inside the interval",
            ),
            passed("accuracy_shift", across="sex", value=0.0, low=0.0, high=0.0, max=0.05, line=33),
        ],
        disparities=[
            spread("recall_shift", "sex", was=None, now=None, change=0.09, moved=(0.061, 0.117), groups=groups),
            spread("recall_difference", "sex", was=0.012, now=0.078, span=(0.05, 0.10), moved=(0.035, 0.09)),
        ],
    )


def behavioural():
    """Behavioural tests: required ones of every outcome, with a budget, and one that is only reported."""
    path, message = "tests/test_model.py::", "the score of 3 of 900 loans rises | <b>"
    bad, gone, good = f"{path}test_income", f"{path}TestRegion::test_each[<north>]", f"{path}test_loan_number"
    slow, words = f"{path}test_latency", "latency is 1.26 times the baseline's (1.12 to 1.41), at most 1.20 is allowed"
    numbers = {"candidate": 0.282, "baseline": 0.216, "ratio": 1.26, "low": 1.12, "high": 1.41, "limit": 1.2}
    budget = CostBudgetRow(cost="latency", how="wall time of the predict step", pairs=8, **numbers)
    return a_report(
        gates=[
            passed("roc_auc", was=0.871, now=0.878, low=0.870, high=0.886, min=0.860, line=29),
            required("failed", bad, why="test_failed", reason=message),
            required("error", gone, why="test_not_run", reason="the test was skipped: no data"),
            required("passed", good),
            required(
                "inconclusive",
                slow,
                why="across_limit",
                reason=f"the limit lies inside the interval; {words}",
                value=1.26,
                interval=(1.12, 1.41),
                bound=1.2,
                method="median of paired ratios, sign test",
            ).model_copy(update={"limit": Limit("max", 1.2), "judge": "interval"}),
        ],
        tests=[
            BehaviourRow(name=good, outcome="passed"),
            BehaviourRow(name=gone, outcome="skipped", message="no data"),
            BehaviourRow(name=bad, outcome="failed", message=message),
            BehaviourRow(name=slow, outcome="inconclusive", message=words, budget=budget),
            BehaviourRow(name=f"{path}test_draft", outcome="error", message="KeyError: 'x'"),
        ],
    )


def with_rows():
    """Rows that changed most, with names that have to be escaped."""
    rows = [
        ChangedRow(
            row=4_012 + index,
            key=key,
            slices={"region": "north", "age": "25–40"},
            label=label,
            baseline_score=0.21,
            candidate_score=0.21 + change,
            baseline_decision="no",
            candidate_decision="yes" if change > 0.29 else "no",
            change=change,
        )
        for index, (key, label, change) in enumerate(
            [("loan-77", "no", 0.6), ("<b>loan-8</b>", "no", 0.3), (None, "yes", -0.00041)]
        )
    ]
    return mixed().model_copy(update={"rows_changed": RowsChanged(loss="squared error", rows=tuple(rows))})


def regression():
    """A regression with residuals of both models, of very different sizes."""
    bins = [
        (ResidualRow(predicted=120.5 * (n + 1), residual=(-1) ** n * 4.25 * n - shift, spread=51.2 + n, rows=100 + n))
        for shift in (0, 12)
        for n in range(8)
    ]
    return a_report(
        task="regression",
        gates=[passed("mean_absolute_error", was=44.1, now=43.0, low=-3.2, high=1.1, max_rise=2, line=9)],
        metrics=[measured("mean_absolute_error", was=44.1, now=43.0, span=(41.0, 45.0), moved=(-3.2, 1.1), rows=828)],
        residuals=ResidualsRow(candidate=tuple(bins[8:]), baseline=tuple(bins[:8])),
    )


GOLDEN = {
    "behavioural": behavioural,
    "shifted": shifted,
    "mixed": mixed,
    "all-passed": all_passed,
    "first-run": first_run,
    "undefined": undefined,
    "metrics-only": metrics_only,
    "nothing-evaluated": nothing_evaluated,
    "hostile": hostile,
}


def many_groups(number):
    """One slice with many groups, of which one failed."""
    names = [f"area {index:03d}" for index in range(number)]
    return a_report(
        gates=[
            (failed if index == 7 else passed)(
                "recall",
                district=name,
                was=0.8,
                now=0.6 if index == 7 else 0.81,
                low=-0.3 if index == 7 else -0.01,
                high=-0.1 if index == 7 else 0.03,
                max_drop=0.05,
                line=9,
            )
            for index, name in enumerate(names)
        ],
        metrics=[
            measured("recall", district=name, was=0.8, now=0.81, span=(0.7, 0.9), moved=(-0.01, 0.03), rows=400)
            for name in names
        ],
    )


CURVE = ModelCurvesRow(
    roc=((0, 0), (0.2, 0.7), (1, 1)),
    precision_recall=((0.1, 1), (1, 0.3)),
    calibration=(
        CalibrationRow(score=0.25, observed=0.2, rows=600),
        CalibrationRow(score=0.75, observed=0.8, rows=400),
    ),
)


def with_scores():
    """A binary model with scores: curves and confusion matrices of both models."""
    moves = (
        LabelMovesRow(label="<no>", both=600, baseline_only=40, candidate_only=30, neither=30),
        LabelMovesRow(label="yes", both=200, baseline_only=10, candidate_only=50, neither=40),
    )
    matrix = ((640, 60), (50, 250))
    return mixed().model_copy(
        update={
            "curves": CurvesRow(prevalence=0.3, candidate=CURVE, baseline=CURVE),
            "confusion": ConfusionRow(classes=("<no>", "yes"), candidate=matrix, baseline=matrix, moves=moves),
        }
    )


def with_classes():
    """Three classes with probabilities: curves of two against all others, log loss by row, and costs."""
    matrix = ((500, 60, 40), (50, 150, 50), (10, 20, 120))
    curves = {"prevalence": 0.3, "candidate": CURVE, "baseline": CURVE}
    several = tuple(
        ClassCurvesRow(label=label, rows=rows, candidate_auc=auc, baseline_auc=0.9123, **curves)
        for label, rows, auc in (("<b>cat</b>", 150, 0.8412), ("dog", 250, 0.9123))
    )
    changed = with_rows().rows_changed
    costs = [
        measured("train_seconds", was=58.1, now=61.24, support_unit="runs"),
        measured("peak_memory_megabytes", was=None, now=412.0, support_unit="runs"),
    ]
    found = mixed()
    return found.model_copy(
        update={
            "task": "multiclass",
            "class_curves": several,
            "confusion": ConfusionRow(classes=("dog", "emu", "<b>cat</b>"), candidate=matrix, baseline=matrix),
            "rows_changed": changed.model_copy(update={"loss": "log loss"}),
            "metrics": (*found.metrics, *costs),
        }
    )
