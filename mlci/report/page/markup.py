"""HTML dialect of report texts: everything from data is escaped, and hidden characters become visible."""

import re

from markupsafe import Markup as SafeHtml
from markupsafe import escape

from mlci.report.text.escape import shorten_markdown, visible, web_address

_CODE = re.compile(r"`([^`]+)`")


class Html:
    """HTML for text and quoted attributes; every result is :class:`markupsafe.Markup`, which Jinja does not escape."""

    emphasis = True

    def text(self, text: str, *, longest: int = 120) -> SafeHtml:
        """Escape a text from outside; an overlong one is shortened."""
        return escape(shorten_markdown(visible(text), longest=longest))

    def number(self, text: str) -> SafeHtml:
        """Escape a formatted number or a constant, in which backticks mark code."""
        return _with_code(text)

    def words(self, template: str, *parts: str) -> SafeHtml:
        """Fill a constant template, in which backticks mark code."""
        return _with_code(template).format(*parts)

    def join(self, between: str, parts: list[str]) -> SafeHtml:
        """Join parts of this dialect by a constant."""
        return escape(between).join(parts)

    def capital(self, part: str) -> SafeHtml:
        """Begin a sentence whose first letter is one of our own."""
        safe = escape(part)
        return safe[:1].upper() + safe[1:]

    def strong(self, part: str) -> SafeHtml:
        """Emphasise a part."""
        return SafeHtml("<strong>{}</strong>").format(part)

    def code(self, text: str) -> SafeHtml:
        """Write a short identifier such as a commit."""
        return SafeHtml("<code>{}</code>").format(self.text(text))

    def note(self, part: str) -> SafeHtml:
        """Put a remark under the main text of a cell."""
        return SafeHtml('<span class="remark">{}</span>').format(part)

    def below(self, part: str) -> SafeHtml:
        """Put a part on a line of its own in the same cell."""
        return SafeHtml('<span class="below">{}</span>').format(part)

    def link(self, part: str, url: str | None) -> SafeHtml:
        """Link to a web address; any other address leaves the text alone."""
        address = web_address(url)
        return escape(part) if address is None else SafeHtml('<a href="{}">{}</a>').format(address, part)


def _with_code(text: str) -> SafeHtml:
    return SafeHtml(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped first)
