"""The section ``deploy``: the Kubernetes resource that serves the version in production."""

import re
from collections.abc import Set as AbstractSet
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from mlci.config.base import ConfigModel, Name, Place, exactly_one

DNS_LABEL = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
"""A name of a service, RFC 1035: https://kubernetes.io/docs/concepts/overview/working-with-objects/names."""
PINNED_IMAGE = r"^[A-Za-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}$"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PLACEHOLDERS = ("model", "version", "digest")
"""Names between braces in ``model_uri``."""

KubernetesName = Annotated[str, Field(pattern=DNS_LABEL)]


def _names_one_version(address: str) -> str:
    """Refuse an address whose content could change under a manifest, and unknown placeholders."""
    found = _PLACEHOLDER.findall(address)
    if unknown := [name for name in found if name not in PLACEHOLDERS]:
        allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        message = f"has the placeholder {{{unknown[0]}}}, which is unknown; the ones with a value are {allowed}"
        raise PydanticCustomError("mlci_rule", "{message}", {"message": message})
    if "digest" not in found:
        message = "must contain {digest}, so that a manifest names the files of one version and no others"
        raise PydanticCustomError("mlci_rule", "{message}", {"message": message})
    return address


class KServe(ConfigModel):
    """A KServe InferenceService."""

    format: Name = Field(description="Format of the model, as a serving runtime names it: `sklearn`, `xgboost`, …")
    runtime: Name | None = Field(default=None, description="Serving runtime; KServe chooses one if omitted.")
    min_replicas: int | None = Field(default=None, ge=0, description="Least number of replicas; 0 scales to zero.")
    max_replicas: int | None = Field(default=None, ge=1, description="Greatest number of replicas.")
    service_account: KubernetesName | None = Field(
        default=None, description="Service account with the credentials that read `model_uri`."
    )


class PlainDeployment(ConfigModel):
    """A Deployment whose container loads the model from the address in ``MODEL_URI``."""

    image: Annotated[str, Field(max_length=1_000, pattern=PINNED_IMAGE)] = Field(
        description="Image of the container, pinned by digest: `…@sha256:…`."
    )
    port: int = Field(default=8080, ge=1, le=65_535, description="Port that the container listens on.")
    replicas: int = Field(default=1, ge=0, description="Number of replicas.")


class Deploy(ConfigModel):
    """Where the version in production is served, and by which Kubernetes resource."""

    namespace: KubernetesName = Field(description="Namespace of the resource.")
    name: KubernetesName | None = Field(
        default=None, description="Name of the resource; if omitted, the model's name in small letters, with `-`."
    )
    model_uri: Annotated[Place, AfterValidator(_names_one_version)] = Field(
        description="Address of the version's files, with `{digest}` and, if you like, `{model}` and `{version}`. "
        "`mlci deploy upload` copies them to `s3://…`, `gs://…` and `az://…`."
    )
    kserve: KServe | None = Field(default=None, description="Serve by a KServe InferenceService.")
    deployment: PlainDeployment | None = Field(default=None, description="Serve by a plain Deployment.")
    patch: Place | None = Field(
        default=None, description="YAML file that is merged into the manifest, as a JSON merge patch (RFC 7386)."
    )

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Require exactly one kind of resource."""
        return exactly_one(("kserve", "deployment"), keys)
