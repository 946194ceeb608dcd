"""The page: one self-contained file, escaped, bounded, with drawings that never contradict the verdict."""

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.report.curve_rows import ResidualRow, ResidualsRow
from mlci.report.page.gates import LIMIT_AT, gate_plot
from mlci.report.page.page import BUDGET, render_page
from mlci.report.page.scales import fit_scale
from mlci.report.render import render_all
from mlci.report.terminal import render_terminal
from mlci.report.text.markup import Links
from tests.support.html_document import VOID, Document
from tests.support.report_cases import (
    all_passed,
    enormous,
    first_run,
    hostile,
    many_groups,
    metrics_only,
    mixed,
    nothing_evaluated,
    regression,
    shifted,
    undefined,
    with_classes,
    with_rows,
    with_scores,
)
from tests.support.reports import a_report, failed, inconclusive, measured, passed

CASES = (
    all_passed,
    first_run,
    hostile,
    metrics_only,
    mixed,
    nothing_evaluated,
    regression,
    shifted,
    undefined,
    with_classes,
    with_rows,
    with_scores,
)
SVG = {"circle", "defs", "line", "path", "pattern", "polyline", "rect", "svg", "symbol", "text", "use"}
HTML = set(
    re.findall(
        r"\w+",
        """a b body caption code dd details div dl dt figcaption figure footer h1 h2 h3 head header html i li main nav
        ol p section span strong style summary table tbody td th thead title tr ul""",
    )
)


@cache
def page(case):
    return Document(render_page(case()))


@pytest.mark.parametrize("case", CASES)
def test_render_page__only_known_elements_and_own_ids(case):
    document = page(case)
    assert set(document.tags) <= HTML | SVG | VOID
    assert len(document.ids) == len(set(document.ids))
    links = {value for _, name, value in document.attributes if name == "href" and value.startswith("#")}
    assert links - {"#main"} <= {f"#{one}" for one in document.ids}


@pytest.mark.parametrize("case", CASES)
def test_render_page__no_script_and_no_request(case):
    for tag, name, value in page(case).attributes:
        assert not name.startswith("on")
        assert name not in {"src", "srcset", "action", "data"}
        if name == "href" and not value.startswith("#"):
            assert tag == "a"
            assert value.startswith("https://")


def test_render_page__hostile_names_are_text():
    text = render_page(hostile())
    assert "<script" not in text
    assert "<img" not in text
    assert "javascript:" not in {value for _, name, value in page(hostile).attributes if name == "href"}


def test_render_page__same_bytes_each_time():
    assert render_page(mixed()) == render_page(mixed())


def test_render_page__verdict_cause_and_next_step_come_first():
    text = page(mixed).text
    heads = [
        "Blocked: 1 of 10 gates failed",
        "Recall fell from 0.581 to 0.550.",
        "Next:",
        "Each row has its own scale.",
    ]
    places = [text.index(part) for part in heads]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("case", "heading"),
    [
        (all_passed, "May merge: both gates passed"),
        (mixed, "Blocked: 1 of 10 gates failed"),
        (first_run, "May merge: "),
        (nothing_evaluated, "Nothing relevant changed"),
        (undefined, "Blocked: "),
    ],
)
def test_render_page__heading_is_the_verdict(case, heading):
    assert page(case).headings["h1"][0].startswith(heading)


def test_render_page__every_gate_and_value_is_in_it():
    text = page(mixed).text
    for gate in mixed().gates:
        assert f"{gate.line}" in text
    assert "0.581 → 0.550" in text
    assert "−0.042 to −0.020" in text


def test_render_page__links_lead_to_the_repository():
    links = Links(repository="https://github.com/acme/credit", commit="3f9c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4")
    text = render_page(mixed(), links=links)
    assert 'href="https://github.com/acme/credit/blob/3f9c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4/mlci.yml#L31"' in text


