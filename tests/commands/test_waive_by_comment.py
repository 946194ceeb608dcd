"""Waivers by comment: who may give which one, and every way around the rules that was thought of."""

from dataclasses import replace

import pytest

from tests.fake_github.gitrepo import Repo
from tests.support.comment_commands import GATE, write_artifact
from tests.support.reports import a_report, failed


def test_waive__by_a_maintainer(pull):
    ended = pull.say(pull.waive())
    assert ended.code == 0, ended.err
    (record,) = pull.waivers()
    facts = (record.kind, record.gate, record.head, record.person, record.role, record.until, record.reason)
    assert facts == ("waived", GATE, pull.head, "dana", "maintain", "2099-01-01", "known label noise")
    assert (record.pull, record.accepted, record.worst) == (pull.number, "value", -0.12)
    assert pull.attempt() == 2
    (answer,) = pull.answers()
    assert "is waived on" in answer
    assert "entry 1 of the ledger" in answer
    assert "while its value is not worse than -0.12" in answer
    assert pull.reactions() == ["eyes", "+1"]


def test_waive__redelivered_and_run_again(pull):
    comment = pull.comment(pull.waive())
    assert [pull.deliver(comment).code for _ in range(3)] == [0, 0, 0]
    assert (len(pull.waivers()), len(pull.answers()), pull.attempt()) == (1, 1, 2)


def test_waive__answer_was_lost(pull):
    comment = pull.comment(pull.waive())
    pull.fake.fail("POST", "/issues/*/comments", kind="status", status=403, times=1)
    assert pull.deliver(comment).code == 4
    assert pull.answers() == []
    assert pull.deliver(comment).code == 0
    assert (len(pull.waivers()), len(pull.answers())) == (1, 1)
    assert "the ledger had this waiver already" in pull.answers()[0]


@pytest.mark.parametrize(
    ("user", "why"),
    [
        ("wes", "has the role `write`"),
        ("tri", "has the role `triage`"),
        ("contributor", "has the role `read`"),
    ],
)
def test_waive__without_the_role(pull, user, why):
    assert pull.say(pull.waive(), user=user).code == 0
    assert pull.waivers() == []
    assert why in pull.answers()[0].replace("&#96;", "`")
    assert pull.reactions() == ["eyes", "-1"]


def test_waive__stranger_gets_no_answer(pull):
    ended = pull.say(pull.waive(), user="stranger")
    assert "no role here" in ended.out
    assert (pull.waivers(), pull.answers(), pull.reactions()) == ([], [], ["eyes", "-1"])


@pytest.mark.parametrize("user", ["contributor", "octocat", "Octocat"])
def test_waive__by_an_author(pull, user):
    pull.fake.role(user, "admin")
    pull.say(pull.waive(), user=user)
    assert pull.waivers() == []
    assert "is an author of this change" in pull.answers()[0]


def test_waive__own_head_through_another_pull_request(pull):
    """The maintainer opened the first pull request, and another account a second one of the same head."""
    pull.fake.change_pull(pull.number, user="dana")
    second = replace(pull, number=pull.fake.pull("topic", user="contributor"))
    assert second.head == pull.head
    second.say(second.waive())
    assert pull.waivers() == []
    assert "dana is an author of this change" in second.answers()[0]


@pytest.mark.parametrize(
    ("trailer", "why"),
    [
        ("Co-authored-by: D <7+dana@users.noreply.github.com>", "dana is an author of this change"),
        ("co-authored-by:dana@users.noreply.github.com", "dana is an author of this change"),
        ("Co-authored-by: O <octocat@example.org>", None),
        ("Co-authored-by: Dana <dana@example.org>", "has a co-author by an address that leads to no account"),
        ("Co-authored-by: dana", "has a co-author by an address that leads to no account"),
    ],
)
def test_waive__by_a_coauthor(pull, monkeypatch, trailer, why):
    served = Repo.commit

    def commit(repo, sha):
        found = served(repo, sha)
        return found | {"message": f"{found['message']}\n\n{trailer}"}

    monkeypatch.setattr(Repo, "commit", commit)
    pull.say(pull.waive())
    assert len(pull.waivers()) == (why is None)
    assert (why or "is waived on") in pull.answers()[0]


def test_waive__commit_of_an_unknown_author(pull):
    pull.fake.state.tables["emails"].clear()
    pull.say(pull.waive())
    assert pull.waivers() == []
    assert "does not know the author or the committer" in pull.answers()[0]


def test_waive__more_commits_than_listed(pull, monkeypatch):
    monkeypatch.setattr("mlci.operations.commands.waive.LISTED_COMMITS", 0)
    pull.say(pull.waive())
    assert pull.waivers() == []
    assert "more commits than GitHub lists" in pull.answers()[0]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"head": "b" * 40}, "for one commit"),
        ({"gate": "recall[region=west].max_drop"}, "has no gate"),
        ({"gate": "rec\u0430ll[region=north].max_drop"}, "has no gate"),
        ({"gate": "recall[region=north].max_drop "}, "has no gate"),
        ({"gate": "precision.min"}, "without a number"),
        ({"gate": "recall[region=south].max_drop"}, "does not block"),
        ({"until": "2098-05-31"}, "is over: today is 2098-06-01"),
        ({"until": "2099-06-03"}, "at most a year"),
        ({"until": "2098-06-01T23:59:59-12:00"}, "day of the calendar"),
        ({"reason": "see \u202ethis"}, "U+202E"),
    ],
)  # fmt: skip
def test_waive__refused(pull, changes, why):
    assert pull.say(pull.waive(**changes)).code == 0
    assert pull.waivers() == []
    assert why in pull.answers()[0]
    assert pull.attempt() == 1


