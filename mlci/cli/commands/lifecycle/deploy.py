"""``mlci deploy``."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry.ledger_words import ledger_text
from mlci.cli.registry.outcomes import rollback_text
from mlci.cli.registry_factory import load_with_registry, open_registry, update_mlflow_aliases, with_intent
from mlci.cli.wiring import load_configuration
from mlci.config.loader import CheckedConfig
from mlci.config.types import STORES
from mlci.deploy.difference import manifest_changes
from mlci.deploy.manifest import Manifest, model_uri
from mlci.errors import InputError, OutsideError
from mlci.operations.deploy import rendering
from mlci.operations.deploy.apply_manifest import ManifestChange, apply_manifest, traffic_share
from mlci.operations.deploy.files import LocalFolder, upload_version
from mlci.operations.registry.rollback import roll_back
from mlci.registry.registry import Registry, Version
from mlci.util.atomic_files import replace_file
from mlci.util.json_text import pretty_json

_number = click.option("--version", "number", type=click.IntRange(min=1), help="Version; by default the champion.")
_canary = click.option(
    "--canary",
    type=click.IntRange(0, 99),
    metavar="PERCENT",
    help="Share of the traffic for this version; the version before takes the rest. Without it, all of it.",
)
_context = click.option("--context", help="Context of the kubeconfig; by default the current one.")
_force = click.option("--force", is_flag=True, help="Take over fields that another manager set.")
_output = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write the manifest to, for GitOps."
)


@click.group()
def command() -> None:
    """Serve the version in production on Kubernetes: by KServe, with canary traffic, or by a plain Deployment.

    \b
    Examples:
      mlci deploy render
      mlci deploy apply --canary 10
      mlci deploy rollback --reason "error rate doubled"
    """  # noqa: D301 (click's mark against rewrapping)


@command.command("render")
@options.config
@options.as_json
@_number
@_canary
@_output
def render_command(
    config_path: Path, *, as_json: bool, number: int | None, canary: int | None, output: Path | None
) -> int:
    """Write the manifest of a version, validated field by field; no cluster is needed.

    \b
    Examples:
      mlci deploy render
      mlci deploy render --version 3 --output deploy/model.yaml
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, _, version = _version(config_path, number)
    manifest = rendering.version_manifest(loaded, version, canary=canary)
    text = pretty_json(manifest) if as_json else rendering.manifest_text(manifest)
    if output is None:
        click.echo(text.rstrip("\n"))
    else:
        _write(output, rendering.manifest_text(manifest))
        click.echo(f"wrote {output}: version {version.number}")
    return 0


@command.command("diff")
@options.config
@options.as_json
@_number
@_canary
@_context
@click.option("--against", type=click.Path(path_type=Path), help="Compare with this manifest instead of the cluster.")
def diff_command(
    config_path: Path,
    *,
    as_json: bool,
    number: int | None,
    canary: int | None,
    context: str | None,
    against: Path | None,
) -> int:
    """Show what applying a version would change, field by field; nothing is stored.

    The cluster's own validation runs too, as a dry run. The exit code is 0 also if something differs.

    \b
    Examples:
      mlci deploy diff
      mlci deploy diff --against deploy/model.yaml
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, _, version = _version(config_path, number)
    manifest = rendering.version_manifest(loaded, version, canary=canary)
    if against is None:
        done = apply_manifest(_cluster(context), manifest, dry_run=True)
    else:
        changes = manifest_changes(rendering.read_manifest_file(against, str(against)), manifest)
        done = ManifestChange(manifest=manifest, created=False, changes=changes)
    click.echo(_json(done) if as_json else "\n".join(map(str, done.changes)) or "no difference")
    return 0


@command.command("upload")
@options.config
@_number
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Local folder instead of `model_uri`.")
def upload_command(config_path: Path, *, number: int | None, to: Path | None) -> int:
    """Copy a version's model from the registry to `model_uri`, every byte verified by its digest.

    A second call copies only what is missing. `mlci deploy apply` does this first.

    \b
    Examples:
      mlci deploy upload
      mlci deploy upload --version 3 --to served
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, registry, version = _version(config_path, number)
    place = str(to) if to else _address(loaded, version)
    with tempfile.TemporaryDirectory() as scratch:
        target = LocalFolder(to) if to else _bucket(place)
        copied = upload_version(registry.store, version, target, Path(scratch))
    click.echo(f"{place}: {len(copied)} files, {sum(copied.values()):,} bytes of version {version.number}")
    return 0


