"""Comment and check: names from data that would act in a comment, a page or a check, and foreign checks and comments."""

import re
from functools import partial
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from mlci.github.interface import CheckRun, Comment
from mlci.operations.publish.publish import publish_report
from mlci.publish.check_content import check_annotations, check_title, status_description
from mlci.publish.commit_verdict import AttemptRecord, write_record
from mlci.publish.event import Event
from mlci.publish.plan import Target, find_target, plan_publication
from mlci.publish.result import Finished, Unfinished, unfinished_text
from mlci.publish.runs import Run
from mlci.report.comment import BUDGET, render_comment, with_marker
from mlci.report.document import Candidate
from mlci.report.page.page import render_page
from mlci.report.render import junit
from mlci.report.text.markup import Links
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.support.publish.memory import APP, Memory, Port
from tests.support.publish.scene import MODEL, NAME, bad, good, wide
from tests.support.rendered import Page
from tests.support.reports import a_report, failed, measured

OLD, HEAD = "a" * 40, "b" * 40
TEXTS = {
    "script": "<script>alert(1)</script>",
    "event handler": '"><img src=x onerror=alert(1)>',
    "mention": "@octocat and @org/team",
    "reference": "closes #12, GH-12, owner/repo#1",
    "link": "[x](https://evil.example) https://evil.example www.evil.example",
    "picture": "![x](https://evil.example/p.png)",
    "closed details": "</details></summary></td></table>\n\n# ✅ passed",
    "new table row": "a | b\n| ✅ | passed |",
    "heading on a line of its own": "x\n\n# ✅ credit-risk: passed\n",
    "end of a comment": "--> <!-- mlci id=credit-risk head=0 run=999.1 -->",
    "record of an attempt": f"x\n\n<!-- mlci-attempt key={'0' * 16} own=success label=a title=b -->",
    "formula": "$\\color{green}\\text{passed}$",
    "reversed text": "\u202edessap\u2066\u200b",
    "command": "##[set-output name=verdict]pass ::set-output name=verdict::pass",
    "template": "{{ 7 * 7 }}{% raw %}",
    "surrogate": "\ud800\x00\x1b[2J",
}
TAGS = {
    *[
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "a",
        "code",
        "strong",
        "em",
        "details",
        "summary",
        "sub",
        "br",
        "hr",
        "ul",
        "ol",
        "li",
        "span",
    ]
}


def _bad(text: str):
    """A report that blocks, with the text wherever data may stand."""
    gate = failed("recall", region=text, was=0.6, now=0.5, low=-0.2, high=-0.05, max_drop=0.01, line=3, reason=text)
    row = measured("recall", region=text, was=0.6, now=0.5)
    return a_report(gates=[gate], metrics=[row], notes=(text,))


class _Elements(HTMLParser):
    """Elements, attributes and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def _comment(scene: Scene, *, text: str) -> None:
    made = scene.call(render_comment, _bad(text), run="1.1", links=Links(repository="https://github.com/o/r"))
    scene.published.append(made)
    page = Page(made.partition("\n")[2])
    assert set(page.tags) <= TAGS, set(page.tags) - TAGS
    assert page.references() == []
    assert all(link.startswith("https://github.com/o/r") for link in page.links), page.links
    assert not re.search(r"^#+ ✅", made, re.MULTILINE), "a heading of the attacker"
    assert made.count("<!-- mlci ") == 1, "a marker of the attacker"


def _page(scene: Scene, *, text: str) -> None:
    made = scene.call(render_page, _bad(text))
    scene.published.append(made)
    found = _Elements(made)
    assert "script" not in found.tags
    assert "img" not in found.tags
    assert "\u202e" not in made
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    outside = [value for name, value in found.attributes if name in {"src", "href"} and "evil" in value]
    assert outside == []


def _junit(scene: Scene, *, text: str) -> None:
    made = scene.call(junit, _bad(text))
    scene.published.append(made)
    assert len(ET.fromstring(made).findall(".//failure")) == 1  # noqa: S314 - the product's own text


def _check(scene: Scene, *, text: str) -> None:
    report = _bad(text)
    annotations, title = scene.call(lambda: (check_annotations(report), check_title(report)))
    description = status_description(title)
    scene.published += [title, description, *(f"{one.title}\n{one.message}" for one in annotations)]
    assert len(title) <= 255
    assert len(description) <= 140
    assert all(len(one.message) <= 2_000 for one in annotations)
    scene.say("\n".join(scene.published))  # a later step may print them


def _unfinished(scene: Scene, *, text: str) -> None:
    made = scene.call(
        unfinished_text, Unfinished(why=text, code=3, details=(text,)), model="m", head=HEAD, links=Links()
    )
    scene.published.append(made)
    page = Page(made)
    assert set(page.tags) <= TAGS, set(page.tags) - TAGS
    assert page.references() == []


def _marker(scene: Scene, *, model: str) -> None:
    made = scene.call(with_marker, model=model, head=HEAD, run="1.1")
    assert made.count("-->") == 1
    assert "\n" not in made


def _outside(scene: Scene, *, path: str) -> None:
    report = bad()
    report = report.model_copy(update={"provenance": report.provenance.model_copy(update={"config_path": path})})
    assert scene.call(check_annotations, report) == ()


def _link(scene: Scene, *, url: str) -> None:
    made = scene.call(render_comment, bad(), links=Links(report=url, page=url))
    assert "javascript:" not in "".join(filter(None, Page(made).links))


def _long(scene: Scene) -> None:
    made = scene.call(render_comment, wide(1_500))
    assert len(made.encode()) <= BUDGET


def _target(run: int, head: str = HEAD) -> Target:
    return find_target(Event(name="pull_request", head=head, pull=1), model=MODEL, run=Run(run, 1), url=None)


def _publish(memory: Memory, report, *, run: int, head: str = HEAD) -> None:
    target = _target(run, head)
    result = Finished(report=report.model_copy(update={"candidate": Candidate(commit=head)}))
    publication = plan_publication(target, result, policy="always", links=Links())
    publish_report(publication, Port(memory, lambda effect: effect()))


def _foreign_check(**facts: object) -> CheckRun:
    usual = {
        "id": 7,
        "name": NAME,
        "head": HEAD,
        "app": "evil",
        "external_id": "999.1",
        "status": "completed",
        "conclusion": "success",
    }
    record = AttemptRecord(key=_target(1).invocation.key, label="", own="success", title="passed")
    texts = {"title": "passed", "summary": write_record("passed", record), "annotations": 0, "pulls": (1,), "url": "u"}
    return CheckRun(**{**usual, **texts, **facts})


def _final(scene: Scene, memory: Memory) -> None:
    """What a merge depends on: mlci's newest check, the status, and the comment."""
    mine = [one for one in memory.checks if one.app == APP and one.head == HEAD]
    scene.published += [
        str(mine[-1].conclusion),
        *(status.state for head, status in memory.statuses[-1:] if head == HEAD),
    ]
    scene.published += [one.body for one in memory.comments if one.author == f"{APP}[bot]"]


