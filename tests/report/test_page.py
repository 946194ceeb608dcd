"""Comment and summary: headline, next step, rows, sections, size limit and marker."""

import re
from functools import cache

import pytest

from mlci.report.comment import comment_marker, render_comment, render_summary
from mlci.report.document import BaselineRef, Candidate, PolicyRef
from mlci.report.headline import verdict_headline
from mlci.report.render import render_all
from mlci.report.serialization import dump_report, parse_report
from mlci.report.text.markup import Links
from tests.support.rendered import Page
from tests.support.report_cases import enormous, hostile, mixed
from tests.support.reports import (
    a_report,
    broken,
    failed,
    gate,
    group,
    inconclusive,
    measured,
    no_baseline,
    passed,
    spread,
    waived,
)

DROP = {"was": 0.581, "now": 0.550, "low": -0.042, "high": -0.020, "max_drop": 0.010}
KEPT = {"was": 0.871, "now": 0.878, "low": 0.870, "high": 0.886, "min": 0.860}


@cache
def huge():
    return enormous()


def line(report, start):
    return next(line for line in render_comment(report).splitlines() if line.startswith(start))


def row(report, number=0):
    return Page(render_comment(report)).tables[0][number + 1]


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        ([passed("f1", **KEPT)] * 7, "all 7 gates passed"),
        ([passed("f1", **KEPT)], "the gate passed"),
        ([passed("f1", **KEPT), passed("recall", **KEPT)], "both gates passed"),
        ([failed("recall", **DROP), passed("f1", **KEPT)], "blocked, 1 of 2 gates failed"),
        ([failed("recall", **DROP)] * 1234, "blocked, all 1,234 gates failed"),
        ([inconclusive("recall", **DROP), passed("f1", **KEPT)], "may merge, 1 of 2 gates inconclusive"),
        ([inconclusive("recall", blocks=True, **DROP)], "blocked, 1 gate inconclusive"),
        ([no_baseline("recall", now=0.5, max_drop=0.1)], "may merge, 1 gate without baseline"),
        (
            [failed("recall", **DROP), broken("f1", max_drop=0.1), inconclusive("accuracy", **DROP)],
            "blocked, 1 of 3 gates failed, 1 in error",
        ),
        (
            [failed("recall", **DROP), inconclusive("f1", blocks=True, **DROP), passed("accuracy", **KEPT)],
            "blocked, 1 of 3 gates failed, 1 inconclusive",
        ),
        (
            [inconclusive("f1", **DROP), no_baseline("recall", now=0.5, max_drop=0.1), passed("accuracy", **KEPT)],
            "may merge, 1 of 3 gates inconclusive, 1 without baseline",
        ),
        ([], "no gate was evaluated"),
    ],
)
def test_headline__verdict_and_counts(gates, said):
    assert verdict_headline(a_report(gates=gates)) == said


def test_headline__stored_report_that_warns_with_passed_gates():
    report = a_report(gates=[passed("f1", **KEPT)] * 3, verdict="warn")
    assert verdict_headline(parse_report(dump_report(report))) == "may merge, all 3 gates passed"


