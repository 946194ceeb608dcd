"""Models to import: a file, a folder, or a version in MLflow's model registry."""

import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from mlci.config.types import MLFLOW
from mlci.errors import InputError, OutsideError
from mlci.operations.context import RunContext
from mlci.operations.promote.import_model import ImportedModel
from mlci.registry.stores.retry import Limits

_MODEL = re.compile(r"models:/(?P<name>[^@/]+)(?:@(?P<alias>[^@/]+)|/(?P<number>[1-9][0-9]*))")


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
        version = client.again("look for the model", lambda mlflow: _version(mlflow, name, alias, number))
    except NotFoundError as error:
        raise InputError(f"--import {source}: MLflow has no such model, version or alias") from error
    room.mkdir(parents=True, exist_ok=True)
    path = client.again("download the model", lambda mlflow: _downloaded(mlflow, client.uri, version, room))
    run = None
    if version.run_id:
        try:
            run = client.again("read its run", lambda mlflow: mlflow.get_run(version.run_id))
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