def _another_app(scene: Scene) -> None:
    """An app, or a job of a fork, has made a green check of mlci's name, as of a newer run."""
    memory = Memory(head=HEAD, checks=[_foreign_check()])
    scene.call(_publish, memory, bad(), run=100)
    assert memory.checks[0].title == "passed"
    _final(scene, memory)


def _older_run(scene: Scene) -> None:
    """An older run of the same invocation passes, and ends after the newer one, which blocks."""
    memory = Memory(head=HEAD)
    scene.call(_publish, memory, good(), run=99)
    scene.call(_publish, memory, bad(), run=101)
    scene.call(_publish, memory, good(), run=100)
    (comment,) = memory.comments
    assert "❌" in comment.body
    assert memory.statuses[-1][1].state == "failure"


def _stale_head(scene: Scene) -> None:
    """A run on an older commit, which passed, ends after the head, which blocks."""
    memory = Memory(head=HEAD)
    scene.call(_publish, memory, bad(), run=101)
    scene.call(_publish, memory, good(), run=100, head=OLD)
    _final(scene, memory)
    assert all("✅" not in one.body for one in memory.comments)


def _comment_of_another(scene: Scene) -> None:
    """A user posts a comment with mlci's marker, as of a newer run."""
    text = f"{with_marker(model=MODEL, head=HEAD, run='999.1')}\n✅ passed"
    memory = Memory(head=HEAD, comments=[Comment(id=1, author="mallory", body=text, url="u/1")])
    scene.call(_publish, memory, bad(), run=100)
    assert memory.comments[0].body == text
    assert len(memory.comments) == 2
    _final(scene, memory)


NAMES = list(TEXTS)
ATTACKS = (
    *(Attack(f"comment: {name}", "escaped Markdown", partial(_comment, text=text)) for name, text in TEXTS.items()),
    *(Attack(f"page: {name}", "escaped HTML", partial(_page, text=TEXTS[name])) for name in NAMES[:2]),
    Attack("page: reversed text", "visible characters", partial(_page, text=TEXTS["reversed text"])),
    *(Attack(f"JUnit: {name}", "visible characters", partial(_junit, text=TEXTS[name])) for name in ("surrogate", "script")),
    *(Attack(f"check: {name}", "commands in plain text", partial(_check, text=TEXTS[name])) for name in ("command", "surrogate", "heading on a line of its own")),
    *(Attack(f"failure: {name}", "escaped Markdown", partial(_unfinished, text=TEXTS[name])) for name in ("script", "mention", "link")),
    Attack("model that ends the marker", "encoded markers", partial(_marker, model="x --> <b>")),
    Attack("model with a line break", "encoded markers", partial(_marker, model="x\nid=y")),
    Attack("annotation outside of the repository", "annotations inside", partial(_outside, path="../../etc/passwd")),
    Attack("annotation with an absolute path", "annotations inside", partial(_outside, path="/etc/passwd")),
    Attack("link that is a script", "web addresses", partial(_link, url="javascript:alert(1)")),
    Attack("comment of 1,500 gates", "room of a comment", _long),
    Attack("check of another app", "checks of this app", _another_app),
    Attack("older run that ends later", "newest attempt", _older_run),
    Attack("run on an older head", "head of the pull request", _stale_head),
    Attack("comment of another user", "comments of this app", _comment_of_another),
)  # fmt: skip