@pytest.mark.parametrize(
    ("gates", "cause"),
    [
        (
            [failed("recall", **DROP)],
            (
                "**Recall fell from 0.581 to 0.550.** "
                "That is −0.031 (95 % interval −0.042 to −0.020); it may fall by at most 0.010."
            ),
        ),
        (
            [failed("recall", age_band="18–24", **DROP), failed("f1", **DROP), passed("roc_auc", **KEPT)],
            (
                "**Recall for age_band 18–24 fell from 0.581 to 0.550.** "
                "That is −0.031 (95 % interval −0.042 to −0.020); it may fall by at most 0.010. 1 more gate failed."
            ),
        ),
        (
            [failed("log_loss", was=0.5, now=0.62, low=0.1, high=0.14, max_rise=0.1, relative=True)],
            (
                "**Log loss rose from 0.500 to 0.620.** "
                "That is +0.120 (95 % interval +0.100 to +0.140); it may rise by at most 0.050 (10 %)."
            ),
        ),
        ([failed("roc_auc", now=0.8599, min=0.86)], "**ROC AUC is 0.8599.** It must be at least 0.8600."),
        (
            [failed("recall", was=0.5, now=0.4, max_drop=0)],
            "**Recall fell from 0.500 to 0.400.** That is −0.100; it may not fall.",
        ),
        (
            [failed("demographic_parity_difference", across="sex", now=0.2, low=0.15, high=0.25, max=0.1)],
            (
                "**Demographic parity difference across sex is 0.200.** "
                "Its 95 % interval is 0.150 to 0.250; it must be at most 0.100."
            ),
        ),
        (
            [inconclusive("recall", region="north", was=0.5, now=0.49, low=-0.05, high=0.03, max_drop=0.02)],
            (
                "**Recall for region north is inconclusive.** Its change is −0.010 (95 % interval −0.050 to +0.030), "
                "and it may fall by at most 0.020: the limit lies inside the interval."
            ),
        ),
        (
            [inconclusive("recall", reason="beyond the limit, but not after Holm over 41 gates", **DROP)],
            "**Recall is inconclusive.** Reason: beyond the limit, but not after Holm over 41 gates.",
        ),
        (
            [
                inconclusive(
                    "recall", why="group_too_small", reason="too few rows: it has 12 rows; 30 are needed", **DROP
                )
            ],
            "**Recall is inconclusive.** Too few rows: it has 12 rows; 30 are needed.",
        ),
        (
            [broken("recall", max_drop=0.1, reason="0/0")],
            "**Recall could not be evaluated.** Reason: 0/0.",
        ),
        (
            [passed("f1", **KEPT)],
            "Every gate passed on 12,408 rows, compared with the baseline on the same rows.",
        ),
    ],
)
def test_cause__finding_and_limit(gates, cause):
    assert render_comment(a_report(gates=gates)).splitlines()[3] == cause


def test_next_step__links_to_the_run_and_to_the_page():
    root = "https://github.com/o/r/actions/runs/7"
    report = a_report(gates=[failed("recall", line=31, **DROP)])
    links = Links(repository="https://github.com/o/r", report=root, page=f"{root}/artifacts/9")
    text = render_comment(report, links=links)
    assert f"[Full report]({root}) · [Page]({root}/artifacts/9)" in text
    assert "Page" not in render_comment(report, links=Links(report=root))


def test_next_step__links_to_the_line():
    links = Links(repository="https://github.com/o/r", commit="3f9c2ab")
    text = render_comment(a_report(gates=[failed("recall", line=31, **DROP)]), links=links)
    assert "[`mlci.yml`, line 31](https://github.com/o/r/blob/3f9c2ab/mlci.yml#L31)" in text
    assert "another limit in `mlci.yml`, line 31." in render_comment(
        a_report(gates=[failed("recall", line=31, **DROP)])
    )


@pytest.mark.parametrize(
    ("result", "support", "said"),
    [
        (
            inconclusive("recall", rows_needed=510, rows_needed_of="labelled positives", **DROP),
            380,
            "about 510 labelled positives; it has 380",
        ),
        (
            inconclusive("recall", rows_needed=510, rows_needed_of="labelled positives", **DROP),
            None,
            "about 510 labelled positives",
        ),
        (inconclusive("recall", rows_needed=15_100, **DROP), 380, "about 15,100 rows; it has 12,408"),
    ],
)
def test_inconclusive_gate__rows_needed_and_available(result, support, said):
    metrics = [measured("recall", was=0.5, now=0.5, rows=12_408, support=support, support_unit="labelled positives")]
    report = a_report(gates=[result], metrics=metrics)
    assert line(report, "**Next:**") == (
        "**Next:** add rows to the evaluation set to decide 1 inconclusive gate, or merge with that doubt; "
        "it is in `mlci.yml`."
    )
    assert row(report)[0] == f"🟡 Recall inconclusive\n0.581 → 0.550; needs {said}"


