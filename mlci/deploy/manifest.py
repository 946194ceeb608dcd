"""Manifests of a version: from ``templates/deploy``, pinned by digest, with the team's patch."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, StrictUndefined
from ruamel.yaml import YAML

from mlci.config.lifecycle.deploy import DNS_LABEL, Deploy
from mlci.errors import InputError
from mlci.report.templating import template_folder

Manifest = dict[str, Any]
"""A resource as plain data."""
MODE = "serving.kserve.io/deploymentMode"
"""Annotation that chooses how KServe runs a service; traffic is split in the mode `Serverless` only.

https://kserve.github.io/website/latest/modelserving/v1beta1/rollout/canary
"""


@dataclass(frozen=True, kw_only=True)
class DeployedVersion:
    """The version that a manifest names.

    Attributes:
        model: Name of the model.
        number: Number of the version.
        digest: SHA-256 of its manifest in the registry, which names every file by digest.
        commit: Commit that it was trained from, if known.
    """

    model: str
    number: int
    digest: str
    commit: str | None


def resource_name(section: Deploy, model: str) -> str:
    """Return the name of the resource.

    Raises:
        InputError: if the model's name gives no valid one and the section names none.
    """
    name = section.name or re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
    if not re.fullmatch(DNS_LABEL, name):
        raise InputError(
            f"deploy: `{name}`, from the model's name, is not a name for Kubernetes (small letters, digits and `-`, a "
            "letter first, at most 63); add `name: …` to `deploy`"
        )
    return name


def model_uri(section: Deploy, version: DeployedVersion) -> str:
    """Return the address of a version's files."""
    values = {"model": version.model, "version": str(version.number), "digest": version.digest}
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], section.model_uri)


def render_manifest(section: Deploy, version: DeployedVersion, *, canary: int | None, patch: Manifest) -> Manifest:
    """Return the manifest of a version.

    Args:
        section: The section ``deploy``.
        version: The version.
        canary: Share of the traffic in per cent; ``None`` sends all of it to the version.
        patch: The team's patch; empty if there is none.

    Raises:
        InputError: if the traffic can't be split for this kind of resource.
    """
    name = resource_name(section, version.model)
    kind, served = ("kserve", section.kserve) if section.kserve else ("deployment", section.deployment)
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "mlci"}
    text = _template(f"deploy/{kind}.yaml.j2").render(
        name=name,
        namespace=section.namespace,
        labels=labels,
        annotations=_annotations(version),
        section=served,
        canary=canary,
        version=version.number,
        model_uri=model_uri(section, version),
    )
    manifest: Manifest = merge_patch(YAML(typ="safe", pure=True).load(text), patch)
    _check_canary(section, manifest, canary)
    return manifest


def merge_patch(target: Any, patch: Any) -> Any:  # noqa: ANN401 - JSON values
    """Return ``target`` changed by a JSON merge patch: mappings merge, null removes, all else replaces (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


_PINNED, _NAMES = ("apiVersion", "kind", "storageUri", "image"), ("name", "namespace")
"""Keys that say what is served, and those of the metadata that name the resource."""


def check_pins(own: Manifest, patched: Manifest) -> None:
    """Refuse a patch that changes what is served, or which version the resource says it serves.

    Raises:
        InputError: if it does; the message names the first such value.
    """
    before, after = dict(_pins(own, ())), dict(_pins(patched, ()))
    changed = next((path for path, value in before.items() if after.get(path) != value), None)
    if changed is not None:
        raise InputError(
            f"deploy: the patch changes {'.'.join(changed)}, which pins the manifest to the version; remove it from "
            "`deploy.patch`. The image and the address of the model are set by the other keys of `deploy`"
        )


def _pins(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - JSON values
    """Yield the values of a manifest that pin it, by their paths; containers and variables go by their names."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _pins(item, (*path, str(item.get("name", index)) if isinstance(item, dict) else str(index)))
        return
    for key, value in node.items() if isinstance(node, dict) else ():
        if isinstance(value, dict | list):
            yield from _pins(value, (*path, key))
            continue
        named = path == ("metadata",) and key in _NAMES
        if named or key in _PINNED or key.startswith("mlci/") or (path[-1:] == ("MODEL_URI",) and key == "value"):
            yield (*path, key), value


def _annotations(version: DeployedVersion) -> dict[str, str]:
    """Return what says, on the resource itself, which version it serves."""
    found = {
        "mlci/model": version.model,
        "mlci/version": str(version.number),
        "mlci/digest": f"sha256:{version.digest}",
        "mlci/commit": version.commit,
    }
    return {name: value for name, value in found.items() if value}


def _check_canary(section: Deploy, manifest: Manifest, canary: int | None) -> None:
    if canary is None:
        return
    if section.kserve is None:
        raise InputError(
            "deploy: a plain Deployment has no canary traffic: its replicas are replaced one after the other; leave "
            "`--canary` out, or serve by `kserve`"
        )
    mode = (manifest.get("metadata", {}).get("annotations") or {}).get(MODE, "Serverless")
    if mode not in {"Serverless", "Knative"}:
        raise InputError(
            f"deploy: with `{MODE}: {mode}` KServe splits no traffic; leave `--canary` out, or remove that annotation "
            "from the patch"
        )


@cache
def _template(name: str) -> Any:  # noqa: ANN401 - jinja2's Template
    """Return a template in which every value is written as JSON, which is YAML too."""
    environment = Environment(
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, not HTML; the filter quotes every value
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["yaml"] = json.dumps
    return environment.from_string(template_folder().joinpath(name).read_text(encoding="utf-8"))
