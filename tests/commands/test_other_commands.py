"""`/mlci explain`, `run`, `promote` and `help`, and `mlci waive` on the command line."""

import pytest

from mlci.operations.commands.answer import PROMOTE_WORKFLOW
from mlci.report.serialization import dump_report
from tests.support.comment_commands import GATE, gates, write_check
from tests.support.project import mlci, write
from tests.support.reports import a_report


def test_explain__numbers_and_rule(pull):
    for user in ("tri", "contributor"):
        assert pull.say(f'/mlci explain "{GATE}"', user=user).code == 0
    first, second = (answer.partition("\n")[2].partition("**: ")[2] for answer in pull.answers())
    assert first == second
    for part in ("Recall, region north: failed", "0.600 → 0.500", "−0.120 to −0.080", "may fall by 0.010", "mlci.yml"):
        assert part in first, first
    assert pull.attempt() == 1


def test_explain__unknown_gate(pull):
    pull.say("/mlci explain nothing", user="tri")
    assert "the report has no gate nothing; it has recall" in pull.answers()[0]


def test_explain__without_a_report(pull):
    pull.fake.state.tables["artifacts"].clear()
    pull.say("/mlci explain nothing", user="tri")
    assert "has no artifact mlci-report-demo" in pull.answers()[0]
    pull.fake.change_run(pull.run, status="in_progress", conclusion=None)
    pull.say("/mlci explain nothing", user="tri")
    assert "comment again when it has ended" in pull.answers()[1]


def test_run__of_the_head_commit(pull):
    pull.say("/mlci run", user="tri")
    assert "has the role" in pull.answers()[-1]
    pull.say("/mlci run", user="wes")
    assert (pull.attempt(), "runs again" in pull.answers()[-1]) == (2, True)
    pull.say("/mlci run", user="wes")
    assert (pull.attempt(), "is running" in pull.answers()[-1]) == (2, True)


def test_run__of_the_run_that_judged(pull):
    """In sealed mode the check has the number of the run that trained, and a link to the run that judged."""
    judged = pull.fake.run(branch="main", conclusion="failure", name="mlci-gate", event="workflow_run")
    write_check(pull, details_url=f"https://github.example/octo-org/model/actions/runs/{judged}")
    pull.say("/mlci run", user="wes")
    assert (pull.attempt(), pull.fake.state.one("runs", id=judged)["attempt"]) == (1, 2)


GATE_OF_ONE_MODEL = "on: {workflow_run: {}}\njobs: {gate: {steps: [{uses: mlci/mlci/actions/sealed-gate@v1}]}}\n"


@pytest.mark.parametrize("listed", [True, False])
def test_explain__never_from_the_run_that_trained(pull, listed):
    """The pull request's own code runs in training, and can upload a report or give a job the name of the check."""
    judged = pull.fake.run(branch="main", conclusion="failure", name="mlci-gate-demo", event="workflow_run")
    address = f"https://github.example/octo-org/model/actions/runs/{judged}"
    write_check(pull, details_url=address)
    if listed:
        write(pull.folder, {".github/workflows/mlci-gate-demo.yml": GATE_OF_ONE_MODEL})
        write_check(pull, details_url=address.replace(str(judged), str(pull.run)), external_id="")
        pull.say("/mlci run", user="wes")
        assert (pull.attempt(), pull.fake.state.one("runs", id=judged)["attempt"]) == (1, 2)
    pull.say(f'/mlci explain "{GATE}"', user="tri")
    pull.say(pull.waive())
    assert not any("0.600" in answer for answer in pull.answers())
    assert pull.waivers() == []


def test_explain__run_of_the_gate_was_deleted(pull):
    """Without it, nothing shows that the check's own number is not that of the training."""
    write_check(pull, details_url="https://github.example/octo-org/model/actions/runs/987654321")
    pull.say(f'/mlci explain "{GATE}"', user="tri")
    assert "0.600" not in pull.answers()[0]


@pytest.mark.parametrize("facts", [{"name": "deploy"}, {"name": "mlci-gate"}, {"name": "x", "event": "workflow_run"}])
def test_run__check_that_names_another_run(pull, facts):
    """Any job of the repository can write a check; no command starts a run that did not judge this commit."""
    other = pull.fake.run(branch="main", conclusion="failure", **facts)
    write_check(pull, external_id=f"{other}.1", details_url=f"https://github.example/x/actions/runs/{other}")
    pull.say("/mlci run", user="wes")
    attempts = 1 if "event" in facts else 2  # by a gate that is not known, so this may be sealed mode
    assert (pull.attempt(), pull.fake.state.one("runs", id=other)["attempt"]) == (attempts, 1)


