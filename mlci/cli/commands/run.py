"""``mlci run``."""

import os
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.earlier_output import prepare_output
from mlci.cli.registry_factory import (
    open_registry,
    reads_registry,
    refuse_training_beside_credentials,
    runtime_environment,
    uses_registry,
)
from mlci.cli.run_output import check_output, write_report
from mlci.cli.wiring import load_configuration, run_context
from mlci.operations import bundle as bundles
from mlci.operations.comparison import has_known_origin
from mlci.operations.cost.records import record_asked_cost
from mlci.operations.holdout import holdout_uses
from mlci.operations.run import run_and_judge
from mlci.report.serialization import dump_report
from mlci.util.digests import sha256_of


@click.command()
@options.config
@options.out
@options.as_json
@click.option(
    "--no-cache",
    is_flag=True,
    help="Ignore the cache of baselines: make the baseline of a git reference even if it was made before.",
)
@click.option(
    "--bundle/--no-bundle",
    default=None,
    help="Write the bundle for `mlci promote`; by default unless the baseline is a file or a reference.",
)
@click.option(
    "--record",
    is_flag=True,
    help="Record the verdict in the ledger, as a use of the evaluation set; and the run's cost if mlci.yml has `cost:` "
    "or a gate on a cost.",
)
@options.fetched
@options.changed_since
@options.memory
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
        raise click.UsageError("--record needs the registry itself, and --fetched reads a copy; leave one of them out")
    prepare_output(out)
    loaded = load_configuration(config_path)
    if record:
        instead = "record in a separate job with `mlci promote --record` (input `record` of actions/promote)"
        refuse_training_beside_credentials(loaded, os.environ, instead=instead)
    check_output(out)
    compares = reads_registry(loaded)
    since = None if record or bundle else changed_since or None
    bundle = record or uses_registry(loaded) if bundle is None else bundle
    wanted, folder = record or compares, config_path.parent
    registry = open_registry(loaded, folder, writes=record, fetched=fetched) if wanted else None
    with run_context(loaded, cached=not no_cache, registry=registry) as context:
        about = runtime_environment() if bundle or has_known_origin(loaded.config) else None
        ran = run_and_judge(context, keep=record or bundle, environment=about, since=since)
        text = dump_report(ran.report)
        evaluated = ran.report.unchanged_since is None and ran.report.training_label is None
        if bundle and evaluated and (note := bundles.write_bundle(context, out, ran, text)):
            context.say(note)
        code = write_report(ran.report, out, as_json=as_json)
        if ran.use is not None:
            digest = sha256_of(text.encode())
            holdout_uses.record_use(context, ran.use, ran.report, digest=digest, against=ran.comparison.against)
        if record:
            path = out / "report.json"
            record_asked_cost(context, ran.report, digest=sha256_of(text.encode()), path=path)
    return code
