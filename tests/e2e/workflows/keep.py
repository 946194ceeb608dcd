"""Storage of results to look at: comments as Markdown and as a page, summaries, checks, logs."""

import html
import json
import shutil
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import cmarkgfm
from cmarkgfm.cmark import Options

from tests.e2e.machine import KEPT

PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ max-width: 54rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }}
  body {{ font: 14px/1.5 -apple-system, "Segoe UI", sans-serif; }}
  article {{ border: 1px solid #818b9866; border-radius: 6px; padding: 1rem; margin-bottom: 1rem; }}
  table {{ border-collapse: collapse; margin-bottom: 1rem; }}
  th, td {{ border: 1px solid #818b9866; padding: 6px 13px; }}
  h2 {{ border-bottom: 1px solid #818b9866; padding-bottom: .3em; }}
  code {{ background: #818b981f; border-radius: 6px; padding: .2em .4em; }}
</style>
<h1>{title}</h1>
{articles}
"""


def render_markdown(markdown: str) -> str:
    """Markdown as GitHub's own parser reads it; raw HTML stays, as in a comment."""
    return cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)


class Scenario:
    """A folder below ``.e2e`` for one scenario, and the line that the terminal gets about it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = KEPT / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.seen: list[str] = []

    def saw(self, text: str) -> None:
        """Add to the line on the terminal; call it with what was asserted or counted, not with what is hoped for."""
        self.seen.append(text)

    def text(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def facts(self, name: str, facts: Any) -> None:
        self.text(name, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")

    def markdown(self, name: str, texts: Mapping[str, str]) -> None:
        """Write each text as ``.md``, and all of them rendered on one page."""
        for title, text in texts.items():
            self.text(f"{name}-{title}.md", text)
        articles = "\n".join(
            f"<h3>{html.escape(title)}</h3>\n<article>\n{render_markdown(text)}</article>"
            for title, text in texts.items()
        )
        self.text(f"{name}.html", PAGE.format(title=html.escape(f"{self.name}: {name}"), articles=articles))


def index() -> list[dict[str, Any]]:
    """Return every scenario, oldest first, and write a page with links to their results."""
    scenarios = [json.loads(path.read_text("utf-8")) for path in KEPT.glob("*/scenario.json")]
    scenarios.sort(key=lambda scenario: scenario["began"])
    (KEPT / "index.html").write_text(
        PAGE.format(title="End to end", articles="\n".join(map(_entry, scenarios))), "utf-8"
    )
    return scenarios


def _entry(scenario: Mapping[str, Any]) -> str:
    folder = KEPT / scenario["folder"]
    files = sorted(path.name for path in folder.iterdir() if path.name != "scenario.json")
    links = " · ".join(f'<a href="{quote(folder.name)}/{quote(name)}">{html.escape(name)}</a>' for name in files)
    seen = "".join(f"<li>{html.escape(text)}</li>" for text in scenario["seen"])
    title = html.escape(f"{scenario['outcome']}: {scenario['name']}")
    return f"<article><h3>{title}</h3><ul>{seen}</ul><p>{links}</p></article>"
