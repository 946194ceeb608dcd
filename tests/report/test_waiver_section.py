"""The comment's lines to copy: each is a command that the grammar reads, whatever the data calls its groups."""

import re

import pytest

from mlci.commands.grammar import WaiveCommand, parse_command
from mlci.report.comment import render_comment
from mlci.report.render import render_all
from tests.support.reports import HEAD, a_report, broken, failed, passed

DROP = {"was": 0.6, "now": 0.5, "low": -0.12, "high": -0.08, "max_drop": 0.01}
FENCE = re.compile(r"^(`{3,})text\n(.*)\n\1$", re.MULTILINE)


def lines(*gates, **more):
    text = render_comment(a_report(gates=[*gates, passed("f1", was=0.6, now=0.6, max_drop=0.01)], **more))
    return [found[1] for found in FENCE.findall(text)]


@pytest.mark.parametrize(
    "group",
    ["north", "São Paulo", 'say "no"', "back\\slash", "`code`", "````", "<!-- -->", "a|b", "@octocat #1", "--until"],
)
def test_waiver_section__line_is_a_command(group):
    row = failed("recall", region=group, waivable=True, **DROP)
    (line,) = lines(row)
    command = parse_command(line.replace("YYYY-MM-DD", "2026-12-31").replace("…", "label noise"))
    assert command == WaiveCommand(gate=row.id, until="2026-12-31", reason="label noise", head=HEAD)
    assert not isinstance(parse_command(line), WaiveCommand), "the placeholders have to be filled in"


@pytest.mark.parametrize("group", ["a\nb", "a\u202eb", "a\u200bb", "a\u00a0b", "two  spaces", "\u2800"])
def test_waiver_section__id_that_cannot_be_copied(group):
    assert lines(failed("recall", region=group, waivable=True, **DROP)) == []


def test_waiver_section__only_findings_that_can_be_waived():
    assert lines(failed("recall", **DROP), broken("precision", min=0.5)) == []
    assert lines(failed("recall", waivable=True, **DROP), candidate={"label": "new.csv"}) == []
    report = a_report(gates=[failed("recall", waivable=True, region=f"r{index}", **DROP) for index in range(9)])
    text = render_comment(report)
    assert len(FENCE.findall(text)) == 5
    assert "4 more gates: `id` in report.json has the name." in text
    assert "/mlci waive" not in render_all(report)["summary.md"]
