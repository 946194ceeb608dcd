"""Rounded numbers of reports on sealed labels: steps, outcomes that stay, and tables that differ in one row."""

import json
import math
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.report.comment import render_comment, render_summary
from mlci.report.page.page import render_page
from mlci.report.rounding import round_report, round_to_step, rounding_step
from mlci.report.serialization import dump_report, parse_report
from mlci.report.terminal import render_terminal
from mlci.report.text.labels import outcome_word
from mlci.report.text.markup import Links
from tests.support.project import BY_FILE, config, holdout, mlci, run, write
from tests.support.reports import a_report, failed, inconclusive, measured, passed
from tests.support.sealed_scene import sealed_files

KEPT = ("id", "metric", "scope", "limit", "outcome", "why", "blocks", "waivable", "waived", "line", "method")
finite = st.floats(-1e6, 1e6)
rates = st.floats(0, 1)


def size(step):
    return step[0] * 10.0 ** step[1]


@given(finite, st.floats(1e-9, 1e6), rates)
def test_rounding_step__error_below_a_quarter_of_the_half_width(low, width, at):
    interval = (low, low + width)
    half = (interval[1] - interval[0]) / 2
    step = rounding_step(interval)
    assert size(step) <= half / 2 * (1 + 1e-9)
    assert size(step) * 2.5 > half / 2 * (1 - 1e-9)
    value = low + at * width
    rounded = round_to_step(value, step)
    assert abs(rounded - value) <= half / 4 * (1 + 1e-6) + 1e-9
    assert round_to_step(rounded, step) == rounded
    assert round_to_step(interval[0], step) <= rounded <= round_to_step(interval[1], step)


@pytest.mark.parametrize(
    ("interval", "step"),
    [((0, 0.04), (1, -2)), ((0, 0.0399), (5, -3)), ((-8, 0), (2, 0)), ((0, 0.0004), (1, -4)), ((1, 1), None)],
)
def test_rounding_step__series(interval, step):
    assert rounding_step(interval) == step


@st.composite
def reports(draw):
    """A report with a gate on a change and one on a value, each with any outcome."""
    ends = [sorted(draw(st.tuples(rates, rates))) for _ in range(2)]
    rows = draw(st.integers(1, 100_000))
    was, now = draw(rates), draw(rates)
    made = draw(st.sampled_from([passed, failed, inconclusive]))
    whys = {passed: [None], failed: ["beyond_limit"], inconclusive: ["across_limit", "too_few", "too_few_carriers"]}
    more = {"why": draw(st.sampled_from(whys[made])), "reason": f"too few rows: {rows} labelled positives"}
    more |= {"rows_needed": draw(st.none() | st.integers(1, 10**6)), "was": was, "now": now, "p": draw(rates)}
    gates = [
        made("recall", max_drop=0.0123, low=ends[0][0] - 0.5, high=ends[0][1] - 0.5, **more),
        made("accuracy", min=0.8123, low=ends[1][0], high=ends[1][1], **more),
    ]
    numbers = {"was": was, "now": now, "span": tuple(ends[1]), "moved": (ends[0][0] - 0.5, ends[0][1] - 0.5)}
    metrics = [measured(name, rows=rows, **numbers) for name in ("recall", "accuracy", "precision")]
    return a_report(gates=gates, metrics=metrics)


@given(reports())
def test_round_report__outcomes_stay(report):
    rounded = round_report(report)
    assert parse_report(dump_report(rounded)).verdict == report.verdict
    for before, after in zip(report.gates, rounded.gates, strict=True):
        assert [getattr(after, name) for name in KEPT] == [getattr(before, name) for name in KEPT]
        assert outcome_word(after) == outcome_word(before)
        assert after.p is None
        assert (after.rows_needed or 0) >= (before.rows_needed or 0)
        assert not (after.why in {"too_few", "too_few_carriers"} and re.search(r"\d", after.reason))
    assert [row.metric for row in rounded.metrics] == ["recall", "accuracy"]
    assert rounded.evaluation.rounded
    assert (rounded.agreement, rounded.curves, rounded.confusion, rounded.rows_changed) == (None,) * 4


