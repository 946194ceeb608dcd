"""Rendered files beside ``report.json``, JUnit XML among them."""

import re
from xml.etree import ElementTree as ET

from mlci.report.comment import render_comment, render_summary
from mlci.report.document import GateRow, Report
from mlci.report.gate_numbers import Stock, gate_numbers, gate_remarks, rows_available
from mlci.report.headline import gate_sentence
from mlci.report.page.page import render_page
from mlci.report.text import labels
from mlci.report.text.escape import visible
from mlci.report.text.markup import NO_LINKS, Links, Plain

_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # what XML 1.0's Char leaves out


def junit(report: Report) -> str:
    """Write gates as test cases of one suite.

    A gate that blocks is a failure (an error, if it could not be computed); doubt that only warns is
    skipped, with their reason. There are no times: the same result gives the same bytes.
    """
    rows = report.gates
    kinds = [_kind(row) for row in rows]
    has = rows_available(report)
    suite = ET.Element(
        "testsuite",
        {
            "name": _text(report.model),
            "tests": str(len(rows)),
            "failures": str(kinds.count("failure")),
            "errors": str(kinds.count("error")),
            "skipped": str(kinds.count("skipped")),
        },
    )
    for row, kind in zip(rows, kinds, strict=True):
        suite.append(_case(report, row, kind, has))
    root = ET.Element("testsuites", {"name": "mlci", **{k: v for k, v in suite.attrib.items() if k != "name"}})
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


_DECIDES = {"estimate": "value", "interval": "interval"}


def _kind(row: GateRow) -> str | None:
    """Return the element that stands for a gate's outcome in JUnit; ``None`` for one that passed."""
    match row.outcome:
        case "passed":
            return None
        case "error":
            return "error"
        case "failed":
            return "failure"
        case "waived":
            return "skipped"
        case "inconclusive" | "no_baseline":
            return "failure" if row.blocks else "skipped"


def _case(report: Report, row: GateRow, kind: str | None, has: Stock) -> ET.Element:
    attributes = {"classname": _text(report.model), "name": _text(row.id)}
    if row.line is not None:
        attributes |= {"file": _text(report.provenance.config_path or "mlci.yml"), "line": str(row.line)}
    case = ET.Element("testcase", attributes)
    if kind is not None:
        message = _message(report, row, has)
        element = ET.SubElement(
            case, kind, {"message": message} if kind == "skipped" else {"message": message, "type": row.outcome}
        )
        element.text = _facts(row)
    return case


def _message(report: Report, row: GateRow, has: Stock) -> str:
    d = Plain()
    parts = [labels.outcome_word(row), gate_remarks(d, has, row) or gate_sentence(d, report, row)]
    return _text(": ".join(parts))


def _facts(row: GateRow) -> str:
    if row.test:
        return _text(f"{row.metric}: {row.reason}")
    line = gate_numbers(row)
    title = labels.scoped_title(Plain(), row.metric, row.scope)
    return _text(f"{title}: {line.pair}; {line.evidence}; {line.limit}; decided by the {_DECIDES[row.judge]}")


def _text(text: str) -> str:
    """Make a text fit for XML 1.0 (section 2.2, "Characters") and visible."""
    return _INVALID.sub("\N{REPLACEMENT CHARACTER}", visible(text))


def render_all(report: Report, *, links: Links = NO_LINKS, run: str | None = None) -> dict[str, str]:
    """Render the report's files; the same report and links give the same bytes."""
    return {
        "comment.md": render_comment(report, links=links, run=run),
        "summary.md": render_summary(report, links=links),
        "junit.xml": junit(report),
        "report.html": render_page(report, links=links),
    }
