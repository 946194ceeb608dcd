"""Sections `deploy`, their manifests, and a folder with two versions to deploy."""

from pathlib import Path

from mlci.config.lifecycle.deploy import Deploy
from mlci.deploy.manifest import DeployedVersion, render_manifest
from mlci.registry.stores.folder import FolderStore
from tests.support.registry.histories import promote_versions

VERSION = DeployedVersion(model="Credit Risk", number=3, digest="ab" * 32, commit="c" * 40)
IMAGE = f"images.example.org/scorer@sha256:{'0' * 64}"
PLACE = "s3://models/{model}/{version}-{digest}"


def section(**changes):
    facts = {"namespace": "models", "model_uri": PLACE, "kserve": {"format": "sklearn"}}
    return Deploy.model_validate({name: value for name, value in {**facts, **changes}.items() if value is not None})


def plain(**changes):
    return section(kserve=None, deployment={"image": IMAGE, **changes})


def manifest(one=None, *, canary=None, patch=None):
    return render_manifest(one or section(), VERSION, canary=canary, patch=patch or {})


CONFIG = """\
model: model
task: binary
evaluation: {data: d.csv, key: k, label: y}
predict: {file: p.csv, decision: p}
gates: [{metric: accuracy, min: 0.5}]
deploy:
  namespace: models
  model_uri: https://models.example.org/{digest}
  kserve: {format: sklearn}
"""


def serve(folder: Path) -> Path:
    """Write a configuration and a registry with two versions, the second in production."""
    (folder / "mlci.yml").write_text(CONFIG, "utf-8")
    promote_versions(FolderStore(folder / ".mlci" / "registry", "model"), folder, 2)
    return folder