def test_states__distinct():
    small = "too few rows: it has 12 rows; 30 are needed"
    report = a_report(
        gates=[
            inconclusive("recall", region="islands", why="group_too_small", reason=small, **DROP),
            inconclusive("f1", blocks=True, **DROP),
            no_baseline("precision", now=0.4, max_drop=0.1),
            failed("accuracy", **DROP),
            passed("brier_score_loss", **KEPT),
        ]
    )
    table = Page(render_comment(report)).tables[0][1:]
    assert [cells[0] for cells in table] == [
        "❌ Accuracy failed\n0.581 → 0.550",
        "🟡 F1 inconclusive, blocks\n0.581 → 0.550",
        "🟡 Recall, region islands too few rows\n0.581 → 0.550; it has 12 rows; 30 are needed",
        "🆕 Precision no baseline\n0.400; no baseline yet; it is recorded when this merges",
    ]


@pytest.mark.parametrize(
    ("result", "cells"),
    [
        (
            failed("recall", **DROP),
            ["❌ Recall failed\n0.581 → 0.550", "−0.031\n−0.042 to −0.020", "may fall by 0.010"],
        ),
        (failed("roc_auc", now=0.8599, min=0.86), ["❌ ROC AUC failed", "0.8599", "at least 0.8600"]),
        (
            failed("mean_absolute_error", was=41.2, now=44.9, max_rise=0.05, relative=True),
            ["❌ Mean absolute error failed\n41.20 → 44.90", "+3.70", "may rise by 2.06 (5 %)"],
        ),
        (
            failed("train_seconds", was=60.2, now=95.25, max=90),
            ["❌ Training time failed\n60.2 s → 95.2 s", "95.2 s", "at most 90.0 s"],
        ),
        (failed("model_megabytes", now=1_512.0, max=1_024), ["❌ Model size failed", "1,512 MB", "at most 1,024 MB"]),
        (
            failed("recall", was=0.5, now=0.49999, low=-0.00002, high=-0.000001, max_drop=0),
            ["❌ Recall failed\n0.500000 → 0.499990", "−0.000010\n−0.000020 to −0.000001", "may not fall"],
        ),
        (
            gate("error", "recall", max_drop=0.1, relative=True, reason="0/0"),
            ["⛔ Recall error\n0/0", "undefined", "may fall by 10 %"],
        ),
        (
            gate("inconclusive", "pkg.mod:fn", was=3.0, now=3.5, low=-1.0, high=2.0, max_rise=1),
            ["🟡 pkg.mod:fn inconclusive\n3.0 → 3.5", "+0.5\n−1.0 to +2.0", "may rise by 1.0"],
        ),
    ],
)
def test_row__same_digits_in_every_cell(result, cells):
    assert row(a_report(gates=[result])) == cells


def test_gate_on_an_estimate__interval_includes_the_limit():
    near = passed("roc_auc", **{**KEPT, "min": 0.875})
    assert "decided by the value, not by the interval" in render_comment(a_report(gates=[near]))
    assert "decided by the value" not in render_comment(a_report(gates=[passed("roc_auc", **KEPT)]))
    on_interval = inconclusive("roc_auc", judge="interval", **{**KEPT, "min": 0.875})
    assert "decided by the value" not in render_comment(a_report(gates=[on_interval]))


def test_row__identical_predictions():
    tie = passed("recall", was=0.5, now=0.5, low=0.0, high=0.0, max_drop=0.01)
    assert "| no change |" in render_comment(a_report(gates=[tie]))


@pytest.mark.parametrize("budget", [60_000, 8_000])
def test_comment__size_limit_keeps_verdict_and_failures(budget):
    text = render_comment(huge(), budget=budget)
    assert budget * 0.9 < len(text.encode()) <= budget
    page = Page(text)
    listed = len(page.tables[0]) - 1
    assert "❌ credit-risk: blocked, all 3,000 gates failed" in text
    assert f"And {3_000 - listed:,} more failed: see the full report." in text
    assert "Left out to keep this short: groups, notes." in text
    assert page.unclosed == []


def test_comment__sections_are_dropped_before_gates():
    full, report = render_comment(mixed()), mixed()
    size = len(full.encode())
    for budget in range(size - 1, 1_400, -150):
        page, text = Page(render_comment(report, budget=budget)), render_comment(report, budget=budget)
        assert len(text.encode()) <= budget
        assert [cells[0].partition("\n")[0] for cells in page.tables[0]] == [
            "Gate, baseline → candidate",
            "❌ Recall failed",
            "🟡 Equalized odds difference across age inconclusive",
        ]
        assert page.unclosed == []
        assert re.search(r"^Left out to keep this short: .*groups", text, re.MULTILINE)