def test_waive__last_day_is_in_utc(pull):
    pull.say(pull.waive(until="2098-06-01"))
    assert [one.until for one in pull.waivers()] == ["2098-06-01"]


@pytest.mark.parametrize(
    "text",
    ["> {}", "```\n{}\n```"],
)
def test_waive__inside_something_else(pull, text):
    ended = pull.say(text.format(pull.waive()))
    assert "not a command" in ended.out
    assert (pull.waivers(), pull.answers(), pull.reactions()) == ([], [], [])


@pytest.mark.parametrize(
    "more", ["\n/mlci promote", "\r\n/mlci run", "\n\nthanks", "\r::set-output name=verdict::pass"]
)
def test_waive__with_more_lines(pull, more):
    ended = pull.say(pull.waive() + more)
    assert pull.waivers() == []
    assert "::set-output" not in ended.out + ended.err
    assert "not done" in pull.answers()[0]


@pytest.mark.parametrize("user", ["helper[bot]", "github-actions[bot]"])
def test_waive__by_a_bot(pull, user):
    pull.fake.role(user, "admin")
    ended = pull.say(pull.waive(), user=user)
    assert "not made by a person" in ended.out
    assert pull.waivers() == []


@pytest.mark.parametrize(("facts", "why"), [({"action": "edited"}, "edited"), ({"action": "deleted"}, "edited"),
                                            ({"user": "wes"}, "comment's author")])  # fmt: skip
def test_waive__event_of_something_else(pull, facts, why):
    comment, sender = pull.comment(pull.waive()), facts.pop("user", "dana")
    assert why in pull.deliver(comment, sender, **facts).out
    assert pull.waivers() == []


def test_waive__edited_before_the_workflow_ran(pull, monkeypatch):
    comment = pull.comment("/mlci run")
    environment = pull.fake.environment
    body = pull.waive()

    def forged(*arguments, **facts):
        row = pull.fake.state.one("comments", id=comment)
        pull.fake.state.change(row, body=body)
        found = environment(*arguments, **facts)
        pull.fake.state.change(row, body="/mlci run")
        return found

    monkeypatch.setattr(pull.fake, "environment", forged)
    assert "edited or deleted since" in pull.deliver(comment).out
    assert (pull.waivers(), pull.answers()) == ([], [])


def test_waive__pushed_meanwhile(pull):
    text = pull.waive()
    pull.fake.change_pull(pull.number, head_ref="main")
    pull.say(text)
    assert pull.waivers() == []
    assert f"the head commit is {pull.head}" in pull.answers()[0].replace("<!-- -->", "")


def test_waive__closed(pull):
    pull.fake.change_pull(pull.number, state="closed")
    pull.say(pull.waive())
    assert pull.waivers() == []
    assert "closed" in pull.answers()[0]


def test_waive__answer_forged_by_a_person(pull):
    comment = pull.comment(pull.waive())
    pull.comment(f"<!-- mlci-answer comment={comment} -->\ndone", user="contributor")
    pull.deliver(comment)
    assert len(pull.waivers()) == 1


def test_waive__text_that_means_something_to_markdown(pull):
    pull.say(pull.waive(reason="@octo-org/team [x](http://e.example) <img src=x> #1 | `a`"))
    answer = pull.answers()[0]
    assert len(pull.waivers()) == 1
    for raw in ("@octo-org", "](http", "<img", " #1 ", "`a`"):
        assert raw not in answer


def test_waive__without_a_registry(pull):
    config = pull.folder / "mlci.yml"
    config.write_text(config.read_text().replace("baseline: production", "baseline: {ref: main}"))
    pull.say(pull.waive())
    assert "baseline: production" in pull.answers()[0].replace("&#96;", "")


@pytest.mark.parametrize("broken", ["garbage", "two", "other commit", "missing", "expired"])
def test_waive__without_a_report(pull, broken):
    """Without a readable report no number was seen, so nothing can be accepted."""
    pull.fake.state.tables["artifacts"].clear()
    if broken == "garbage":
        pull.fake.artifact(pull.run, "mlci-report-demo", b"PK\x03\x04 not an archive")
    elif broken == "expired":
        pull.fake.artifact(pull.run, "mlci-report-demo", {"report.json": "{}"}, expired=True)
    elif broken != "missing":
        commit = pull.head if broken == "two" else "c" * 40
        row = failed("forged", min=0.9, now=0.1, waivable=True, why="beyond_limit")
        report = a_report(model="other" if broken == "two" else "demo", gates=[row], candidate={"commit": commit})
        write_artifact(pull, report)
    for gate in ("forged.min", GATE):
        pull.say(pull.waive(gate=gate))
    assert pull.waivers() == []
    assert {"a waiver accepts a number of the report" in one for one in pull.answers()} == {True}