def test_run__github_refuses(pull):
    pull.fake.state.change(pull.fake.state.one("runs", id=pull.run), expired=True)
    pull.say("/mlci run", user="wes")
    assert "created over a month ago" in pull.answers()[0]
    assert "start it by hand" in pull.answers()[0]


def test_promote__merged_commit(pull):
    pull.say("/mlci promote")
    assert "is not merged" in pull.answers()[-1]
    head = pull.head
    facts = {"state": "closed", "merged_at": "2026-05-01T12:00:00Z", "merge_sha": head}
    pull.fake.change_pull(pull.number, **facts)
    pull.say("/mlci promote")
    assert "no run of" in pull.answers()[-1]
    number = pull.fake.run(branch="topic", conclusion="failure", name="mlci-promote")
    row = pull.fake.state.one("runs", id=number)
    assert row["path"] == PROMOTE_WORKFLOW
    pull.say("/mlci promote", user="wes")
    assert row["attempt"] == 1
    pull.say("/mlci promote")
    assert (row["attempt"], "runs again" in pull.answers()[-1]) == (2, True)
    pull.fake.state.change(row, status="completed", conclusion="success")
    pull.say("/mlci promote")
    assert (row["attempt"], "promoted already" in pull.answers()[-1]) == (2, True)


@pytest.mark.parametrize("text", ["/mlci", "/mlci help", "/mlci aprove", "/mlci $(id)", "/mlci `id`; rm -rf /"])
def test_help__lists_every_command(pull, text):
    pull.say(text, user="tri")
    assert pull.answers()[0].count("\n/mlci ") == 5
    assert (pull.waivers(), pull.attempt()) == ([], 1)


def test_command__without_a_token(pull):
    pull.token = None
    ended = pull.say(pull.waive())
    assert ended.code == 2
    assert "MLCI_TOKEN: ${{ github.token }}" in ended.err


def waive(pull, *more, user="dana", gate=GATE, head=None, token=None, **options):
    given = {"until": "2099-01-01", "reason": "known label noise", **options}
    report = a_report(model="demo", gates=gates(), candidate={"commit": pull.head})
    (pull.folder / "report.json").write_text(dump_report(report))
    words = ["--report", "report.json"]
    words += [word for name, value in given.items() for word in (f"--{name}", value)]
    token = token or pull.fake.token(user=user)
    names = {"GITHUB_TOKEN": token, "GITHUB_API_URL": pull.fake.url, "GITHUB_REPOSITORY": pull.fake.name}
    return mlci("waive", gate, head or pull.head, *words, *more, cwd=pull.folder, **names)


def test_waive_command__by_a_maintainer(pull):
    ended = waive(pull, user="root")
    assert ended.code == 0, ended.err
    assert "is waived on" in ended.out
    (record,) = pull.waivers()
    assert (record.person, record.role, record.gate, record.head) == ("root", "admin", GATE, pull.head)
    assert "nothing was written" in waive(pull, user="root").out
    assert len(pull.waivers()) == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"user": "wes"}, "has the role `write`"),
        ({"user": "octocat"}, "has the role"),
        ({"until": "2001-01-01"}, "is over"),
        ({"until": "soon"}, "day of the calendar"),
        ({"head": "main"}, "whole SHA"),
        ({"head": "c" * 40}, "is not the report of model demo on commit ccccccc"),
        ({"gate": "nothing.min"}, "has no gate"),
        ({"report": "none.json"}, "gh run download"),
        ({"reason": "a\nb"}, "control characters"),
    ],
)
def test_waive_command__refused(pull, more, why):
    ended = waive(pull, **more)
    assert (ended.code, pull.waivers()) == (2, [])
    assert why in ended.err


def test_waive_command__by_an_author(pull):
    for user in ("contributor", "octocat"):
        pull.fake.role(user, "admin")
        ended = waive(pull, user=user)
        assert (ended.code, pull.waivers()) == (2, [])
        assert "is an author of this change" in ended.err


def test_waive_command__token_of_a_workflow(pull):
    ended = waive(pull, token=pull.token)
    assert (ended.code, pull.waivers()) == (2, [])
    assert "does not belong to one" in ended.err