def test_comment__limit_too_small_for_the_verdict():
    with pytest.raises(ValueError, match="does not fit into 100 bytes"):
        render_comment(mixed(), budget=100)


def test_comment__hostile_names_leave_room_for_the_verdict():
    name = "$@a|\u202e" * 5_000
    report = a_report(
        model=name,
        gates=[
            failed("recall", scope={"slice": name, "group": name}, reason=name, **DROP),
            inconclusive(name, reason=name, **DROP),
        ],
        notes=(name,) * 50,
        candidate=Candidate(label=name),
        baseline=BaselineRef(source="file", label=name, version=name),
    )
    page = Page(render_comment(report))
    assert page.references() == []
    assert len(page.tables[0]) == 3


def test_comment__many_inconclusive_gates_are_folded():
    doubts = [inconclusive("recall", region=f"r{number}", **DROP) for number in range(40)]
    page = Page(render_comment(a_report(gates=[*doubts, failed("f1", **DROP)])))
    assert len(page.tables[0]) == 1 + 1 + 12
    assert page.summaries[0] == "28 more that do not block: 28 inconclusive"
    assert len(page.tables[1]) == 1 + 28


def test_summary__size_limit_of_a_check():
    text = render_summary(huge(), budget=65_535)
    assert len(text.encode()) <= 65_535
    assert "3,000 gates failed" in text


def test_comment__does_not_depend_on_durations():
    report = mixed()
    slower = report.model_copy(update={"provenance": report.provenance.model_copy(update={"seconds": {"train": 99.0}})})
    assert render_comment(report) == render_comment(slower)
    assert render_all(report) == render_all(mixed())
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", render_comment(report))
    assert "train took" in render_summary(report)


def test_marker__model_head_and_run():
    report = a_report(gates=[passed("f1", **KEPT)])
    assert (
        comment_marker(report, run="1842.1")
        == f"<!-- mlci id=credit-risk head={report.candidate.commit} run=1842.1 -->"
    )
    unknown = report.model_copy(update={"candidate": Candidate()})
    assert render_comment(unknown).startswith("<!-- mlci id=credit-risk -->\n## ")
    assert comment_marker(hostile()).count("-->") == 1


def test_sections__titles_are_findings():
    findings = [
        "Recall by region: fell in 2 of 3 groups, most in south (−0.005)",
        "Equalized odds difference across age: widened, 0.066 → 0.071, without a clear change",
        "Main metrics on all rows: 1 worse, 2 better, 1 without a clear change, 1 without an interval",
        "What changed: code, evaluation set, training data and environment",
        "Trend: ROC AUC rose over versions 5 to 7 and rises with this candidate",
    ]
    assert Page(render_comment(mixed())).summaries[1:] == findings
    assert Page(render_summary(mixed())).summaries[1:] == [
        *findings,
        "Metrics on the whole set: 5",
        "Disparities: 2",
        "Accuracy by region",
        "False-positive rate by age, lower is better",
        "Provenance",
    ]


@pytest.mark.parametrize(
    ("metric", "values", "title"),
    [
        ("recall", {"a": (0.5, 0.4), "b": (0.5, 0.6)}, "Recall by region: fell in 1 of 2 groups, most in a (−0.100)"),
        (
            "log_loss",
            {"a": (0.5, 0.4), "b": (0.5, 0.6)},
            "Log loss by region: rose in 1 of 2 groups, most in b (+0.1000)",
        ),
        ("recall", {"a": (0.5, 0.5), "b": (0.5, 0.6)}, "Recall by region: fell in none of 2 groups"),
        ("recall", {"a": (None, 0.5), "b": (None, 0.6)}, "Recall by region: 2 groups, lowest in a (0.500)"),
    ],
)
def test_groups__title_counts_those_that_got_worse(metric, values, title):
    rows = [measured(metric, region=name, was=was, now=now, rows=90) for name, (was, now) in values.items()]
    report = a_report(gates=[passed(metric, region="a", was=0.5, now=0.5, max=0.9)], metrics=rows)
    assert title in Page(render_comment(report)).summaries


