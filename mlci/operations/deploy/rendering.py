"""Manifest of a version in the registry, validated."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mlci.config.lifecycle.deploy import Deploy
from mlci.config.loader import CheckedConfig
from mlci.deploy.manifest import DeployedVersion, Manifest, check_pins, render_manifest
from mlci.deploy.structure import structure_problems
from mlci.errors import InputError, Problem
from mlci.operations.registry.find_version import find_version
from mlci.registry.registry import RegistryView, Version
from mlci.util.safe_files import read_bounded
from mlci.util.yaml_text import dump_yaml

_PATCH_BYTES = 1 << 20
_SAMPLE = """add for instance:
deploy:
  namespace: models
  model_uri: s3://models/{model}/{digest}
  kserve: {format: sklearn}"""


def deploy_section(loaded: CheckedConfig) -> Deploy:
    """Return the section ``deploy``.

    Raises:
        InputError: if the configuration has none.
    """
    if loaded.config.deploy is None:
        raise InputError(Problem(f"has no section `deploy`; {_SAMPLE}", loaded.path))
    return loaded.config.deploy


def find_servable_version(view: RegistryView, number: int | None) -> Version:
    """Return a version with a model, by its number; without one the version in production.

    Raises:
        InputError: if it does not exist, or has no model to serve.
    """
    version = find_version(view, number)
    if not version.manifest.files:
        raise InputError(
            f"version {version.number} has predictions and no model, so there is nothing to serve; add `train: "
            "{model: PATH}` and promote a version with it"
        )
    return version


def version_manifest(loaded: CheckedConfig, version: Version, *, canary: int | None) -> Manifest:
    """Return the manifest of a version, with the team's patch.

    Raises:
        InputError: if a field is unknown or has the wrong type, or the patch can't be read.
    """
    section = deploy_section(loaded)
    patch = read_manifest_file(Path(loaded.path).parent / section.patch, section.patch) if section.patch else {}
    served = deployed_version(version)
    manifest = render_manifest(section, served, canary=canary, patch=patch)
    if found := structure_problems(manifest):
        raise InputError(*(Problem(f"in the manifest, {problem}", section.patch or loaded.path) for problem in found))
    if patch:
        check_pins(render_manifest(section, served, canary=canary, patch={}), manifest)
    return manifest


def deployed_version(version: Version) -> DeployedVersion:
    """Return what a manifest says about a version."""
    manifest = version.manifest
    return DeployedVersion(
        model=manifest.model, number=version.number, digest=version.digest, commit=manifest.recipe.commit
    )


def manifest_text(manifest: Manifest) -> str:
    """Return a manifest as YAML; `kubectl` reads version 1.1, in which a commit such as ``12e4`` is a number."""
    return dump_yaml(manifest)


def read_manifest_file(path: Path, shown: str) -> Manifest:
    """Read a YAML file with one mapping.

    Raises:
        InputError: if it is not one.
    """
    try:
        found: Any = YAML(typ="safe", pure=True).load(read_bounded(path, _PATCH_BYTES).decode())
    except FileNotFoundError as error:
        raise InputError(Problem("does not exist; write it, or correct its path", shown)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"can't be read: {type(error).__name__}", shown)) from error
    except YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        reason = getattr(error, "problem", None) or "it has a syntax error"
        raise InputError(Problem(f"is not YAML: {reason}", shown, None if line is None else line + 1)) from error
    if not isinstance(found, dict):
        raise InputError(Problem("must be one YAML mapping", shown))
    return found
