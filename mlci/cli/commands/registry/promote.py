"""``mlci promote``."""

import os
import re
from collections.abc import MutableMapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.lifecycle.approval import approval_check
from mlci.cli.registry.ledger_words import MOST_WORDS, ledger_text
from mlci.cli.registry.outcomes import promotion_text
from mlci.cli.registry_factory import (
    open_registry,
    refuse_alias_of_user,
    runtime_environment,
    update_mlflow_aliases,
    with_intent,
)
from mlci.cli.run_output import BLOCKED, save_files
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import CheckedConfig
from mlci.config.types import MLFLOW
from mlci.errors import InputError, OutsideError
from mlci.operations.context import RunContext
from mlci.operations.cost.records import record_asked_cost
from mlci.operations.holdout import holdout_uses
from mlci.operations.registry.import_model import ImportedModel, import_model
from mlci.operations.registry.promote import PromoteOptions, PromotionResult, promote
from mlci.registry.registry import Registry
from mlci.registry.stores.request_limits import Limits
from mlci.report.document import Report
from mlci.report.serialization import dump_report
from mlci.util.digests import sha256_of
from mlci.util.json_text import pretty_json

_MODEL = re.compile(r"models:/(?P<name>[^@/]+)(?:@(?P<alias>[^@/]+)|/(?P<number>[1-9][0-9]*))")


@click.command()
@options.config
@options.out
@options.as_json
@click.option("--note", help="Note to record with the version in the ledger.")
@click.option("--again", is_flag=True, help="Re-evaluate in any case: for a bundle that other jobs could have changed.")
@click.option(
    "--despite", metavar="REASON", help="Promote although the registry is damaged; records the reason with the version."
)
@click.option(
    "--import", "source", metavar="SOURCE", help="Import an existing model as version 1: models:/NAME@ALIAS or a path."
)
@click.option("--take-alias", is_flag=True, help="Move MLflow's `champion` alias although mlci did not set it.")
@click.option(
    "--record",
    is_flag=True,
    help="Also record the verdict, as one use of the evaluation set; and the run's cost if mlci.yml has `cost:` or a "
    "gate on a cost.",
)
def command(  # noqa: PLR0913 - an option each
    config_path: Path,
    out: Path,
    *,
    as_json: bool,
    note: str | None,
    again: bool,
    despite: str | None,
    source: str | None,
    take_alias: bool,
    record: bool,
) -> int:
    """Promote the model that `mlci run` evaluated: exactly its bytes, verified by their digests.

    It must have passed its gates on the current evaluation set against the version that is in production now. If either
    changed since, the model is re-evaluated first, without training, and promoted only if it passes. The ledger and the
    version in production are verified before; damage is an error with exit code 4, unless `--despite` gives a reason to
    go on. In a workflow, this command runs no command, model or custom metric of yours; if one would have to run, the
    promotion is refused. With `require_approval` in mlci.yml, one of these people or teams must have approved the pull
    request on its head commit; the approval is recorded in the ledger.

    \b
    Exit codes: 0 in production
                1 a gate blocks, it was rolled back or is older, or the training job must evaluate it
                2 the bundle is missing or changed · 4 the registry or the network failed

    \b
    Examples:
      mlci run --record && mlci promote
      mlci promote --out reports --note "release 2026-11"
      mlci promote --record        # if the run itself could not write to the registry
      mlci promote --import models:/churn@champion   # a model from before mlci becomes version 1
    """  # noqa: D301 (click's mark against rewrapping)
    if source is not None and (again or despite):
        raise click.UsageError("--import evaluates the model in any case; leave --again and --despite out")
    choice = _promote_options(note, reevaluate=again, despite=despite)
    loaded = load_configuration(config_path)
    registry = open_registry(loaded, config_path.parent, writes=True)
    if source is None and not take_alias:
        refuse_alias_of_user(registry)
    outcome = _promote_or_import(loaded, registry, out, choice, source=source, record=record)
    click.echo(_json(outcome) if as_json else promotion_text(outcome, out))
    new_report = outcome.report if outcome.reevaluated else None
    write_step_result(_outputs(outcome, out), promotion_text(outcome, out), report=new_report)
    if outcome.refused is not None:
        return BLOCKED
    if note := update_mlflow_aliases(registry, take_alias=take_alias or source is not None):
        click.echo(note, err=True)
    return 0