def test_groups__failing_first_and_worst_first():
    values = {"a": 0.01, "b": -0.002, "c": -0.2, "d": -0.03, "e": -0.06}
    facts = {name: {"was": 0.6, "now": 0.6 + change, "max_drop": 0.05} for name, change in values.items()}
    few = {"why": "too_few", "reason": "too few rows: the models disagree on 6 rows; 8 are needed"}
    build = {"a": passed, "b": passed, "c": failed, "d": inconclusive, "e": inconclusive}
    gates = [build[name]("accuracy", region=name, **(few if name == "e" else {}), **facts[name]) for name in values]
    rows = [measured("accuracy", region=name, was=0.6, now=0.6 + change, rows=90) for name, change in values.items()]
    table = Page(render_comment(a_report(gates=gates, metrics=rows))).tables[-1]
    assert [(cells[0], cells[-1]) for cells in table[1:]] == [
        ("c", "❌ failed"),
        ("d", "🟡 inconclusive"),
        ("e", "🟡 too few rows"),
        ("b", "✅ passed"),
        ("a", "✅ passed"),
    ]
    assert table[0] == ["region", "Rows", "Baseline → candidate", "Change", "Gate"]


def many_districts():
    """A rule on 30 groups: 5 inconclusive, one of them by Holm, 3 with too few rows, 22 passed."""
    gates, rows = [], []
    for number in range(30):
        facts = {"district": f"d{number:02}", "was": 0.7, "now": 0.7 - (29 - number) / 500, "max_drop": 0.08, "rule": 2}
        span = {"low": facts["now"] - 0.75, "high": facts["now"] - 0.65}
        few = {"why": "too_few", "reason": "too few rows: the models disagree on 6 rows; 8 are needed"}
        more = {**few, "rows_needed": 90} if number < 3 else {"rows_needed": 100 * number}
        holm = {"why": "holm", "reason": "beyond the limit by itself, but not after Holm over 30 gates"}
        gates.append(
            inconclusive("accuracy", **facts, **span, **{**more, **(holm if number == 3 else {})})
            if number < 8
            else passed("accuracy", **facts, **span)
        )
        rows.append(measured("accuracy", district=f"d{number:02}", was=0.7, now=facts["now"], rows=200))
    return a_report(gates=gates, metrics=rows)


def test_undecided_groups__one_row_for_a_rule():
    table, *others = Page(render_comment(many_districts())).tables
    gate, *numbers = table[1]
    assert len(table) == 1 + 1
    assert gate.split("\n")[0] == "🟡 Accuracy, 8 of 30 district groups inconclusive"
    assert gate.split("\n")[1].split("; ") == [
        "need 90 to 700 rows each",
        "worst with enough rows: d03, 0.700 → 0.648, beyond the limit by itself, but not after Holm over 30 gates",
        "3 of them: too few rows",
    ]
    assert numbers == ["−0.052\n−0.102 to −0.002", "may fall by 0.080"]
    assert [len(other) - 1 for other in others] == [12]
    text = render_comment(many_districts())
    assert "22 passed: Accuracy in 22 of 30 district groups" in text
    assert "18 more groups are in the job summary: 18 passed." in text
    assert "22 passed groups by district have a table of their own below." in text
    assert len(Page(render_summary(many_districts())).tables[1]) == 1 + 30


def test_undecided_groups__without_a_table_have_a_row_each():
    report = many_districts().model_copy(update={"metrics": ()})
    assert len(Page(render_comment(report)).tables[0]) == 1 + 8


def test_groups__without_a_gate():
    rows = [measured("log_loss", region=name, was=0.4, now=0.5, rows=10) for name in ("north", "south")]
    page = Page(render_summary(a_report(gates=[passed("f1", **KEPT)], metrics=rows)))
    assert "Log loss by region, lower is better" in page.summaries


