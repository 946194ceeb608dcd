"""Each guard taken away, one at a time: a test that is there for it has to turn red."""

from inspect import signature

import pytest

from mlci.cli import publish_steps
from mlci.github import client
from mlci.github.interface import CheckRun
from mlci.operations.publish import check as publish_check
from mlci.operations.publish import comment, publish
from mlci.publish import check, comment_choice, commit_verdict, event, result, runs
from mlci.publish.commit_verdict import CheckText
from tests.publish import (
    test_check,
    test_choice,
    test_command,
    test_event,
    test_joining,
    test_publish,
    test_races,
    test_result,
)


def anyones(comments, *, me, model):
    """Comments with our marker, whoever wrote them."""
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
    """A check run of which nobody knows how many annotations arrived."""
    return CheckRun(**{**vars(REAL["check_run"](data)), "annotations": 0})


def anybodys(checks, *, app):
    """Attempts of any app."""
    return REAL["attempts"](checks, app=None)


def newest_run(ones):
    """Attempts ordered by their runs alone."""
    return [max(ones, key=lambda one: one.run)]


def last_check(found):
    """The newest check alone, whatever asked for it."""
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
        anyones,
        test_publish.test_a_person_who_quotes_the_marker_keeps_the_comment,
        {},
    ),
    "pages": (client, "_has_next", lambda _: False, test_publish.test_our_comment_is_found_on_the_fourth_page, {}),
    "order": (
        comment_choice,
        "choose_comment",
        always_mine,
        test_choice.test_an_older_run_never_overwrites_a_newer_one,
        {"there": (8, 1), "mine": (7, 1), "written": False},
    ),
    "verify": (
        publish,
        "_TURNS",
        1,
        test_races.test_the_race_that_a_plain_list_then_edit_loses,
        {},
    ),
    "policy": (
        comment_choice,
        "choose_comment",
        only_if_wanted,
        test_publish.test_no_stale_green_stands_whatever_the_policy,
        {"policy": "never", "report": test_publish.CRASH},
    ),
    "look": (
        publish_check,
        "_seen",
        lambda *_: (),
        test_publish.test_one_fault_anywhere_changes_nothing,
        {"method": "POST", "path": "/check-runs", "when": "after"},
    ),
    "count": (
        client,
        "parse_check_run",
        none_counted,
        test_publish.test_annotations_come_in_batches_and_each_once,
        {"gates": 51},
    ),
    "status": (
        commit_verdict,
        "newest_attempts",
        last_check,
        test_publish.test_an_older_run_is_concluded_and_changes_nothing_that_is_newer,
        {},
    ),
    "foreign": (
        publish_check,
        "foreign_checks",
        lambda *_, **__: [],
        test_publish.test_a_foreign_check_of_our_name_is_named,
        {},
    ),
    "another-app": (
        publish_check,
        "_anothers",
        lambda _: False,
        test_publish.test_a_check_of_another_app_with_our_runs_number_keeps_nothing_from_being_said,
        {},
    ),
    "invocations": (
        commit_verdict,
        "newest_attempts",
        last_check,
        test_joining.test_colour__in_every_order_is_the_worst_of_the_newest_attempts,
        {"deadly": 0.0, "moving": False},
    ),
    "reruns": (
        commit_verdict,
        "_last",
        newest_run,
        test_joining.test_colour__in_every_order_is_the_worst_of_the_newest_attempts,
        {"deadly": 0.0, "moving": False},
    ),
    "shown": (
        commit_verdict,
        "text_of_check",
        own_alone,
        test_joining.test_colour__in_every_order_is_the_worst_of_the_newest_attempts,
        {"deadly": 0.0, "moving": False},
    ),
    "app": (
        commit_verdict,
        "read_attempts",
        anybodys,
        test_publish.test_a_newer_run_of_another_app_is_never_copied_into_our_comment,
        {},
    ),
    "reader": (
        publish,
        "_reads_only",
        lambda *_: False,
        test_publish.test_a_forks_token_is_refused_once_and_nothing_else_is_tried,
        {},
    ),
    "duplicates": (
        comment,
        "_delete",
        lambda *_: None,
        test_races.test_two_that_both_find_nothing_make_one_comment,
        {},
    ),
    "doubt": (
        result,
        "_doubt",
        lambda *_: None,
        test_result.test_no_pass_without_success_over_everything_that_can_be_said,
        {},
    ),
    "status-without-checks": (
        comment,
        "newer_stands",
        lambda *_: False,
        test_publish.test_without_checks_an_older_run_that_comes_later_leaves_the_newer_ones_comment_and_status,
        {},
    ),
    "unnamed": (
        result,
        "_elsewhere",
        lambda *_: None,
        test_result.test_a_report_that_names_no_commit_is_no_verdict_on_a_head,
        {"code": "0"},
    ),
    "astral": (
        check,
        "basic",
        str,
        test_check.test_only_a_file_of_the_repository_is_annotated,
        {"path": "😀/mlci.yml", "shown": None},
    ),
    "fork": (
        event,
        "_is_fork",
        lambda *_: False,
        test_event.test_a_fork_reads_only_and_its_branch_is_not_one_of_ours,
        {"changes": {"pull_request__head__repo": None}},
    ),
    "run-alone": (
        runs,
        "without_run",
        str,
        test_choice.test_what_differs_by_its_run_alone_is_not_written_again,
        {"before": "same", "after": "same"},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_missing_guard_turns_its_test_red(fake, monkeypatch, name):
    module, guard, defect, test, arguments = DEFECTS[name]
    fixtures = {"fake": fake, "pull": fake.pull("topic")}
    given = {name: made for name, made in fixtures.items() if name in signature(test).parameters}
    whole = getattr(module, guard)
    for place in (
        module,
        publish,
        publish_check,
        comment,
        commit_verdict,
        client,
        test_choice,
    ):  # wherever the name was imported to
        if getattr(place, guard, None) is whole:
            monkeypatch.setattr(place, guard, defect)
    with pytest.raises((AssertionError, ValueError)):
        test(**given, **arguments)
    fake.violations.clear()


def test_a_note_without_a_seal_leads_the_token_astray(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(publish_steps.Note, "_seal", lambda *_: "")
    job = test_command.Job(fake, tmp_path / "work", fake.pull("topic"))
    with pytest.raises(AssertionError):
        test_command.test_a_note_that_is_not_ours_counts_as_nothing(job, "edited")
