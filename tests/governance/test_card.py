"""Model card: what it shows of the evidence, what it lacks, and that no name of data acts as markup."""

import re
from typing import get_args

import pytest
import yaml

from mlci.config.lifecycle.governance import Card, EvidenceItem
from mlci.governance.card import render_html_card, render_markdown_card
from mlci.governance.items import ITEMS, list_evidence
from mlci.registry.entry_kinds import ApprovalRecord, Promotion, Reviewer, Rollback
from tests.governance.versions import DIGEST, entry, evidence, hostile_evidence
from tests.support.html_document import Document
from tests.support.rendered import REFERENCES, Page
from tests.support.report_cases import HOSTILE, behavioural, metrics_only, mixed
from tests.support.reports import a_report, measured, passed, waived

STATED = Card(
    intended_use="Rank applications.\nA person decides.",
    limits=("fewer than 30 rows in the south",),
    owners=("risk-team",),
    license="apache-2.0",
    evidence={"annex-iv-8": "docs/declaration.pdf"},
)


def front_matter(text):
    """Read the front matter as the Hub does: YAML between the first two lines of dashes."""
    return yaml.safe_load(re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)[1])


def body(text):
    return text.split("\n---\n", 1)[1]


def cells(text, *first):
    """Return the rest of the row of a table that begins with these cells."""
    rows = [row for table in Page(body(text)).tables for row in table]
    return next(row[len(first) :] for row in rows if tuple(row[: len(first)]) == first)


def test_render_markdown_card__fields_of_the_hub():
    report = a_report(
        gates=[passed("roc_auc", value=0.81, min=0.75)],
        metrics=[
            measured("roc_auc", now=0.81, span=(0.79, 0.83)),
            measured("recall", now=0.55, rows=380, slice="region", group="north", span=(0.5, 0.6)),
        ],
    )
    found = front_matter(render_markdown_card(evidence(report, card=STATED)))
    assert found["license"] == "apache-2.0"
    assert found["pipeline_tag"] == "tabular-classification"
    index = found["model-index"][0]
    assert index["name"] == report.model
    whole, north = index["results"]
    assert whole["task"]["type"] == "tabular-classification"
    assert whole["dataset"] == {
        "type": "evaluation-set",
        "name": "data/holdout.csv",
        "revision": report.evaluation.fingerprint,
    }
    assert whole["metrics"] == [
        {"type": "roc_auc", "value": 0.81, "name": "ROC AUC", "args": {"confidence": 0.95, "low": 0.79, "high": 0.83}}
    ]
    assert whole["source"] == {"name": "mlci", "url": "https://github.com/octo/models/actions/runs/7"}
    assert north["dataset"]["config"] == "region=north"
    assert north["dataset"]["args"] == {"slice": "region", "group": "north", "rows": 380}
    assert north["metrics"][0]["args"]["high"] == 0.6


def test_render_markdown_card__values_with_intervals():
    text = render_markdown_card(evidence(mixed(), card=STATED))
    report = mixed()
    shown = [row for row in report.metrics if row.slice is None and row.candidate is not None]
    assert shown
    assert "Rank applications.\n\nA person decides." in text
    assert "- fewer than 30 rows in the south" in text
    assert "MISSING: `card.risks` in mlci.yml" in text
    grouped = next(row for row in report.metrics if row.slice and row.candidate is not None)
    assert cells(text, grouped.group, f"{grouped.rows:,}")[0].startswith("0.")


def test_render_markdown_card__many_groups():
    rows = [measured("recall", now=0.5, rows=40, region=f"group {number}") for number in range(250)]
    text = render_markdown_card(evidence(a_report(metrics=rows)))
    assert "Recall by region; 50 more in bom.json" in text
    assert "group 199 " in text
    assert "| group 200 " not in text
    assert len(front_matter(text)["model-index"][0]["results"]) == 100


