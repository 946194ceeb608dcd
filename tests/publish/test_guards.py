"""Mutation tests: with each guard removed, one at a time, the test for it must fail."""

from inspect import signature

import pytest

from mlci.cli.publishing import steps as publish_steps
from mlci.github import client
from mlci.github.interface import CheckRun
from mlci.operations.publish import check_run as publish_check
from mlci.operations.publish import publish, sticky_comment
from mlci.publish import check_content, comment_choice, commit_verdict, event, result, runs
from mlci.publish.commit_verdict import CheckText
from tests.publish import (
    test_check,
    test_choose_comment,
    test_command,
    test_event,
    test_joint_verdict,
    test_publish,
    test_races,
    test_result,
)


def any_author(comments, *, me, model):
    """Comments with mlci's marker, by any author."""
    return [one for one in comments if runs.read_marker(one.body) is not None]


def always_mine(found, version, *, creates):
    """Whatever is there gets this run's text."""
    chosen = REAL["choose"](found, version, creates=creates)
    return (
        comment_choice.Choice(step=comment_choice.EditComment(found[0], version), extra=(), run=version.run)
        if found
        else chosen
    )


def only_if_wanted(found, version, *, creates):
    """The policy keeps a comment from being updated."""
    return REAL["choose"](found if creates else [], version, creates=creates)


def none_counted(data):
    """A check run with an unknown number of annotations."""
    return CheckRun(**{**vars(REAL["check_run"](data)), "annotations": 0})


def any_app(checks, *, app):
    """Attempts of any app."""
    return REAL["attempts"](checks, app=None)


def newest_run(ones):
    """Attempts ordered by their runs alone."""
    return [max(ones, key=lambda one: one.run)]


def last_check(found):
    """The newest check alone, of any invocation."""
    return tuple(sorted(found, key=lambda one: one.id))[-1:]


def own_alone(one, joined, *, model):
    """Each check shows its own verdict."""
    conclusion = None if one.record.own == "open" else {"error": "failure"}.get(one.record.own, one.record.own)
    return CheckText(conclusion=conclusion, title=one.record.title, summary=one.text)


REAL = {
    "choose": comment_choice.choose_comment,
    "check_run": client.parse_check_run,
    "attempts": commit_verdict.read_attempts,
}
DEFECTS = {
    "author": (
        comment_choice,
        "own_comments",
        any_author,
        test_publish.test_publish__user_quotes_the_marker,
        {},
    ),
    "pages": (client, "_has_next", lambda _: False, test_publish.test_publish__comment_on_the_fourth_page, {}),
    "order": (
        comment_choice,
        "choose_comment",
        always_mine,
        test_choose_comment.test_choose_comment__older_run_keeps_a_newer_comment,
        {"there": (8, 1), "mine": (7, 1), "written": False},
    ),
    "verify": (
        publish,
        "_TURNS",
        1,
        test_races.test_publish__newer_run_between_read_and_write,
        {},
    ),
    "policy": (
        comment_choice,
        "choose_comment",
        only_if_wanted,
        test_publish.test_publish__stale_success_is_replaced_under_any_policy,
        {"policy": "never", "report": test_publish.CRASH},
    ),
    "look": (
        publish_check,
        "_seen",
        lambda *_: (),
        test_publish.test_publish__one_fault_anywhere,
        {"method": "POST", "path": "/check-runs", "when": "after"},
    ),
    "count": (
        client,
        "parse_check_run",
        none_counted,
        test_publish.test_publish__annotations_in_batches,
        {"gates": 51},
    ),
    "status": (
        commit_verdict,
        "newest_attempts",
        last_check,
        test_publish.test_publish__older_run_changes_nothing_newer,
        {},
    ),
    "foreign": (
        publish,
        "find_foreign",
        lambda *_, **__: [],
        test_publish.test_publish__foreign_check_of_the_same_name,
        {},
    ),
    "another-app": (
        publish_check,
        "_anothers",
        lambda _: False,
        test_publish.test_publish__foreign_check_with_the_same_run,
        {},
    ),
    "invocations": (
        commit_verdict,
        "newest_attempts",
        last_check,
        test_joint_verdict.test_colour__worst_of_the_newest_attempts_in_every_order,
        {"deadly": 0.0, "moving": False},
    ),
    "reruns": (
        commit_verdict,
        "_last",
        newest_run,
        test_joint_verdict.test_colour__worst_of_the_newest_attempts_in_every_order,
        {"deadly": 0.0, "moving": False},
    ),
    "shown": (
        commit_verdict,
        "text_of_check",
        own_alone,
        test_joint_verdict.test_colour__worst_of_the_newest_attempts_in_every_order,
        {"deadly": 0.0, "moving": False},
    ),
    "app": (
        commit_verdict,
        "read_attempts",
        any_app,
        test_publish.test_publish__newer_run_of_another_app_is_not_copied,
        {},
    ),
    "reader": (
        publish,
        "_reads_only",
        lambda *_: False,
        test_publish.test_publish__token_of_a_fork,
        {},
    ),
    "duplicates": (
        sticky_comment,
        "_delete",
        lambda *_: None,
        test_races.test_publish__two_that_find_no_comment,
        {},
    ),
    "doubt": (
        result,
        "_doubt",
        lambda *_: None,
        test_result.test_read_result__passes_after_success_only,
        {},
    ),
    "status-without-checks": (
        sticky_comment,
        "newer_stands",
        lambda *_: False,
        test_publish.test_publish__older_run_later_without_checks,
        {},
    ),
    "unnamed": (
        result,
        "_elsewhere",
        lambda *_: None,
        test_result.test_read_result__report_without_a_commit,
        {"code": "0"},
    ),
    "astral": (
        check_content,
        "basic",
        str,
        test_check.test_check_annotations__files_outside_of_the_repository,
        {"path": "😀/mlci.yml", "shown": None},
    ),
    "fork": (
        event,
        "_is_fork",
        lambda *_: False,
        test_event.test_event_facts__fork,
        {"changes": {"pull_request__head__repo": None}},
    ),
    "run-alone": (
        runs,
        "without_run",
        str,
        test_choose_comment.test_choose_comment__only_the_run_differs,
        {"before": "same", "after": "same"},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_guard__removed_fails_its_test(fake, monkeypatch, name):
    module, guard, defect, test, arguments = DEFECTS[name]
    fixtures = {"fake": fake, "pull": fake.pull("topic")}
    given = {name: value for name, value in fixtures.items() if name in signature(test).parameters}
    whole = getattr(module, guard)
    for place in (
        module,
        publish,
        publish_check,
        sticky_comment,
        commit_verdict,
        client,
        test_choose_comment,
    ):  # wherever the name was imported to
        if getattr(place, guard, None) is whole:
            monkeypatch.setattr(place, guard, defect)
    with pytest.raises((AssertionError, ValueError)):
        test(**given, **arguments)
    fake.violations.clear()


def test_guard__note_without_a_seal_is_accepted(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(publish_steps.Note, "_seal", lambda *_: "")
    job = test_command.Job(fake, tmp_path / "work", fake.pull("topic"))
    with pytest.raises(AssertionError):
        test_command.test_publish__forged_note(job, "edited")