def project(folder, rows):
    """A comparison of scores with a gate on a change, one on a value, and one for each group."""
    rnd = random.Random(rows)
    labels = [int(rnd.random() < 0.4) for _ in range(rows)]
    old = [min(max(rnd.gauss(0.65 if label else 0.35, 0.2), 0.001), 0.999) for label in labels]
    write(
        folder,
        {
            "h.csv": "id,y,g\n" + "".join(f"{i},{y},{'ab'[i % 2]}\n" for i, y in enumerate(labels)),
            "old.csv": table(old),
            "mlci.yml": "model: m\ntask: binary\n"
            "evaluation: {data: h.csv, key: id, label: y, positive: 1, slices: [g]}\n"
            "predict: {file: preds.csv, score: s}\nbaseline: {file: old.csv}\ngates:\n"
            "- {metric: accuracy, max_drop: 0.02}\n- {metric: roc_auc, min: 0.6}\n"
            "- {metric: recall, min: 0.6, each: g}\n- {metric: demographic_parity_difference, across: g, max: 0.4}\n",
        },
    )
    return old


def table(values):
    return "id,s\n" + "".join(f"{i},{value!r}\n" for i, value in enumerate(values))


def judged(folder, values):
    (folder / "preds.csv").write_text(table(values))
    return parse_report(run(folder).out)


def change_report(better, worse, rows):
    """A report on a change in accuracy, by the counts of rows that only one model decides rightly."""
    change, error = (better - worse) / rows, 1.96 * math.sqrt(better + worse) / rows
    ends = {"low": change - error, "high": change + error}
    gates = [passed("accuracy", was=0.9, now=0.9 + change, max_drop=0.1, **ends)]
    row = measured("accuracy", was=0.9, now=0.9 + change, moved=(ends["low"], ends["high"]), rows=rows)
    return round_report(a_report(gates=gates, metrics=[row]))


@pytest.mark.parametrize(("rows", "share"), [(200, 0.99), (1_000, 0.4), (5_000, 0.6), (50_000, 0.8)])
def test_round_report__tables_that_differ_in_one_row(rows, share):
    rnd, pairs, same = random.Random(rows), 150, 0
    for _ in range(pairs):
        better, worse = (sum(rnd.random() < 0.05 for _ in range(2_000)) * rows // 2_000 for _ in range(2))
        better, worse = max(better, 1), max(worse, 1)
        one, other = change_report(better, worse, rows), change_report(better + 1, worse, rows)
        same += (one.gates, one.metrics) == (other.gates, other.metrics)
    assert same >= share * pairs


def test_round_report__rendered(tmp_path):
    for rows in (60, 2_000):
        old = project(tmp_path, rows)
        exact = judged(tmp_path, [value * 0.9 for value in old])
        report = round_report(exact)
        assert [gate.value is None for gate in report.gates[:4]] == [rows == 60] * 4
        for before, after in zip(exact.gates, report.gates, strict=True):
            assert (
                after.value is None or abs(after.value - before.value) <= (before.interval[1] - before.interval[0]) / 8
            )
        for text in (
            render_comment(report, links=Links()),
            render_summary(report, links=Links()),
            render_page(report, links=Links()),
            render_terminal(report, colour=False, width=400),
        ):
            assert "rounded to what their intervals carry" in " ".join(text.split())
            assert "McNemar" not in text


def test_gate__numbers_on_sealed_labels(scene):
    folder = scene.folder
    fresh = holdout().replace("x", "z")  # the scene commits the same bytes without it
    files = {"fresh.csv": fresh, "mlci.yml": config(baseline="none", **BY_FILE).replace("holdout", "fresh")}
    write(folder, {**files, "preds.csv": ""})
    text = (folder / "mlci.yml").read_text().replace("max_drop: 0.05", "min: 0.5")
    (folder / "mlci.yml").write_text(text)
    assert mlci("seal", "--key", folder.parent / "key", cwd=folder).code == 0
    sealed = text.replace("data: fresh.csv", "data: fresh_features.csv\n  labels: fresh_labels.sealed")
    (folder / "mlci.yml").write_text(sealed)
    (folder / "fresh.csv").unlink()
    done = scene.gate(scene.train(sealed_files(1)), MLCI_LABEL_KEY=(folder.parent / "key").read_text())
    assert done.code == 0, done.err
    report = json.loads((folder / ".mlci/out/report.json").read_text())
    assert (report["evaluation"]["sealed"], report["evaluation"]["rounded"]) == (True, True)
    assert report["gates"][0]["outcome"] == "passed"
    assert "0.9" not in scene.comments()[0]["body"].split("<!--")[0]  # of 100 rows, no number is shown
