"""JUnit XML of a report."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.report.render import junit
from tests.support.report_cases import GOLDEN
from tests.support.reports import a_report, broken, failed, inconclusive, no_baseline, passed


def suite_of(report):
    return ET.fromstring(junit(report).encode())[0]  # noqa: S314 (our own output)


DROP = {"was": 0.581, "now": 0.550, "low": -0.042, "high": -0.020, "max_drop": 0.010}


@pytest.mark.parametrize(
    ("result", "kind", "message"),
    [
        (passed("recall", **DROP), None, None),
        (failed("recall", **DROP), "failure", "failed: Recall fell from 0.581 to 0.550; it may fall by at most 0.010."),
        (broken("recall", max_drop=0.1, reason="0/0"), "error", "error: 0/0"),
        (inconclusive("recall", reason="too few", **DROP), "skipped", "inconclusive: too few"),
        (inconclusive("recall", reason="too few", blocks=True, **DROP), "failure", "inconclusive, blocks: too few"),
        (
            no_baseline("recall", now=0.5, max_drop=0.1),
            "skipped",
            "no baseline: no baseline yet; it is recorded when this merges",
        ),
        (
            no_baseline("recall", now=0.5, max_drop=0.1, blocks=True),
            "failure",
            "no baseline, blocks: no baseline yet; it is recorded when this merges",
        ),
    ],
)
def test_junit__one_test_case_for_each_outcome(result, kind, message):
    suite = suite_of(a_report(gates=[result]))
    case = suite[0]
    assert [child.tag for child in case] == ([kind] if kind else [])
    assert kind is None or case[0].get("message") == message
    counted = {"failure": "failures", "error": "errors", "skipped": "skipped"}
    assert {name: suite.get(name) for name in counted.values()} == {
        name: "1" if tag == kind else "0" for tag, name in counted.items()
    }


def test_junit__file_and_line_of_a_gate():
    case = suite_of(a_report(gates=[failed("recall", line=31, **DROP)]))[0]
    assert case.attrib == {"classname": "credit-risk", "name": "recall.max_drop", "file": "mlci.yml", "line": "31"}
    unplaced = suite_of(a_report(gates=[failed("recall", **DROP)]))[0]
    assert set(unplaced.attrib) == {"classname", "name"}


@pytest.mark.parametrize("name", GOLDEN)
def test_junit__every_gate(name):
    report = GOLDEN[name]()
    suite = suite_of(report)
    assert suite.get("tests") == str(len(report.gates)) == str(len(suite))


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=80, deadline=None)
def test_junit__any_text(text):
    result = failed("recall", scope={"slice": text, "group": text}, reason=text, id=text or "x", **DROP)
    case = suite_of(a_report(model=text or "m", gates=[result]))[0]
    assert case[0].text.startswith("Recall, ")
