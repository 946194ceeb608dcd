"""Options that several commands share, with their defaults."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from mlci.execution.sanitize import sanitize
from mlci.util.memory_budget import LEAST, parse_size

_Command = TypeVar("_Command", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("mlci.yml")
DEFAULT_OUT = Path(".mlci/out")


_ABOVE = "mlci.config-above"


def find_above(folder: Path) -> Path | None:
    """Return the configuration in the nearest folder above, up to the top of the repository; ``None`` if none exists.

    Outside of a repository no folder above is searched.
    """
    above = [folder, *folder.parents]
    top = next((number for number, path in enumerate(above) if (path / ".git").exists()), None)
    if top is None:
        return None
    files = (path / DEFAULT_CONFIG for path in above[1 : top + 1])
    return next((path for path in files if path.is_file()), None)


def _config(context: click.Context, option: click.Parameter, path: Path) -> Path:
    chosen = context.get_parameter_source(str(option.name)) is not ParameterSource.DEFAULT
    here = Path.cwd()
    above = None if chosen or path.exists() else find_above(here)
    if above is None:
        return path
    shown = Path(os.path.relpath(above, here))
    context.meta[_ABOVE] = shown.parent
    click.echo(f"mlci: using {sanitize(str(shown))}", err=True)
    return shown


def _out(context: click.Context, option: click.Parameter, path: Path) -> Path:
    """Return the output folder; the default one is beside a configuration that was found above."""
    chosen = context.get_parameter_source(str(option.name)) is not ParameterSource.DEFAULT
    above: Path | None = context.meta.get(_ABOVE)
    return path if chosen or above is None else above / path


def output_folder(words: str) -> Callable[[_Command], _Command]:
    """Return the option `--out` with a help text that names the files of the command."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_OUT,
        show_default=True,
        callback=_out,
        help=words,
    )


config = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIG,
    show_default=True,
    is_eager=True,
    callback=_config,
    help="Path of the configuration; by default also searched in the folders above, up to the top of the repository.",
)
out = output_folder("Folder for report.json and the files rendered from it.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print the document instead of tables.")
changed_since = click.option(
    "--changed-since",
    metavar="COMMIT",
    default="",
    help="Branch or commit to merge into; training is skipped if no file of `paths:` changed. Empty always trains.",
)
fetched = click.option(
    "--fetched",
    metavar="DIGEST",
    default="",
    help="Digest of the copy that `mlci fetch` made; read that copy instead of the registry. Empty reads the registry.",
)


_MEMORY = "mlci.memory"


def _memory(context: click.Context, option: click.Parameter, size: str | None) -> None:
    """Note the budget for :func:`memory_budget`."""
    budget = None if size is None else parse_size(size)
    if size is not None and budget is None:
        raise click.BadParameter(f"{size!r} is not a size; write it as 2GiB or 500MB", context, option)
    if budget is not None and budget < LEAST:
        raise click.BadParameter(f"{size!r} is too little: mlci itself needs {LEAST >> 20}MiB", context, option)
    context.meta[_MEMORY] = budget


def memory_budget() -> int | None:
    """Return the bytes of the option `--memory` of this command; ``None`` without one."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(_MEMORY)


memory = click.option(
    "--memory",
    metavar="SIZE",
    expose_value=False,
    callback=_memory,
    help="Memory for tables, such as 2GiB; joins by key that need more spill to the temporary folder (TMPDIR). By "
    "default the container's limit.",
)
