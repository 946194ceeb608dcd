"""``mlci run``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.build import configuration, facts, tools
from mlci.cli.finish import begin, finish, ready
from mlci.cli.registry import concerned, connected, refuse_training_beside_credentials, surroundings
from mlci.registry import entries
from mlci.report.read import dump
from mlci.usecases import bundle as bundles
from mlci.usecases import uses
from mlci.usecases.explained import explains
from mlci.usecases.run import run


@click.command()
@options.config
@options.out
@options.as_json
@click.option("--no-cache", is_flag=True, help="Make a baseline from a reference anew, even if it was made before.")
@click.option(
    "--bundle/--no-bundle",
    default=None,
    help="Keep the model and its predictions for `mlci promote`; by default not where a file or reference is baseline.",
)
@click.option("--record", is_flag=True, help="Write the verdict to the registry's ledger, as a use of these rows.")
@options.fetched
@options.changed_since
def command(
    config_path: Path,
    out: Path,
    *,
    as_json: bool,
    no_cache: bool,
    bundle: bool | None,
    record: bool,
    fetched: str,
    changed_since: str,
) -> int:
    """Train, predict, compare with the baseline, judge, and report.

    \b
    Examples:
      mlci run
      mlci run --config models/churn/mlci.yml --out reports
      mlci run --record && mlci promote
      mlci run --changed-since origin/main
    """  # noqa: D301 (click's mark against rewrapping)
    if record and fetched:
        raise click.UsageError("--record writes to the registry, and --fetched is a copy that is only read")
    begin(out)
    loaded = configuration(config_path)
    if record:
        instead = "let a job of its own record with `mlci promote --record` (input `record` of actions/promote)"
        refuse_training_beside_credentials(loaded, os.environ, instead=instead)
    ready(out)
    folder = config_path.parent
    compares = loaded.config.baseline == "production"
    since = None if record or bundle else changed_since or None
    bundle = record or concerned(loaded) if bundle is None else bundle
    store, stamp = connected(
        loaded,
        folder,
        wanted=record or compares,
        writes=record,
        fetched=fetched,
    )
    with tools(folder, cached=not no_cache, registry=store, stamp=stamp, place=loaded.config.registry) as effects:
        keep, known = record or bundle, facts(loaded)
        about = surroundings() if bundle or explains(loaded.config) else None
        ran = run(loaded, effects, folder=folder, facts=known, keep=keep, environment=about, since=since)
        text = dump(ran.report)
        if bundle and ran.report.unchanged_since is None and (note := bundles.write(out, ran, text, loaded, effects)):
            effects.say(note)
        code = finish(ran.report, out, as_json=as_json)
        if ran.use is not None:
            digest = entries.digest(text.encode())
            uses.record(effects, ran.use, ran.report, digest=digest, against=ran.compared.against)
    return code
