"""Markup: GitHub's Markdown, the page's HTML, plain text for terminals, and the addresses that links lead to.

Everything that is said is put together by a dialect, so that no text from data reaches a page unescaped: templates are
constants, and each part was made by the same dialect.
"""

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from markupsafe import Markup as SafeHtml
from markupsafe import escape as escape_html

from mlci.report.text import escape
from mlci.report.text.escape import Md, shorten_markdown, visible, web_address

_CODE = re.compile(r"`([^`]+)`")


class Markup(Protocol):
    """How texts, numbers and emphasis are written."""

    @property
    def emphasis(self) -> bool:
        """Whether :meth:`strong` can be seen."""
        ...

    def text(self, text: str, *, longest: int = 120) -> str:
        """Write a text from outside."""
        ...

    def number(self, text: str) -> str:
        """Write a text made by :mod:`mlci.report.text.number_format`, or any constant."""
        ...

    def words(self, template: str, *parts: str) -> str:
        """Fill a constant template with parts of this dialect."""
        ...

    def join(self, between: str, parts: list[str]) -> str:
        """Join parts of this dialect by a constant."""
        ...

    def capital(self, part: str) -> str:
        """Begin a sentence whose first letter is one of our own."""
        ...

    def strong(self, part: str) -> str:
        """Emphasise a part."""
        ...

    def code(self, text: str) -> str:
        """Write a short identifier such as a commit."""
        ...

    def note(self, part: str) -> str:
        """Put a remark under the main text of a cell."""
        ...

    def below(self, part: str) -> str:
        """Put a part on a line of its own in the same cell."""
        ...

    def link(self, part: str, url: str | None) -> str:
        """Link a part where the dialect has links."""
        ...

    def block(self, line: str) -> str:
        """Write a line to copy, as it is."""
        ...


class Markdown:
    """GitHub's Markdown; every result is :class:`~mlci.report.text.escape.Md`."""

    emphasis = True

    def text(self, text: str, *, longest: int = 120) -> Md:
        """Escape a text from outside."""
        return escape.markdown(text, longest=longest)

    def number(self, text: str) -> Md:
        """Escape ``<`` and ``>``."""
        return escape.number_text(text)

    def words(self, template: str, *parts: str) -> Md:
        """Fill the template; a part that was not escaped is a bug."""
        return Md(template.format(*(_safe(part) for part in parts)))

    def join(self, between: str, parts: list[str]) -> Md:
        """Join escaped parts."""
        return Md(between.join(_safe(part) for part in parts))

    def capital(self, part: str) -> Md:
        """Begin a sentence."""
        return Md(_safe(part)[:1].upper() + part[1:])

    def strong(self, part: str) -> Md:
        """Write in bold."""
        return Md(f"**{_safe(part)}**")

    def code(self, text: str) -> Md:
        """Write in a code span if the text is a plain identifier, else escaped."""
        plain = all(char.isascii() and (char.isalnum() or char in "._/-") for char in text)
        return Md(f"`{text}`") if text and plain else self.text(text)

    def note(self, part: str) -> Md:
        """Write small on a line of its own."""
        return Md(f"<br><sub>{_safe(part)}</sub>")

    def below(self, part: str) -> Md:
        """Write on a line of its own."""
        return Md(f"<br>{_safe(part)}")

    def link(self, part: str, url: str | None) -> Md:
        """Link to an ``https`` address."""
        return escape.link_text(_safe(part), url)

    def block(self, line: str) -> Md:
        """Write a line in a fence that is longer than any run of backticks in it; nothing acts inside."""
        one = visible(line)
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", one))])
        return Md(f"{fence}text\n{one}\n{fence}")


class Plain:
    """Plain text without hidden characters, escape codes or commands."""

    emphasis = False

    def text(self, text: str, *, longest: int = 120) -> str:
        """Neutralise a text from outside."""
        return escape.plain_text(text, longest=longest)

    def number(self, text: str) -> str:
        """Leave as it is."""
        return text

    def words(self, template: str, *parts: str) -> str:
        """Fill the template."""
        return template.format(*parts)

    def join(self, between: str, parts: list[str]) -> str:
        """Join parts."""
        return between.join(parts)

    def capital(self, part: str) -> str:
        """Begin a sentence."""
        return part[:1].upper() + part[1:]

    def strong(self, part: str) -> str:
        """Leave as it is."""
        return part

    def code(self, text: str) -> str:
        """Neutralise a text from outside."""
        return self.text(text)

    def note(self, part: str) -> str:
        """Write on a line of its own."""
        return f"\n{part}"

    def below(self, part: str) -> str:
        """Write on a line of its own."""
        return f"\n{part}"

    def link(self, part: str, url: str | None) -> str:  # noqa: ARG002 (terminals get the text; part of the protocol)
        """Leave the text alone."""
        return part

    def block(self, line: str) -> str:
        """Write a line of its own."""
        return f"\n{escape.plain_text(line, longest=2_000)}"


def _safe(part: str) -> Md:
    if not isinstance(part, Md):
        raise TypeError(f"text that was not escaped on its way into a report: {part!r}")
    return part


@dataclass(frozen=True, kw_only=True)
class Links:
    """Addresses around a report; each may be missing, and text takes its place.

    Attributes:
        repository: Address of the repository, ``https://github.com/owner/name``.
        commit: Commit at which the configuration is to be shown; links to lines need it.
        report: Address of the full report: the run.
        page: Address of the artifact with the page.
        guide: Address of the page on how gates decide.
    """

    repository: str | None = None
    commit: str | None = None
    report: str | None = None
    page: str | None = None
    guide: str | None = None

    def line(self, path: str, line: int | None) -> str | None:
        """Return the address of a line of a file in the repository."""
        if self.repository is None or self.commit is None:
            return None
        place = f"{self._root}/blob/{quote(self.commit, safe='')}/{quote(path.removeprefix('./'))}"
        return f"{place}#L{line}" if line else place

    def revision(self, commit: str) -> str | None:
        """Return the address of a commit."""
        return f"{self._root}/commit/{quote(commit, safe='')}" if self.repository else None

    @property
    def _root(self) -> str:
        return (self.repository or "").rstrip("/")


NO_LINKS = Links()


class Html:
    """HTML for text and quoted attributes; every result is :class:`markupsafe.Markup`, which Jinja does not escape."""

    emphasis = True

    def text(self, text: str, *, longest: int = 120) -> SafeHtml:
        """Escape a text from outside; an overlong one is shortened."""
        return escape_html(shorten_markdown(visible(text), longest=longest))

    def number(self, text: str) -> SafeHtml:
        """Escape a formatted number or a constant, in which backticks mark code."""
        return _with_code(text)

    def words(self, template: str, *parts: str) -> SafeHtml:
        """Fill a constant template, in which backticks mark code."""
        return _with_code(template).format(*parts)

    def join(self, between: str, parts: list[str]) -> SafeHtml:
        """Join parts of this dialect by a constant."""
        return escape_html(between).join(parts)

    def capital(self, part: str) -> SafeHtml:
        """Begin a sentence whose first letter is one of our own."""
        safe = escape_html(part)
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
        return escape_html(part) if address is None else SafeHtml('<a href="{}">{}</a>').format(address, part)

    def block(self, line: str) -> SafeHtml:
        """Write a line in a block of code."""
        return SafeHtml("<pre><code>{}</code></pre>").format(visible(line))


def _with_code(text: str) -> SafeHtml:
    return SafeHtml(_CODE.sub(r"<code>\1</code>", str(escape_html(text))))  # noqa: S704 (escaped first)
