"""The choice of mlci's comment, the order of runs, and the effect of each policy."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.publish import runs
from mlci.publish.comment_choice import (
    CreateComment,
    EditComment,
    KeepComment,
    NoComment,
    choose_comment,
    creates,
    own_comments,
)
from mlci.publish.plan import mark_text
from mlci.publish.runs import Run
from mlci.report.comment import with_marker
from tests.support.publish.scene import BOT, MODEL, bad, good, unsure
from tests.support.reports import HEAD, a_report, no_baseline, passed


@dataclass(frozen=True)
class Posted:
    id: int
    body: str
    author: str = BOT


def post(number, run, text="hello", *, head=HEAD, model=MODEL, **more):
    return Posted(number, mark_text(model, head, Run(*run), text).body, **more)


def version(run, text="hello", *, head=HEAD):
    return mark_text(MODEL, head, Run(*run), text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1842.1", Run(1842, 1)),
        ("01842.1", Run(1842, 1)),
        ("1842", None),
        ("1842.1.1", None),
        ("-1.1", None),
        ("1842.x", None),
        ("١٨٤٢.١", None),
        ("1" * 21 + ".1", None),
        ("", None),
        (None, None),
    ],
)
def test_parse_run__two_numbers(text, found):
    assert runs.parse_run(text) == found


def test_run__order_is_numeric():
    assert sorted([Run(10, 1), Run(9, 12), Run(9, 2), Run(100, 1)]) == [Run(9, 2), Run(9, 12), Run(10, 1), Run(100, 1)]


@given(
    model=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True),
    head=st.none() | st.text("0123456789abcdef", min_size=40, max_size=40),
    run=st.none() | st.tuples(st.integers(0, 10**19), st.integers(0, 10**5)),
)
def test_read_marker__round_trip(model, head, run):
    first = with_marker(model=model, head=head, run=None if run is None else str(Run(*run)))
    found = runs.read_marker(f"{first}\r\n## text")
    assert (found.model, found.head, found.run) == (model, head, None if run is None else Run(*run))


@given(st.text())
def test_read_marker__any_text(body):
    found = runs.read_marker(body)
    assert found is None or body.startswith("<!-- mlci ")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "text\n<!-- mlci id=credit-risk run=1.1 -->",
        "> <!-- mlci id=credit-risk run=1.1 -->",
        " <!-- mlci id=credit-risk run=1.1 -->",
        "<!-- mlci id=credit-risk run=1.1 --> and more",
        "<!-- mlci  id=credit-risk -->",
        "<!-- mlci id=credit-risk",
        "<!-- mlci -->",
    ],
)
def test_read_marker__not_the_whole_first_line(body):
    assert runs.read_marker(body) is None


def test_choose_comment__same_model_and_author_oldest_first():
    comments = [
        post(9, (3, 1)),
        post(5, (2, 1)),
        post(1, (9, 9), author="octocat"),
        post(2, (9, 9), author="evil-github-actions[bot]"),
        post(3, (9, 9), model="credit-risk-2"),
        Posted(4, f"I quote:\n{post(0, (9, 9)).body}"),
        Posted(6, ""),
    ]
    assert [one.id for one in own_comments(comments, me="GitHub-Actions[bot]", model=MODEL)] == [5, 9]


def test_choose_comment__none_posted():
    assert choose_comment([], version((7, 1)), creates=True).step == CreateComment(version((7, 1)))
    assert choose_comment([], version((7, 1)), creates=False).step == NoComment()


@pytest.mark.parametrize(
    ("there", "mine", "written"),
    [
        ((6, 1), (7, 1), True),
        ((9, 1), (10, 1), True),  # as numbers
        ((7, 1), (7, 2), True),
        ((7, 9), (7, 10), True),
        ((7, 1), (7, 1), True),  # the same run says something else: published twice
        ((8, 1), (7, 1), False),
        ((10, 1), (9, 99), False),
        ((7, 2), (7, 1), False),
    ],
)
def test_choose_comment__older_run_keeps_a_newer_comment(there, mine, written):
    one = post(5, there, "theirs")
    found = choose_comment([one], version(mine, "mine"), creates=True)
    assert found.step == (EditComment(one, version(mine, "mine")) if written else KeepComment(one))
    assert found.run == max(Run(*there), Run(*mine))


def test_choose_comment__marker_without_a_run_is_older():
    one = Posted(5, f"{with_marker(model=MODEL, head=HEAD, run=None)}\nold")
    assert isinstance(choose_comment([one], version((1, 1)), creates=False).step, EditComment)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("same", "same"),
        ("same\n", "same"),
        ("two\r\nlines", "two\nlines"),
        ("[r](https://github.com/o/r/actions/runs/7)", "[r](https://github.com/o/r/actions/runs/8)"),
        ("[r](https://github.com/o/r/actions/runs/7/attempts/1)", "[r](https://github.com/o/r/actions/runs/8)"),
    ],
)
def test_choose_comment__only_the_run_differs(before, after):
    one = post(5, (7, 1), before)
    assert choose_comment([one], version((8, 1), after), creates=True).step == KeepComment(one)


def test_choose_comment__another_head():
    one = post(5, (7, 1), head="a" * 40)
    assert isinstance(choose_comment([one], version((8, 1)), creates=True).step, EditComment)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_choose_comment__several_posted(order):
    found = [post(10 + place, (run, 1), f"of {run}") for place, run in enumerate(order)]
    choice = choose_comment(found, version((2, 1), "of 2"), creates=True)
    assert choice.extra == tuple(found[1:])
    stands = choice.step.version.body if isinstance(choice.step, EditComment) else choice.step.comment.body
    assert choice.step.comment.id == 10
    assert stands.endswith("of 3")
    assert choice.run == Run(3, 1)


@pytest.mark.parametrize(
    ("policy", "report", "wanted"),
    [
        ("always", good(), True),
        ("always", None, True),
        ("never", bad(), False),
        ("never", None, False),
        ("on-failure", good(), False),
        ("on-failure", unsure(), False),
        ("on-failure", bad(), True),
        ("on-failure", None, True),
        ("on-change", good(), True),  # 0.871 → 0.878
        ("on-change", unsure(), True),
        ("on-change", bad(), True),
        ("on-change", None, True),
        ("on-change", a_report(gates=[passed("roc_auc", was=0.871, now=0.871, max_drop=0.01)]), False),
        ("on-change", a_report(gates=[passed("roc_auc", was=0.87100001, now=0.87100002, max_drop=0.01)]), False),
        ("on-change", a_report(gates=[passed("roc_auc", now=0.9, min=0.8)], baseline=False), False),
        ("on-change", a_report(gates=[no_baseline("roc_auc", now=0.9, max_drop=0.1)], baseline=False), True),
        (
            "on-change",  # a cost of the run differs every time and is not news
            a_report(gates=[passed("predict_seconds_per_1k_rows", was=0.004, now=0.005, max_rise=1.0, relative=True)]),
            False,
        ),
    ],
)
def test_creates__every_policy(policy, report, wanted):
    assert creates(policy, report) == wanted


@pytest.mark.parametrize("policy", ["always", "never", "on-failure", "on-change"])
@pytest.mark.parametrize("report", [good(), bad(), None])
def test_choose_comment__posted_comment_is_updated_under_every_policy(policy, report):
    found = choose_comment([post(5, (1, 1), "green")], version((2, 1), "now"), creates=creates(policy, report))
    assert isinstance(found.step, EditComment)
