"""The port of the runner's parsers, by which the invariants read every log."""

import pytest

from tests.support.workflow_commands import read_log


@pytest.mark.parametrize(
    "line",
    [
        "::set-output name=verdict::pass",
        "::Set-Output name=verdict::pass",
        "\u00a0\u3000\t::set-output name=verdict::pass",
        "progress 50%\r::set-output name=verdict::pass",
        "text ##[set-output name=verdict;other=1]pass",
        "::unknown::##[set-output name=verdict]pass",
        "\u200b:\u200d:set-output name=verdict::pass",
        "#\u00ad#[set-output name=verdict]pass",
        "::set-output name=verd%69ct,name=verdict::pass",
    ],
)
def test_read_log__commands(line):
    assert read_log(line).outputs.get("verdict") == "pass"


@pytest.mark.parametrize(
    "line",
    [
        "x ::set-output name=verdict::pass",
        ": :set-output name=verdict::pass",
        ":::set-output name=verdict::pass",
        "::set-output name=verdict:pass",
        "::set-outputs name=verdict::pass",
        "## [set-output name=verdict]pass",
        "##[unknown]##[set-output name=verdict]pass",
        "##[set-output name=verdict",
    ],
)
def test_read_log__no_commands(line):
    said = read_log(line)
    assert (said.outputs, said.masks, said.others, said.annotations) == ({}, [], [], [])


def test_read_log__escapes():
    (one,) = read_log("::error file=a%2Cb%3Ac,line=3::x%0Ay%253A").annotations
    assert (one.file, one.line, one.message) == ("a,b:c", "3", "x\ny%3A")
    assert read_log("##[set-output name=a%3Bb]x%5D%0D").outputs == {"a;b": "x]\r"}
