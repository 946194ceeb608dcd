"""The content of a check, within GitHub's limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlci.publish import check_content
from mlci.publish.event import Event
from mlci.publish.plan import NothingToPublish, find_target, plan_publication
from mlci.publish.result import Finished, Unfinished
from mlci.publish.runs import Run
from mlci.report.document import Provenance
from mlci.report.text.markup import Links
from tests.support.publish.scene import bad, good, unsure, wide
from tests.support.reports import HEAD, a_report, broken, failed, inconclusive, no_baseline, passed

EVENT = Event(name="pull_request", head=HEAD, pull=7, branch="topic")
TARGET = find_target(EVENT, model="credit-risk", run=Run(7, 1), url="https://github.com/o/r/actions/runs/7")


def what(result, policy="always"):
    return plan_publication(TARGET, result, policy=policy, links=Links())


@pytest.mark.parametrize(
    ("result", "conclusion", "state", "title"),
    [
        (Finished(report=good()), "success", "success", "the gate passed"),
        (Finished(report=unsure()), "success", "success", "may merge, 1 gate inconclusive"),
        (Finished(report=bad()), "failure", "failure", "blocked, 1 gate failed"),
        (Unfinished(why="x"), "failure", "error", "the evaluation did not finish"),
        (Unfinished(why="x", cancelled=True), "cancelled", "error", "the evaluation was cancelled"),
    ],
)
def test_check__conclusion_state_and_title(result, conclusion, state, title):
    found = what(result)
    assert (found.conclusion, found.state) == (conclusion, state)
    assert sorted(found.title.split(", ")) == sorted(title.split(", "))
    assert found.target.name == "mlci / credit-risk"
    assert "<!-- mlci" not in found.body
    assert found.target.version(found.body).body.startswith(f"<!-- mlci id=credit-risk head={HEAD} run=7.1 -->\n## ")


def test_check__anchor_of_the_registry_in_the_summary_only():
    report, anchor = good(), f"12:{'ab' * 32}"
    assert what(Finished(report=report)).summary == what(Finished(report=report)).body
    read = report.model_copy(update={"provenance": report.provenance.model_copy(update={"anchor": anchor})})
    found = what(Finished(report=read))
    assert found.summary.endswith(f"\n\nThe registry as it was read: `mlci ledger verify --anchor {anchor}`")
    assert anchor not in found.body
    with pytest.raises(ValidationError):
        Provenance(seed=7, anchor="12:abc`")


def test_find_target__no_commit():
    found = find_target(Event(name="push", why="the push deleted a branch or tag"), model="m", run=Run(1, 1), url=None)
    assert found == NothingToPublish(why="the push deleted a branch or tag")


def test_check_annotations__lines_of_the_gates_blocking_first():
    limit = {"max_drop": 0.01, "was": 0.6, "now": 0.5}
    report = a_report(
        gates=[
            passed("roc_auc", was=0.8, now=0.9, max_drop=0.01, line=3),
            inconclusive("precision", **limit, low=-0.2, high=0.1, rows_needed=900, line=5),
            no_baseline("accuracy", max_drop=0.1, now=0.5, line=6),
            failed("recall", region="north", **limit, low=-0.2, high=-0.05, line=7),
            broken("brier", max_drop=0.1, reason="no scores", line=None),
        ]
    )
    found = check_content.check_annotations(report)
    assert {(one.path, one.line, one.level) for one in found} == {
        ("mlci.yml", 7, "failure"),
        ("mlci.yml", 1, "failure"),
        ("mlci.yml", 5, "warning"),
        ("mlci.yml", 6, "warning"),
    }
    assert found[0].title == "failed: Recall, region north"
    assert found[0].message == (
        "Recall for region north fell from 0.600 to 0.500; it may fall by at most 0.010.\n"
        "0.600 → 0.500; −0.100 (−0.200 to −0.050); may fall by 0.010"
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("mlci.yml", "mlci.yml"),
        ("./models/churn/mlci.yml", "models/churn/mlci.yml"),
        ("/srv/mlci.yml", None),
        ("../mlci.yml", None),
        ("a/../../mlci.yml", None),
        ("C:\\mlci.yml", None),
        ("😀/mlci.yml", None),
        ("a\nb.yml", None),
        (" ", None),
        (None, None),
    ],
)
def test_check_annotations__files_outside_of_the_repository(path, shown):
    found = check_content.check_annotations(bad(provenance=Provenance(config_path=path, seed=1)))
    assert [one.path for one in found] == ([shown] if shown else [])


def test_check_annotations__more_than_the_limit():
    found = check_content.check_annotations(wide(check_content.MOST + 40))
    assert len(found) == check_content.MOST
    assert found[-1].message == "40 more gates did not pass."


@given(name=st.text(min_size=1, max_size=400), reason=st.text(max_size=3_000))
def test_check_annotations__hostile_names(name, reason):
    report = a_report(gates=[broken("recall", region=name, max_drop=0.1, reason=reason, line=3)])
    (one,) = check_content.check_annotations(report)
    assert max(map(ord, one.title + one.message)) <= 0xFFFF
    assert len(one.title) <= 255
    assert len(one.message.encode()) <= 64 * 1024


@given(st.text(max_size=600))
def test_shorten_text__marks_the_cut(text):
    for most in (255, 140):
        found = check_content.shorten_text(text, most)
        assert len(found) <= most
        assert found == check_content.basic(text) or found.endswith("…")