def test_render_page__huge_report_keeps_verdict_and_budget():
    text = render_page(enormous())
    assert len(text.encode()) <= BUDGET
    document = Document(text)
    assert document.headings["h1"] == ["Blocked: all 3,000 gates failed"]
    assert document.text.endswith("Detail was left out to keep this page small; report.json has all of it.")


@pytest.mark.parametrize(("slices", "groups"), [(100, 3), (1, 1_000)])
def test_render_page__any_number_of_slices_fits(slices, groups):
    scopes = [{f"column {index}": f"group {number}"} for index in range(slices) for number in range(groups)]
    change = {"was": 0.8, "now": 0.81, "low": -0.01, "high": 0.03, "max_drop": 0.05}
    gates = [passed("recall", **scope, **change, line=index) for index, scope in enumerate(scopes)]
    gates[7] = failed("recall", **scopes[7], **{**change, "low": -0.3, "high": -0.1, "now": 0.6}, line=7)
    rows = [measured("recall", **scope, was=0.8, now=0.81, moved=(-0.01, 0.03), rows=400) for scope in scopes]
    text = render_page(a_report(gates=gates, metrics=rows, notes=tuple(f"note {number}" for number in range(500))))
    assert len(text.encode()) <= BUDGET
    assert Document(text).headings["h1"] == [f"Blocked: 1 of {slices * groups:,} gates failed"]
    assert next(iter(scopes[7].values())) in text


def test_render_page__least_detail_has_verdict_and_gates_only():
    text = render_page(many_groups(200), budget=30_000)
    assert Document(text).headings["h2"] == ["Gates"]
    with pytest.raises(ValueError, match="does not fit into 900 bytes"):
        render_page(many_groups(200), budget=900)


def test_render_page__two_hundred_groups_show_the_failed_one_first():
    text = render_page(many_groups(200))
    assert len(text.encode()) <= BUDGET
    section = Document(text).text.split("Recall by district")[-1]
    assert section.index("area 007") < section.index("area 000")


FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)


@settings(max_examples=100, deadline=None)
@given(FINITE, FINITE, FINITE, st.sampled_from(["min", "max", "max_drop", "max_rise"]))
def test_gate_plot__each_number_is_drawn_on_its_side_of_the_limit(first, second, share, kind):
    low, high = min(first, second), max(first, second)
    value = min(max(low, share), high)
    size = abs(share) if kind.startswith("max_") else share
    made = inconclusive("recall", was=0.0, now=value, value=value, low=low, high=high, judge="interval", **{kind: size})
    plot = gate_plot(made)
    if plot is None:
        return
    bound = {"min": size, "max": size, "max_drop": -size, "max_rise": size}[kind]
    sign = 1 if kind in {"min", "max_drop"} else -1
    for number, x in ((low, plot.low if sign > 0 else plot.high), (value, plot.value)):
        distance = (number - bound) * sign
        if abs(distance) > 1e-9 * max(abs(low), abs(high), abs(bound)):
            assert (x > LIMIT_AT) == (distance > 0)
    assert 7 <= plot.low <= plot.value <= plot.high <= 93


@settings(max_examples=100, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=8))
def test_scale__ticks_are_inside_and_rise(values):
    scale = fit_scale(values)
    ticks = scale.ticks("number")
    places = [tick.x for tick in ticks]
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)
    assert all(0 <= scale.x(value) <= 100 for value in values)
    assert not any(scale.is_cut(value) for value in values)


def test_render_page__curves_and_decisions():
    document = Document(render_page(with_scores()))
    assert {"Curves", "Decisions"} <= set(document.headings["h2"])
    assert "actual <no>" in document.text
    assert re.search(r"640 ?91\.4 %", document.text)
    marks = [value for tag, name, value in document.attributes if tag == "polyline" and name == "points"]
    assert "40.0,246.0 90.0,80.8 290.0,10.0" in marks