def test_render_markdown_card__decisions_approval_and_waiver():
    approved = ApprovalRecord(pull=12, head="b" * 40, by=(Reviewer(login="grace", counts_as="octo/risk"),))
    promotion = Promotion(version=3, manifest=DIGEST, replaced=2, note="spring release", approval=approved)
    rollback = entry(Rollback(version=2, replaced=3, reason="drift in the north"), number=9)
    gates = [waived("recall", value=0.5, min=0.6, by="dana", because="label noise")]
    known = evidence(a_report(gates=gates), promotion=promotion, production=False, rolled_back="drift in the north")
    text = render_markdown_card(evidence(known.report, promotion=promotion, decisions=(known.promotion, rollback)))
    assert cells(text, "5")[2] == "promoted, in place of version 2: spring release"
    assert cells(text, "9")[2] == "rolled back from it to version 2: drift in the north"
    assert "grace for octo/risk, pull request 12 at `" + "b" * 40 in text
    assert "waived by dana until 2026-12-01: label noise" in text
    assert "it was rolled back (drift in the north)" in render_markdown_card(known)


def test_list_evidence__every_item_has_evidence_or_is_missing():
    rows = list_evidence(evidence(mixed(), card=STATED))
    assert [row.item.id for row in rows] == list(get_args(EvidenceItem))
    assert all(row.found or row.pointer or row.missing for row in rows)
    by_id = {row.item.id: row for row in rows}
    assert by_id["annex-iv-8"].pointer == "docs/declaration.pdf"
    assert by_id["annex-iv-7"].missing == ("",)
    assert by_id["measure-2.4"].missing == ("`card.monitoring` in mlci.yml",)
    assert by_id["govern-1.4"].missing == ("`require_approval` in mlci.yml",)


def test_list_evidence__nothing_stated():
    rows = {row.item.id: row for row in list_evidence(evidence(metrics_only()))}
    assert rows["map-1.1"].found == ()
    assert rows["measure-2.11"].missing != ()
    assert rows["annex-iv-1a"].found == ("Recorded: version 3, replaced version 2",)


@pytest.mark.parametrize("case", [mixed, metrics_only, behavioural], ids=lambda case: case.__name__)
def test_card__no_score_and_no_conclusion(case):
    for text in (render_markdown_card(evidence(case())), render_html_card(evidence(case()))):
        words = re.sub(r"<style>.*?</style>", "", body(text) if text.startswith("---") else text, flags=re.DOTALL)
        assert not re.search(r"complian|conformant|fulfil", words, re.IGNORECASE)
        assert "gives no score" in words
    assert all(item.title for item in ITEMS)


def test_render_markdown_card__hostile_names_are_text():
    text = render_markdown_card(hostile_evidence())
    page = Page(body(text))
    assert set(page.tags) <= {
        "h1", "h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "strong", "code", "sub", "br",
        "span", "hr",
    }  # fmt: skip
    assert "hr" not in page.tags
    assert page.links == []
    assert page.unclosed == []
    assert [node for node, formula in page.nodes if not formula and REFERENCES.search(node)] == []
    assert page.tags.count("h1") == 1
    assert "{{ 7 * 7 }}" in "".join(node for node, _ in page.nodes)


def test_front_matter__hostile_names_are_text():
    text = render_markdown_card(hostile_evidence())
    found = front_matter(text)
    assert set(found) <= {"license_link", "pipeline_tag", "tags", "metrics", "model-index"}
    assert found["tags"][:2] == ["a: b # c", "'\"\\"]
    assert found["tags"][3:] == ["null", "1:30", "*anchor", "!!python/object:os.system", "mlci"]
    assert all(isinstance(tag, str) for tag in found["tags"])
    assert found["model-index"][0]["results"][0]["dataset"]["name"] == "<b>␊---␊license: mit"
    groups = [
        one["dataset"]["args"]["group"] for one in found["model-index"][0]["results"] if "config" in one["dataset"]
    ]
    assert len(groups) == len(HOSTILE)


def test_render_html_card__hostile_names_are_text():
    text = render_html_card(hostile_evidence())
    document = Document(text)
    assert not {"script", "img", "iframe", "b", "a href"} & set(document.tags)
    assert not any(name.startswith("on") or name in {"src", "action"} for _, name, _ in document.attributes)
    links = [value for _, name, value in document.attributes if name == "href"]
    assert links
    assert all(link.startswith("#") for link in links)
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert "<img src=x onerror=alert(1)>" in document.text


def test_render_html_card__addresses_within_the_page():
    document = Document(render_html_card(evidence(mixed(), card=STATED)))
    assert len(document.ids) == len(set(document.ids))
    links = {value for _, name, value in document.attributes if name == "href"}
    assert links <= {f"#{one}" for one in document.ids}
