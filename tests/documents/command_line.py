"""The page ``docs/reference/command-line.md``, written from click's own commands by `make docs`."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from mlci.cli.main import group

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"
HEAD = """# Command line

Every command with its arguments and options, as `--help` (`-h`) prints them. [Exit codes](exit-codes.md) have a page
of their own. `make docs` generates this page from the commands.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for context in contexts(group, "mlci"):
        parts += [f"## `{context.command_path}`\n", *description(context.command), options(context)]
    return "\n".join(parts)


def contexts(parent: click.Group, path: str) -> Iterator[click.Context]:
    """Yield a context for each command, in the order of `--help`; those of a group follow it."""
    above = click.Context(parent, info_name=path, **parent.context_settings)
    for name in parent.list_commands(above):
        command = parent.get_command(above, name)
        assert command is not None
        yield click.Context(command, info_name=name, parent=above)
        if isinstance(command, click.Group):
            yield from contexts(command, f"{path} {name}")


def description(command: click.Command) -> Iterator[str]:
    """Yield the paragraphs of a command's help; those that click does not wrap become blocks of text."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        first, _, rest = paragraph.partition("\n")
        yield f"```text\n{inspect.cleandoc(rest)}\n```\n" if first == "\b" else f"{paragraph}\n"


def options(context: click.Context) -> str:
    """Return usage, and a table of the options of a command."""
    usage = f"```text\n{context.command_path} {' '.join(context.command.collect_usage_pieces(context))}\n```\n"
    records = (parameter.get_help_record(context) for parameter in context.command.params)
    rows = "".join(f"| `{cell(name)}` | {cell(text)} |\n" for name, text in filter(None, records) if text)
    return f"{usage}\n| option | meaning |\n|---|---|\n{rows}" if rows else usage


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
