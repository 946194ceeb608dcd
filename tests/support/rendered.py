"""Markdown as GitHub renders it: its own parser, then the text nodes in which it looks for mentions and issues."""

import re
from html.parser import HTMLParser

from cmarkgfm import cmark, github_flavored_markdown_to_html

# What GitHub turns into links, emoji or formulas after Markdown, looked for in one text node at a time
# ("Autolinked references and URLs", "Writing mathematical expressions", "Using emoji" in GitHub's documentation).
REFERENCES = re.compile(
    r"@\w|\#\d|(?<![^\W_])(?:gh-\d|www\.)|https?://|ftp://|:[\w+-]+:|(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])",
    re.IGNORECASE,
)


def html(markdown):
    return github_flavored_markdown_to_html(markdown, cmark.Options.CMARK_OPT_UNSAFE)


class Page(HTMLParser):
    """Tags in order, cells as text, and the text nodes outside of code and links."""

    def __init__(self, markdown):
        super().__init__()
        self.tags, self.links, self.nodes, self.tables, self.summaries = [], [], [], [], []
        self._open = []
        self.feed(html(markdown))
        self.close()
        self.unclosed = self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "a":
            self.links.append(dict(attrs).get("href"))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        if tag == "summary":
            self.summaries.append("")
        if tag == "br" and {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += "\n"
        if tag not in {"br", "hr", "img", "input"}:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data):
        inside = set(self._open)
        if inside & {"td", "th"}:
            self.tables[-1][-1][-1] += data
        if "summary" in inside:
            self.summaries[-1] += data
        if not inside & {"code", "a"}:
            self.nodes.append((data, "span" in inside))

    def references(self):
        """Return text that GitHub would link, or render as a formula."""
        found = [match[0] for data, _ in self.nodes for match in REFERENCES.finditer(data)]
        return found + ["$" for data, spanned in self.nodes if "$" in data and not spanned]