def _promote_options(note: str | None, *, reevaluate: bool, despite: str | None) -> PromoteOptions:
    note, despite = ledger_text(note, "--note"), ledger_text(despite, "--despite", most=MOST_WORDS // 2)
    note = ledger_text(note, "--note beside --despite", most=MOST_WORDS // 2 - 100) if despite else note
    return PromoteOptions(note=note, reevaluate=reevaluate, despite=despite)


def _promote_or_import(
    loaded: CheckedConfig, registry: Registry, out: Path, choice: PromoteOptions, *, source: str | None, record: bool
) -> PromotionResult:
    """Promote the bundle in ``out``, or import the model of ``source``; record the verdict if that is wanted."""
    folder, save = Path(loaded.path).parent, partial(save_files, out=out)
    user_code = os.environ.get("GITHUB_ACTIONS") != "true"  # there, the job's token can write to the registry
    asked = {"out": str(out), "import": source}
    approve = approval_check(loaded, os.environ, here=registry.required_author().by.commit)
    choice = replace(choice, approve=approve)
    with (
        with_intent(registry, folder, os.environ, "promote", asked) as intended,
        run_context(loaded, registry=intended, user_code=user_code) as context,
    ):
        if source is None:
            outcome = promote(context, out=out, options=choice, save=save)
        else:
            model, environment = fetch_model(context, source, os.environ), runtime_environment()
            outcome = import_model(
                context, model, environment=environment, note=choice.note, save=save, approve=approve
            )
        return _record_outcome(context, outcome, out) if record else outcome


def _record_outcome(context: RunContext, outcome: PromotionResult, out: Path) -> PromotionResult:
    """Record verdict and cost after a promotion, which a failure of that leaves as it is, with a note.

    Raises:
        OutsideError: if the verdict can't be recorded, and this command promoted nothing.
    """
    report = outcome.report
    digest = sha256_of(dump_report(report).encode())
    try:
        _record_use(context, report, digest)
    except OutsideError as error:
        if outcome.entry is None and outcome.earlier is None:
            raise
        note = f"the verdict was not recorded: {error}; `mlci promote --record` once more records it"
        return replace(outcome, notes=(*outcome.notes, note))
    record_asked_cost(context, report, digest=digest, path=out / "report.json")
    return outcome


def _record_use(context: RunContext, report: Report, digest: str) -> None:
    """Record the verdict as a use of the evaluation set, once."""
    use = holdout_uses.use_of_report(context, report)
    if use is not None and not use.repeated:
        version = report.baseline.version
        against = int(version) if report.baseline.source == "production" and version else None
        holdout_uses.record_use(context, use, report, digest=digest, against=against)


def _outputs(outcome: PromotionResult, out: Path) -> dict[str, object]:
    return {
        "promoted": outcome.entry is not None,
        "version": outcome.version,
        "replaced": outcome.replaced,
        "verdict": outcome.report.verdict,
        "report": out / "report.json",
    }


def _json(outcome: PromotionResult) -> str:
    document = {
        "promoted": outcome.entry is not None,
        "version": outcome.version,
        "replaced": outcome.replaced,
        "entry": outcome.entry,
        "verdict": outcome.report.verdict,
        "judged_again": list(outcome.reevaluated),
        "refused": outcome.refused,
        "notes": list(outcome.notes),
    }
    return pretty_json(document)


def fetch_model(context: RunContext, source: str, environment: MutableMapping[str, str]) -> ImportedModel:
    """Return a model that was made without mlci.

    Args:
        context: Run context; the configured registry names MLflow's server.
        source: ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or a path.
        environment: Variables of this process, where MLflow reads its settings.

    Raises:
        InputError: if the model does not exist, or no server is configured.
        OutsideError: if MLflow can't be reached.
    """
    if not source.startswith("models:"):
        path = Path(source)
        if not path.exists():
            raise InputError(
                f"--import {source}: the file or folder does not exist; write a model of MLflow as models:/NAME@ALIAS"
            )
        return ImportedModel(path=path, source=source)
    match = _MODEL.fullmatch(source)
    if match is None:
        raise InputError(f"--import {source}: write models:/NAME@ALIAS or models:/NAME/VERSION")
    registry = context.config.registry
    uri = registry if registry.startswith(MLFLOW) else environment.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        raise InputError(f"--import {source}: name MLflow's server by MLFLOW_TRACKING_URI or by `registry: mlflow:…`")
    room = context.scratch / "imported"
    return _of_mlflow(source, match, uri, room, folder=context.folder, environment=environment)


def _of_mlflow(
    source: str,
    found: re.Match[str],
    uri: str,
    room: Path,
    *,
    folder: Path,
    environment: MutableMapping[str, str],
) -> ImportedModel:
    """Download a version of a registered model, and read what its run records."""
    import time  # noqa: PLC0415 - waits between tries only

    from mlci.registry.errors import NotFoundError  # noqa: PLC0415
    from mlci.registry.stores.mlflow import client as mlflow_client  # noqa: PLC0415 - the adapter that was asked for

    client = mlflow_client.TrackingClient(
        mlflow_client.parse_tracking_uri(uri, folder), environment, Limits(), time.sleep
    )
    name, alias, number = found["name"], found["alias"], found["number"]
    try:
        version = client.retry("look for the model", lambda mlflow: _version(mlflow, name, alias, number))
    except NotFoundError as error:
        raise InputError(f"--import {source}: MLflow has no such model, version or alias") from error
    room.mkdir(parents=True, exist_ok=True)
    path = client.retry("download the model", lambda mlflow: _downloaded(mlflow, client.uri, version, room))
    run = None
    if version.run_id:
        try:
            run = client.retry("read its run", lambda mlflow: mlflow.get_run(version.run_id))
        except OutsideError:
            run = None  # deleted, perhaps: then less is known
    facts = {"mlflow_version": str(version.version), "mlflow_run": version.run_id or "", "created": _created(version)}
    params = {f"param.{key}": value for key, value in (run.data.params if run else {}).items()}
    return ImportedModel(
        path=Path(path),
        source=source,
        commit=run.data.tags.get("mlflow.source.git.commit") if run else None,
        metrics=dict(run.data.metrics) if run else {},
        facts={key: value[:500] for key, value in {**facts, **params}.items() if value},
    )


def _version(mlflow: Any, name: str, alias: str | None, number: str | None) -> Any:  # noqa: ANN401 - MLflow's own
    if alias is not None:
        return mlflow.get_model_version_by_alias(name, alias)
    return mlflow.get_model_version(name, number)


def _downloaded(mlflow: Any, uri: str, version: Any, room: Path) -> str:  # noqa: ANN401 - MLflow's own
    from mlflow import artifacts  # noqa: PLC0415 - the optional extra

    where = mlflow.get_model_version_download_uri(version.name, version.version)
    return str(artifacts.download_artifacts(artifact_uri=where, dst_path=str(room), tracking_uri=uri))


def _created(version: Any) -> str:  # noqa: ANN401 - MLflow's own
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.fromtimestamp(version.creation_timestamp / 1000, UTC).isoformat(timespec="seconds")
