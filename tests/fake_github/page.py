"""Pages for the user: pull requests, comments as GitHub renders them, checks, annotations and statuses."""

import html
from pathlib import Path
from typing import TYPE_CHECKING

import cmarkgfm
from cmarkgfm import cmark

from tests.fake_github.links import UPLOADS, Links
from tests.fake_github.serving import Reply
from tests.fake_github.state import Row, State, full_name

if TYPE_CHECKING:
    from tests.fake_github.fake import Fake

STYLE = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # what a comment says is only shown
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>{title}</title><style>{style}</style>
<header><a href="/">{repo}</a> <small>a fake of GitHub</small></header>
<main><h1>{title}</h1>
{body}
</main></html>
"""


def is_page(state: State, method: str, path: str, host: str) -> bool:
    """Return true for pages: the list at `/`, and targets of the repositories' `html_url`s."""
    names = [f"/{full_name(row)}" for row in state.all("repos")]
    known = path == "/" or any(path == name or path.startswith(f"{name}/") for name in names)
    return method == "GET" and host != UPLOADS and known


def answer(fake: "Fake", path: str, _: Links) -> Reply:
    with fake.state.lock:
        pulls = {f"/{fake.name}/pull/{pull['number']}": pull for pull in fake.pulls()}
        if path in pulls:
            pull = pulls[path]
            return render_page(fake, f"{pull['title']} #{pull['number']}", one(fake, pull))
        return render_page(fake, "Pull requests", render_pulls(fake, list(pulls.values())))


def render_page(fake: "Fake", title: str, body: str) -> Reply:
    facts = {"title": text(title), "style": STYLE.read_text("utf-8"), "repo": text(fake.name), "body": body}
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}
    return Reply(200, headers=headers, raw=PAGE.format(**facts).encode("utf-8"))


def text(value: object) -> str:
    return html.escape(str(value if value is not None else ""))


def markdown(source: str) -> str:
    """GitHub's Markdown by its own parser, with raw HTML as its tag filter leaves it."""
    return cmarkgfm.github_flavored_markdown_to_html(source, cmark.Options.CMARK_OPT_UNSAFE)


def render_pulls(fake: "Fake", pulls: list[Row]) -> str:
    """Every pull request with its checks, then commits with checks that belong to none."""
    rows = [
        f'<li><a href="/{fake.name}/pull/{pull["number"]}">{text(pull["title"])}</a> #{pull["number"]}'
        f" <small>{text(pull['head']['label'])} → {text(pull['base']['ref'])}, {pull['comments']} comments</small>"
        f"{render_checks(fake, pull['head']['sha'])}</li>"
        for pull in pulls
    ]
    heads = {pull["head"]["sha"] for pull in pulls}
    other = {run["head_sha"] for run in fake.check_runs()} - heads
    rest = [f"<h2>Commit <code>{sha[:12]}</code></h2>{render_checks(fake, sha)}" for sha in sorted(other)]
    return f'<ul class="pulls">{"".join(rows) or "<li>none</li>"}</ul>' + "".join(rest)


def one(fake: "Fake", pull: Row) -> str:
    sha = pull["head"]["sha"]
    said = [
        f'<article id="issuecomment-{comment["id"]}"><h3>{text(comment["user"]["login"])}'
        f" <small>{text(comment['updated_at'])}</small></h3><div>{markdown(comment['body'])}</div></article>"
        for comment in fake.comments(pull["number"])
    ]
    where = f"<p><code>{text(pull['head']['label'])}</code> at <code>{sha[:12]}</code></p>"
    return where + "".join(said or ["<p>No comments.</p>"]) + f"<h2>Checks</h2>{render_checks(fake, sha, whole=True)}"


def render_checks(fake: "Fake", sha: str, *, whole: bool = False) -> str:
    """Check runs and statuses of a commit."""
    runs = "".join(render_run(run, whole=whole) for run in fake.check_runs(sha))
    latest = {status["context"]: status for status in fake.statuses(sha)[::-1]}
    states = "".join(
        f'<li class="{status["state"]}"><b>{text(status["context"])}</b> {status["state"]}'
        f" <small>status: {text(status['description'])}</small></li>"
        for status in latest.values()
    )
    return f'<ul class="checks">{runs}{states}</ul>' if runs or states else ""


def render_run(run: Row, *, whole: bool) -> str:
    state = run["conclusion"] or run["status"]
    line = f"<b>{text(run['name'])}</b> {state} <small>check: {text(run['output']['title'])}</small>"
    if not whole:
        return f'<li class="{state}">{line}</li>'
    noted = "".join(
        f"<li><code>{text(annotation['path'])}:{annotation['start_line']}</code> {annotation['annotation_level']}:"
        f" {text(annotation.get('title'))} {text(annotation['message'])}</li>"
        for annotation in run["annotations"]
    )
    body = markdown(run["output"]["summary"] or "") + (f"<ul>{noted}</ul>" if noted else "")
    return f'<li class="{state}"><details><summary>{line}</summary>{body}</details></li>'
