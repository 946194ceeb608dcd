"""``mlci sealed``."""

import click

from mlci.cli.lazy_group import LazyGroup

_COMMANDS = {
    "predict": "Train and predict in the pull request's checkout; writes the two files for the gate.",
    "open": "Open check and status when a training run is requested.",
    "gate": "Judge the predictions of a finished training run, and publish the verdict.",
}


def _module(command: str) -> str:
    """Return the module of a command."""
    return f"mlci.cli.commands.sealed.{command}"


@click.group(cls=LazyGroup, sections={"Commands": _COMMANDS}, module=_module)
def command() -> None:
    """Judge pull requests from anyone: train without rights, judge where the author can't write.

    \b
    Example:
      mlci sealed predict --config mlci.yml --out .mlci/sealed
    """  # noqa: D301 (click's mark against rewrapping)