@pytest.mark.parametrize(
    ("gates", "title"),
    [
        ([passed("f1", **KEPT), passed("f1", **DROP)], "2 passed: F1"),
        ([passed("f1", region=name, **KEPT) for name in "abc"], "3 passed: F1 in all 3 region groups"),
        ([passed("f1", region="a", **KEPT), failed("f1", region="b", **DROP)], "1 passed: F1 in 1 of 2 region groups"),
        ([passed("f1", region="a", **KEPT)], "1 passed: F1 by region"),
        ([passed("f1_ratio", across="sex", **KEPT)], "1 passed: F1 ratio across sex"),
        ([passed(f"m{n}", **KEPT) for n in range(14)], f"14 passed: {', '.join(f'm{n}' for n in range(12))}, 2 more"),
    ],
)
def test_passed_gates__named_once(gates, title):
    assert title in Page(render_comment(a_report(gates=gates))).summaries


def test_disparity__groups():
    tables = Page(render_comment(mixed())).tables
    groups = next(table for table in tables if table[0][0] == "age")
    rates = ["Recall, baseline → candidate", "False-positive rate, baseline → candidate"]
    assert groups[0] == ["age", "Rows", *rates, "Ratio", "Difference"]
    assert groups[1] == ["18–25", "1,204", "0.533 → 0.521", "0.101 → 0.098", "0.880", "−0.071"]


def test_disparity__small_group():
    groups = [
        group("F", 900, was=0.5, now=0.6, ratio=1.0, difference=0.0),
        group("x", 24, was=0.5, now=None, small=True),
    ]
    row = spread("recall_difference", "sex", groups=groups, reference="F", reason="undefined for x")
    small = "too few rows: x has 24 rows; 30 are needed"
    needs = {"rows_needed": 30, "rows_needed_of": "rows in the smallest group"}
    result = inconclusive("recall_difference", across="sex", max=0.1, why="group_too_small", reason=small, **needs)
    page = Page(render_comment(a_report(gates=[result], disparities=[row])))
    assert page.tables[0][1] == [
        (
            "🟡 Recall difference across sex too few rows\n"
            "x has 24 rows; 30 are needed; needs about 30 rows in the smallest group; it has 24"
        ),
        "–",
        "at most 0.100",
    ]
    assert page.tables[1] == [["Disparity", "Candidate", "Why"], ["Recall difference", "undefined", "undefined for x"]]
    assert page.tables[2] == [
        ["sex", "Rows", "Recall, baseline → candidate", "Ratio to F", "Difference to F"],
        ["F", "900", "0.500 → 0.600", "1.000", "0.000"],
        ["x (too few rows to judge)", "24", "0.500 → undefined", "", ""],
    ]


def test_metrics_file__hint_at_predictions():
    report = a_report(gates=[passed("f1", was=0.6, now=0.7, min=0.5)], evaluation={"rows": None, "fingerprint": None})
    text = render_comment(report)
    assert "A file of predictions would add intervals, slices and the check that both models saw the same rows." in text
    assert "interval |" not in text


@pytest.mark.parametrize(("policy", "said"), [("warn", "name a `baseline`"), ("block", "record a baseline first")])
def test_comment__no_baseline(policy, said):
    blocks = policy == "block"
    report = a_report(
        baseline=False,
        gates=[no_baseline("recall", now=0.5, max_drop=0.1, blocks=blocks)],
        policy=PolicyRef(confidence=0.9, inconclusive="warn", no_baseline=policy),
    )
    assert said in line(report, "**Next:**")
    assert "no baseline yet; it is recorded when this merges" in render_comment(report)


def test_comment__model_from_a_file():
    report = a_report(
        gates=[passed("f1", **KEPT)],
        candidate=Candidate(label="new.csv"),
        baseline=BaselineRef(source="file", label="@old|.csv"),
        disparities=[spread("recall_difference", "sex", was=0.1, now=0.2)],
    )
    assert "<sub>new.csv against @<!-- -->old&#124;.csv · " in render_comment(report)


def test_stored_report__with_a_waiver():
    stored = parse_report(dump_report(a_report(gates=[waived("recall", **DROP), passed("f1", **KEPT)])))
    assert "waived" in line(stored, "## ")
    assert {"waived" in text for text in render_all(stored).values()} == {True}