def test_render_page__mark_stands_at_the_operating_point():
    document = Document(render_page(with_scores()))
    recall, rate = 250 / 300, 60 / 700
    x, y = round(40 + 250 * rate, 1), round(246 - 236 * recall, 1)
    places = [(name, value) for tag, name, value in document.attributes if tag == "circle" and name in {"cx", "cy"}]
    assert ("cx", str(x)) in places
    assert ("cy", str(y)) in places


def test_render_page__curves_of_classes():
    """Three figures a class, with the mark at the class's own recall and false-positive rate."""
    document = Document(render_page(with_classes()))
    titles = ("<b>cat</b>: ROC", "<b>cat</b>: Precision and recall", "<b>cat</b>: Calibration", "dog: ROC")
    assert all(title in document.text for title in titles)
    assert "for 2 classes whose AUC fell most" in document.text
    assert "AUC 0.912 → 0.841" in document.text
    assert "150 rows of the class" in document.text
    assert "at least 400 rows in a bin" in document.text
    recall, rate = 120 / 150, 90 / 850
    places = {value for tag, name, value in document.attributes if tag == "circle" and name in {"cx", "cy"}}
    assert {str(round(40 + 250 * rate, 1)), str(round(246 - 236 * recall, 1))} <= places
    assert "<b>cat</b>, candidate" in document.text


def test_render_page__log_loss_and_costs():
    document = Document(render_page(with_classes()))
    assert "minus the logarithm of the label's probability" in document.text
    assert "Label's probability, baseline → candidate" in document.text
    assert "Training time 58.1 s → 61.2 s; Peak memory 412 MB." in document.text
    assert "What changed and what it cost" in document.headings["h2"]


def test_render_page__rows_that_changed_are_left_out_first():
    report = with_rows()
    text = render_page(report)
    assert ">Rows that changed most</h2>" in text
    assert "&lt;b&gt;loan-8&lt;/b&gt;" in text
    assert text.index("loan-77") < text.index("loan-8")
    assert ">+0.6" in text
    headings = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", text.split('id="rows"')[1].split("</table>")[0])
    assert headings[:3] == ["Key", "Change in loss", "Label"]  # what a phone shows
    smaller = render_page(report, budget=len(text.encode()) - 1)
    assert "loan-77" not in smaller
    assert "Detail was left out" in smaller
    assert set(re.findall(r'<section id="([\w-]+)"', text)) - set(re.findall(r'<section id="([\w-]+)"', smaller)) == {
        "rows"
    }


def test_render__rows_that_changed_are_on_the_page_only():
    texts = {**render_all(with_rows()), "terminal": render_terminal(with_rows(), details=True)}
    assert {name for name, text in texts.items() if "loan-77" in text} == {"report.html"}


def test_render_page__residuals():
    report = regression()
    text = render_page(report)
    figure = text.split('aria-labelledby="residuals-by-prediction-title"')[1].split("</figure>")[0]
    assert "baseline: from −29.75 to +25.50; candidate: from −41.75 to +13.50" in figure
    assert "Mean absolute error 44.10 → 43.00" in text
    assert figure.count("<circle") == 16
    places = [float(y) for y in re.findall(r'cy="([\d.]+)"', figure)]
    zero = float(re.search(r'class="dotted" x1="40.0" y1="([\d.]+)"', figure)[1])
    shown = [*report.residuals.baseline, *report.residuals.candidate]
    assert [(y < zero) - (y > zero) for y in places] == [(row.residual > 0) - (row.residual < 0) for row in shown]
    table = text.split("<summary>Residuals as a table</summary>")[1].split("</table>")[0]
    assert table.count("<tr>") == 17


def test_render_page__residuals_too_far_apart_are_a_table():
    rows = tuple(ResidualRow(predicted=sign * 1.7e308, residual=0.0, spread=0.0, rows=1) for sign in (-1, 1))
    text = render_page(a_report(task="regression", residuals=ResidualsRow(candidate=rows)))
    assert "Residuals as a table" in text
    assert "residuals-by-prediction" not in text
