"""A cluster that a workflow deploys to, and what it serves."""

import json
from dataclasses import dataclass
from typing import Any

from lightkube import Client, KubeConfig
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource

_SERVICE = create_namespaced_resource("serving.kserve.io", "v1beta1", "InferenceService", "inferenceservices")


@dataclass(frozen=True)
class Served:
    """An API server by its kubeconfig."""

    kubeconfig: str

    def service(self, name: str = "churn") -> dict[str, Any] | None:
        """Return the live InferenceService; ``None`` without one."""
        with Client(KubeConfig.from_dict(json.loads(self.kubeconfig))) as client:
            try:
                return client.get(_SERVICE, name, namespace="models").to_dict()
            except ApiError as error:
                if error.status.code == 404:
                    return None
                raise

    def version(self) -> tuple[str, int | None] | None:
        """Return the version that is served, and its share of the traffic if that is split."""
        found = self.service()
        if found is None:
            return None
        return found["metadata"]["annotations"]["mlci/version"], found["spec"]["predictor"].get("canaryTrafficPercent")
