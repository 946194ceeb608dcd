"""``mlci registry check``."""

import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.commands.registry.versions import sanitize_text
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry_factory import build_store, clock
from mlci.cli.wiring import load_configuration
from mlci.operations.registry_check import RegistryProbe
from mlci.operations.registry_check import probe_registry as run_checks
from mlci.registry.store import Store

_FAILED = 4


@click.group()
def command() -> None:
    """Look after the registry itself.

    \b
    Example:
      mlci registry check
    """  # noqa: D301 (click's mark against rewrapping)


@command.command()
@options.config
@options.as_json
def check_command(config_path: Path, *, as_json: bool) -> int:
    """Try what a promotion needs: reading, listing, writing, conditional writes, deleting, clocks and latency.

    All of it is tried on a probe, a model of its own with a name that begins with `mlci-check-`, which is removed
    afterwards. The credentials need the right to delete for that; promotions do not.

    \b
    Exit codes: 0 all of it works · 2 configuration · 4 something does not

    \b
    Examples:
      mlci registry check
      mlci registry check --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded = load_configuration(config_path)

    def opened(model: str) -> Store:
        config = loaded.config.model_copy(update={"model": model})
        return build_store(replace(loaded, config=config), config_path.parent, dict(os.environ))

    found = run_checks(opened, loaded.config.model, now=clock, seconds=time.monotonic)
    failed = any(one.outcome == "failed" for one in found)
    text = "\n".join(_line(one) for one in found)
    if as_json:
        document = {"registry": opened(loaded.config.model).shown, "usable": not failed}
        click.echo(json.dumps(document | {"checks": [asdict(one) for one in found]}, indent=1, ensure_ascii=False))
    else:
        click.echo(text)
    write_step_result({}, text)
    return _FAILED if failed else 0


def _line(one: RegistryProbe) -> str:
    took = "" if one.seconds is None else f" ({one.seconds * 1000:.0f} ms)"
    return f"{one.outcome:>7}  {one.name}{took}{f': {sanitize_text(one.detail)}' if one.detail else ''}"
