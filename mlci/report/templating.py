"""Templates of reports: from the package in a wheel or an editable install, from the folder in a bare checkout.

Nothing else is read from disk here. A name that a template misspells is an error, and so is any text that was not
escaped on its way in.
"""

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from mlci.report.text.escape import Md


def template_folder() -> Traversable:
    """Return where templates lie: package ``mlci.templates`` if it is there, else ``templates`` beside the package."""
    if find_spec("mlci.templates") is not None:
        return resources.files("mlci.templates")
    return Path(__file__).resolve().parents[2] / "templates"


def render_template(name: str, **values: object) -> str:
    """Render a template; values are views that were built for Markdown."""
    return _environment().get_template(name).render(values)


@cache
def html_template(name: str) -> Template:
    """Return a template of the page; text that is not :class:`markupsafe.Markup` is escaped."""
    loader = FunctionLoader(_read)
    return Environment(
        loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_read),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (Markdown, not HTML: `finalize` refuses whatever was not escaped for it)
        finalize=_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _read(name: str) -> str | None:
    file = template_folder().joinpath(name)
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _escaped(value: object) -> object:
    """Let only escaped text and our own macros' output through."""
    if isinstance(value, Md):
        return value
    raise TypeError(f"text that was not escaped on its way into a report: {value!r}")
