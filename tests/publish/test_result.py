"""Acceptance of a report, and the text without one."""

import itertools

import pytest

from mlci.publish.result import CODES, Claim, Finished, Unfinished, read_result, unfinished_text, unfinished_title
from mlci.report.document import Candidate
from mlci.report.text.markup import Links
from tests.support.publish.scene import bad, good, unsure
from tests.support.rendered import Page
from tests.support.reports import HEAD

LINKS = Links(
    repository="https://github.com/o/r",
    commit=HEAD,
    report="https://github.com/o/r/actions/runs/7",
    guide="https://x.org/g",
)


def claim(**more):
    return Claim(**{"ended": "success", "code": "0", "model": "credit-risk", "commits": frozenset({HEAD}), **more})


@pytest.mark.parametrize(
    ("report", "ended", "code"),
    [
        (good(), "success", "0"),
        (unsure(), "success", "0"),
        (bad(), "failure", "1"),
        (bad(), "success", "1"),  # a step with `continue-on-error`
        (good(), "cancelled", "0"),  # it ended before a user cancelled
        (good(), "success", None),  # a workflow in stages says nothing about the code
        (bad(), "failure", None),
        (good(), None, None),  # by hand
        (bad(), None, None),
    ],
)
def test_read_result__matching_exit_code(report, ended, code):
    assert read_result(report, claim(ended=ended, code=code)) == Finished(report=report)


@pytest.mark.parametrize(
    ("report", "ended", "code", "words"),
    [
        (good(), "failure", "", "did not finish"),  # a committed report.json, and an install step that failed
        (good(), "success", "", "did not finish"),
        (bad(), "failure", "", "did not finish"),
        (good(), "failure", "1", "the report says pass, but the evaluation ended with exit code 1"),
        (bad(), "failure", "0", "the report says block, but the evaluation ended with exit code 0"),
        (good(), "failure", "3", "exit code 3: the project's own train or predict step failed"),
        (good(), "failure", "70", "a bug in mlci"),
        (good(), "failure", "137", "not a code of mlci"),
        (good(), "success", "zero", "has no exit code"),
        (good(), "failure", None, "the job ended as failure"),
        (good(), "cancelled", None, "the job ended as cancelled"),
        (bad(), "cancelled", None, "the job ended as cancelled"),
    ],
)
def test_read_result__exit_code_does_not_match(report, ended, code, words):
    found = read_result(report, claim(ended=ended, code=code))
    assert isinstance(found, Unfinished)
    assert words in found.why


def test_read_result__passes_after_success_only():
    codes = [None, "", "x", *map(str, CODES)]
    for ended, code in itertools.product(["success", "failure", "cancelled", None], codes):
        found = read_result(good(), claim(ended=ended, code=code))
        believed = isinstance(found, Finished)
        assert believed == (code == "0" or (code is None and ended in {"success", None})), (ended, code)


def test_read_result__report_of_another_model_or_commit():
    assert "the report is about the model other" in read_result(good(model="other"), claim()).why
    elsewhere = good(candidate=Candidate(commit="b" * 40))
    assert "the report is about the commit bbbbbbb" in read_result(elsewhere, claim()).why
    assert isinstance(read_result(elsewhere, claim(commits=frozenset({HEAD, "b" * 40}))), Finished)  # the merge commit


@pytest.mark.parametrize("code", ["0", None])
def test_read_result__report_without_a_commit(code):
    found = read_result(good(candidate=Candidate()), claim(code=code))
    assert isinstance(found, Unfinished)
    assert found.why.startswith("the report names no commit, so it may be about another one than this run's: ")
    assert "pass MLCI_HEAD_SHA" in unfinished_text(found, model="credit-risk", head=HEAD, links=LINKS)
    assert isinstance(
        read_result(good(candidate=Candidate()), claim(code=code, commits=frozenset())), Finished
    )  # no head


@pytest.mark.parametrize(
    ("ended", "code", "cancelled", "why"),
    [
        ("failure", "2", False, "the evaluation ended with exit code 2: configuration or data that can't be used"),
        (
            "failure",
            "3",
            False,
            "the evaluation ended with exit code 3: the project's own train or predict step failed",
        ),
        (
            "failure",
            "4",
            False,
            "the evaluation ended with exit code 4: GitHub, a registry or the network failed",
        ),
        ("failure", "70", False, "the evaluation ended with exit code 70: a bug in mlci"),
        ("failure", "0", False, "wrote no readable report"),
        ("failure", "", False, "the evaluation did not finish"),
        ("failure", None, False, "the evaluation did not finish"),
        ("success", "", False, "the evaluation did not finish"),
        ("cancelled", "", True, "the job was cancelled or ran into its time limit"),
        ("cancelled", "130", True, "the evaluation ended with exit code 130: it was interrupted"),
        (None, None, False, "the evaluation did not finish"),
    ],
)
def test_read_result__no_report(ended, code, cancelled, why):
    found = read_result(None, claim(ended=ended, code=code))
    assert isinstance(found, Unfinished)
    assert why in found.why
    assert found.cancelled == cancelled
    page = Page(unfinished_text(found, model="credit-risk", head=HEAD, links=LINKS))
    assert page.unclosed == []
    assert page.references() == []
    assert LINKS.report in page.links


def test_unfinished_text__crash():
    found = read_result(None, claim(ended="failure", code="3"))
    assert unfinished_text(found, model="credit-risk", head=HEAD, links=LINKS) == (
        "## ⛔ credit-risk: the evaluation did not finish\n"
        "\n"
        "The evaluation ended with exit code 3: the project's own train or predict step failed.\n"
        "\n"
        "**Next:** look at the last lines of the step in [the run](https://github.com/o/r/actions/runs/7), repair it, "
        "and push.\n"
        "\n"
        "Nothing was judged, so nothing passed: a missing result is never a pass, and an earlier report in this "
        "place was about another evaluation.\n"
        "\n"
        "<sub>[`3f9c2ab`](https://github.com/o/r/commit/3f9c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4) · [log of the run]"
        "(https://github.com/o/r/actions/runs/7) · [how gates decide](https://x.org/g)</sub>\n"
    )


def test_unfinished_text__cancelled_with_hostile_details():
    problems = [f"mlci.yml:{i}: @everyone `x` <script> #12 ![](http://evil)" for i in range(14)]
    found = read_result(None, claim(ended="cancelled", code=""), problems=problems)
    assert unfinished_title(found) == "the evaluation was cancelled"
    page = Page(unfinished_text(found, model="credit-risk", head=None, links=Links()))
    assert "script" not in page.tags
    assert page.references() == page.links == []
    assert any("and 4 more" in data for data, _ in page.nodes)


@pytest.mark.parametrize("worst", ["$", "|", "@a", "\u202e", "😀", ":::"])
def test_unfinished_text__fits_into_a_check(worst):
    found = read_result(None, claim(ended="failure", code=""), problems=[worst * 2_000] * 30)
    assert len(unfinished_text(found, model="m" * 100, head=HEAD, links=LINKS).encode()) < 65_535