@command.command("apply")
@options.config
@options.as_json
@_number
@_canary
@_context
@_force
def apply_command(
    config_path: Path, *, as_json: bool, number: int | None, canary: int | None, context: str | None, force: bool
) -> int:
    """Copy a version's model to `model_uri` and apply its manifest by server-side apply.

    With `--canary 10`, KServe sends 10 % of the traffic to it and the rest to the version before; a later call with
    another share moves it, and one without `--canary` gives it all of the traffic.

    \b
    Examples:
      mlci deploy apply --canary 10
      mlci deploy apply
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, registry, version = _version(config_path, number)
    manifest = rendering.version_manifest(loaded, version, canary=canary)
    cluster = _cluster(context)
    apply_manifest(cluster, manifest, dry_run=True, force=force)  # a refused manifest copies nothing
    _upload(loaded, registry, version)
    done = apply_manifest(cluster, manifest, dry_run=False, force=force)
    text = _applied(done)
    click.echo(_json(done) if as_json else text)
    write_step_result({"version": version.number, "canary": canary if canary is not None else 100}, text)
    return 0


@command.command("rollback")
@options.config
@options.as_json
@click.option("--to", type=click.IntRange(min=1), help="Version to roll back to; by default the previous one.")
@click.option("--reason", required=True, help="Reason, recorded in the ledger with the author.")
@_context
@_force
@_output
def rollback_command(
    config_path: Path,
    *,
    as_json: bool,
    to: int | None,
    reason: str,
    context: str | None,
    force: bool,
    output: Path | None,
) -> int:
    """Roll the registry back and serve that version again, in one step.

    The cluster is asked first, as a dry run, so that a cluster that can't be reached changes nothing. With `--output`,
    the manifest is written to a file for GitOps and no cluster is asked.

    \b
    Examples:
      mlci deploy rollback --reason "error rate doubled"
      mlci deploy rollback --reason "error rate doubled" --output deploy/model.yaml
    """  # noqa: D301 (click's mark against rewrapping)
    why = ledger_text(reason, "--reason")
    if why is None:
        raise click.UsageError("--reason must not be empty: it is recorded in the ledger for other readers")
    loaded, folder = load_configuration(config_path), config_path.parent
    registry = open_registry(loaded, folder, writes=True)
    rendering.deploy_section(loaded)
    apply = _file_writer(output) if output else _applier(loaded, registry, context, force=force)
    with with_intent(registry, folder, os.environ, "deploy-rollback", {"to": to}) as intended:
        done = roll_back(intended, to=to, reason=why)
    version = rendering.find_servable_version(registry.view(), done.version)
    try:
        applied = apply(rendering.version_manifest(loaded, version, canary=None), version)
    except OutsideError as error:
        error.remedy = f"{rollback_text(done)}, and the cluster is not changed yet: run `mlci deploy apply` for that"
        raise
    text = f"{rollback_text(done)}\n{applied}"
    document = {"version": done.version, "replaced": done.replaced, "entry": done.entry, "applied": applied}
    click.echo(pretty_json(document) if as_json else text)
    write_step_result({"version": done.version, "replaced": done.replaced}, f"{text}: {why}")
    if words := update_mlflow_aliases(registry, take_alias=False):
        click.echo(words, err=True)
    return 0


def _version(config_path: Path, number: int | None) -> tuple[CheckedConfig, Registry, Version]:
    loaded, registry = load_with_registry(config_path)
    rendering.deploy_section(loaded)
    return loaded, registry, rendering.find_servable_version(registry.view(), number)


def _file_writer(output: Path) -> Callable[[Manifest, Version], str]:
    def write(manifest: Manifest, version: Version) -> str:
        _write(output, rendering.manifest_text(manifest))
        return f"wrote {output}: version {version.number}"

    return write


def _applier(
    loaded: CheckedConfig, registry: Registry, context: str | None, *, force: bool
) -> Callable[[Manifest, Version], str]:
    """Return what applies a manifest, after the cluster has answered once."""
    cluster = _cluster(context)
    now = rendering.find_servable_version(registry.view(), None)
    cluster.get(rendering.version_manifest(loaded, now, canary=None))

    def apply(manifest: Manifest, version: Version) -> str:
        _upload(loaded, registry, version)
        return _applied(apply_manifest(cluster, manifest, dry_run=False, force=force))

    return apply


def _upload(loaded: CheckedConfig, registry: Registry, version: Version) -> None:
    """Copy the model to its address; an address that mlci can't write to is left to its owner."""
    address = _address(loaded, version)
    if not address.startswith(_SCHEMES):
        click.echo(f"mlci: {address} is not an object store; its files are expected there", err=True)
        return
    with tempfile.TemporaryDirectory() as scratch:
        upload_version(registry.store, version, _bucket(address), Path(scratch))


_SCHEMES = tuple(f"{scheme}://" for scheme in STORES)


def _address(loaded: CheckedConfig, version: Version) -> str:
    return model_uri(rendering.deploy_section(loaded), rendering.deployed_version(version))


def _bucket(address: str) -> Any:  # noqa: ANN401 - a folder of a bucket
    from mlci.registry.stores.object_store_bucket import Bucket  # noqa: PLC0415 - only for object stores
    from mlci.registry.stores.object_store_uri import parse_bucket_uri  # noqa: PLC0415 - as above
    from mlci.registry.stores.request_limits import Limits  # noqa: PLC0415 - as above

    if not address.startswith(_SCHEMES):
        raise InputError(
            f"deploy: mlci copies files to s3://, gs:// and az://, and {address} has another scheme; write them "
            "to a folder with `mlci deploy upload --to FOLDER` and copy them with your own tool"
        )
    place = parse_bucket_uri(address)
    return Bucket(place, place.prefix, dict(os.environ), Limits(), time.sleep)


def _cluster(context: str | None) -> Any:  # noqa: ANN401 - the adapter
    from mlci.kubernetes.cluster import Cluster  # noqa: PLC0415 - an extra

    cluster = Cluster(context)
    click.get_current_context().call_on_close(cluster.close)
    return cluster


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as error:
        raise InputError(f"can't write to {path}: {error.strerror}; choose another file with `--output`") from error


def _applied(done: ManifestChange) -> str:
    name, share = done.manifest["metadata"]["name"], traffic_share(done.manifest)
    traffic = "all of the traffic" if share is None else f"{share} % of the traffic, the version before the rest"
    did = "created" if done.created else "changed" if done.changes else "was up to date"
    lines = [f"{name} {did}: version {done.version} takes {traffic}", *(f"  {change}" for change in done.changes)]
    return "\n".join(lines if not done.created else lines[:1])


def _json(done: ManifestChange) -> str:
    changes = [{"path": change.path, "before": change.before, "after": change.after} for change in done.changes]
    return pretty_json({"version": int(done.version), "created": done.created, "changes": changes})
