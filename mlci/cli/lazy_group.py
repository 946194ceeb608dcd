"""Command group that imports a command's module only when it is called, so that ``--help`` is quick."""

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click


class UnreadError(Exception):
    """The reader of the output is gone."""


@contextlib.contextmanager
def _read() -> Iterator[None]:
    """Handle a broken pipe before click does, which would exit with 1, the code of a gate that blocks."""
    try:
        yield
    except BrokenPipeError as gone:
        raise UnreadError from gone


class LazyGroup(click.Group):
    """Group of commands in modules of their own, each with a function ``command``."""

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401 (click's signature)
        sections: Mapping[str, Mapping[str, str]],
        module: Callable[[str], str],
        **named: Any,  # noqa: ANN401 (click's signature)
    ) -> None:
        """Build the group.

        Args:
            *arguments: Those of ``click.Group``.
            **named: Those of ``click.Group``.
            sections: One line of help by command, in the order of ``--help``, by title of its section there.
            module: Returns the module of a command.
        """
        super().__init__(*arguments, **named)
        self._sections, self._module = sections, module
        self._names = [name for table in sections.values() for name in table]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the commands in the order of ``--help``."""
        return self._names

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """Import a command; ``None`` if there is none of that name."""
        if cmd_name not in self._names:
            return None
        command: click.Command = importlib.import_module(self._module(cmd_name)).command
        return command

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:  # noqa: ANN401 (click's signature)
        """Parse the command line, and show ``--help``."""
        with _read():
            return super().make_context(*arguments, **named)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (whatever the command returns)
        """Call a command."""
        with _read():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        """List the commands by section, importing none of them."""
        for title, table in self._sections.items():
            with formatter.section(title):
                formatter.write_dl(list(table.items()))
