"""Apply a manifest to a cluster, and list the fields that this changes, or would change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mlci.deploy.difference import FieldChange, field_changes
from mlci.deploy.manifest import Manifest
from mlci.errors import InputError


class ClusterPort(Protocol):
    """A cluster; :class:`mlci.kubernetes.cluster.Cluster` is one."""

    def get(self, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the live resource of that kind and name; ``None`` if it does not exist."""

    def apply(self, manifest: Mapping[str, Any], *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """Apply a manifest by server-side apply and return the resource as it is then."""


@dataclass(frozen=True, kw_only=True)
class ManifestChange:
    """Change of a resource by applying a manifest.

    Attributes:
        manifest: The manifest that was applied.
        created: Whether the resource did not exist before.
        changes: Fields that differ from the resource before.
    """

    manifest: Manifest
    created: bool
    changes: list[FieldChange]

    @property
    def version(self) -> str:
        """Number of the version, as the manifest says it."""
        return str(self.manifest["metadata"]["annotations"]["mlci/version"])


def apply_manifest(cluster: ClusterPort, manifest: Manifest, *, dry_run: bool, force: bool = False) -> ManifestChange:
    """Apply a manifest, or with ``dry_run`` return what applying it would change.

    Raises:
        InputError: if the cluster refuses the manifest, or the traffic can't be split because no version is deployed.
        OutsideError: if the cluster can't be reached, or another manager owns a field.
    """
    live = cluster.get(manifest)
    if live is None and traffic_share(manifest) is not None:
        raise InputError(
            f"deploy: {manifest['metadata']['name']} is not deployed yet, so no traffic can be split; run `mlci "
            "deploy apply` without `--canary` first"
        )
    after = cluster.apply(manifest, dry_run=dry_run, force=force)
    return ManifestChange(manifest=manifest, created=live is None, changes=field_changes(live or {}, after))


def traffic_share(manifest: Manifest) -> int | None:
    """Return the canary's share of the traffic in per cent; ``None`` if the version takes all of it."""
    share = manifest.get("spec", {}).get("predictor", {}).get("canaryTrafficPercent")
    return None if share is None else int(share)
