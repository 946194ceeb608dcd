"""``mlci registry check``."""

import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.commands.registry.gc import erase_command, gc_command
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry.ledger_words import sanitize_text
from mlci.cli.registry_factory import build_store, clock
from mlci.config.read import load
from mlci.metrics import catalogue
from mlci.operations.registry.probe import RegistryProbe
from mlci.operations.registry.probe import probe_registry as run_checks
from mlci.registry.stores.interface import Store
from mlci.util.json_text import pretty_json

_FAILED = 4


@click.group()
def command() -> None:
    """Check the registry itself, and remove files from it.

    \b
    Examples:
      mlci registry check
      mlci registry gc
    """  # noqa: D301 (click's mark against rewrapping)


@command.command()
@options.config
@options.as_json
def check_command(config_path: Path, *, as_json: bool) -> int:
    """Test everything that a promotion needs: read, list, write, conditional writes, delete, clocks and latency.

    The tests use a probe, a separate model with a name that begins with `mlci-check-`, and remove it afterwards. The
    credentials need the right to delete for that; promotions do not.

    \b
    Exit codes: 0 all checks passed · 2 configuration · 4 a check failed

    \b
    Examples:
      mlci registry check
      mlci registry check --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load(config_path, catalogue)

    def opened(model: str) -> Store:
        config = loaded.config.model_copy(update={"model": model})
        return build_store(replace(loaded, config=config), config_path.parent, dict(os.environ))

    probes = run_checks(opened, loaded.config.model, now=clock, seconds=time.monotonic)
    failed = any(one.outcome == "failed" for one in probes)
    text = "\n".join(_line(one) for one in probes)
    if as_json:
        document = {"registry": opened(loaded.config.model).shown, "usable": not failed}
        click.echo(pretty_json(document | {"checks": [asdict(one) for one in probes]}))
    else:
        click.echo(text)
    write_step_result({}, text)
    return _FAILED if failed else 0


def _line(one: RegistryProbe) -> str:
    took = "" if one.seconds is None else f" ({one.seconds * 1000:.0f} ms)"
    return f"{one.outcome:>7}  {one.name}{took}{f': {sanitize_text(one.detail)}' if one.detail else ''}"


command.add_command(gc_command)
command.add_command(erase_command)
