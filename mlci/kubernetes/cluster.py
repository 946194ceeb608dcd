"""Client of a cluster: reads a resource, and applies one by server-side apply.

Server-side apply: the API server validates every field against the definition that this cluster has, merges the
manifest into the live resource, and records which manager set which field
(https://kubernetes.io/docs/reference/using-api/server-side-apply). Fields of others stay as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlci.errors import InputError, OutsideError

MANAGER = "mlci"
"""Field manager of everything that mlci applies."""
_PLURALS = {"InferenceService": "inferenceservices", "Deployment": "deployments"}
_SECONDS = 30.0
_CONFLICT, _NOT_FOUND = 409, 404
_DENIED = {401, 403}
_INVALID = {400, 422}
_NOT_IN_SCHEMA = "failed to create typed patch object"
"""What an API server (1.34) says, with status 500, of a field that a custom resource's definition does not have."""


class Cluster:
    """The cluster of the current kubeconfig: in a pod its own, else ``KUBECONFIG``, else ``~/.kube/config``."""

    def __init__(self, context: str | None = None) -> None:
        """Read the kubeconfig, without sending a request.

        Args:
            context: Context of the kubeconfig; the current one by default.

        Raises:
            InputError: if lightkube is not installed, or no usable kubeconfig exists.
        """
        try:
            import httpx2  # noqa: PLC0415 - comes with lightkube
            from lightkube import Client, KubeConfig  # noqa: PLC0415 - an extra
            from lightkube.core.exceptions import ConfigError  # noqa: PLC0415 - as above
        except ImportError as error:
            raise InputError("deploy: a cluster is reached by lightkube: pip install 'mlci[deploy]'") from error
        try:
            known = KubeConfig.from_env()
            if context is not None and context not in known.contexts:
                raise InputError(
                    f"deploy: the kubeconfig has no context `{context}`; `kubectl config get-contexts` lists them"
                )
            chosen = known.get(context)
            self._client = Client(config=chosen, timeout=httpx2.Timeout(_SECONDS), field_manager=MANAGER)
        except (ConfigError, OSError, LookupError, ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"deploy: no usable kubeconfig ({type(error).__name__}); set KUBECONFIG to its path, or log in with "
                "your provider's action before this step"
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the live resource of a manifest's kind, name and namespace; ``None`` if it does not exist.

        Raises:
            OutsideError: if the cluster can't be reached or refuses.
        """
        place = {"name": manifest["metadata"]["name"], "namespace": manifest["metadata"]["namespace"]}
        found = _ask(f"read {_named(manifest)}", lambda: self._client.get(_resource(manifest), **place).to_dict())
        if isinstance(found, _Missing) and found.of_kind:
            raise OutsideError(f"deploy: the cluster has no {manifest['kind']}: {found.message}; is KServe installed?")
        return None if isinstance(found, _Missing) else found

    def apply(self, manifest: Mapping[str, Any], *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """Apply a manifest and return the resource as it is then.

        Args:
            manifest: The manifest.
            dry_run: Whether nothing is stored; validation and merge are the same.
            force: Whether fields that another manager set are taken over.

        Raises:
            InputError: if the API server refuses the manifest.
            OutsideError: if the cluster can't be reached or refuses, or another manager owns a field.
        """
        resource, what = _resource(manifest).from_dict(dict(manifest)), f"apply {_named(manifest)}"
        found = _ask(what, lambda: self._client.apply(resource, force=force, dry_run=dry_run).to_dict())
        if isinstance(found, _Missing):
            raise OutsideError(f"deploy: could not {what}: {found.message}; create the namespace, or install KServe")
        return found


@dataclass(frozen=True)
class _Missing:
    """The answer that something does not exist: the resource, or (``of_kind``) its kind or namespace."""

    message: str
    of_kind: bool


def _ask(what: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any] | _Missing:
    """Return the answer to a request, its errors as errors of mlci."""
    import httpx2  # noqa: PLC0415 - comes with lightkube
    from lightkube.core.exceptions import ApiError  # noqa: PLC0415 - an extra

    try:
        return call()
    except ApiError as error:
        status = error.status
        if status.code != _NOT_FOUND:
            raise _refused(what, status.code, status.message) from error
        return _Missing(_line(status.message), of_kind=status.details is None or not status.details.name)
    except httpx2.HTTPStatusError as error:
        raise _refused(what, error.response.status_code, error.response.reason_phrase) from error
    except httpx2.HTTPError as error:
        raise OutsideError(f"deploy: could not {what}: no answer from the cluster ({type(error).__name__})") from error


def _refused(what: str, code: int | None, message: str | None) -> InputError | OutsideError:
    said = _line(message)
    if code in _INVALID or _NOT_IN_SCHEMA in said:
        return InputError(f"deploy: the cluster refused to {what}: {said}; change `deploy` in mlci.yml or the patch")
    if code == _CONFLICT:
        return OutsideError(
            f"deploy: could not {what}: another manager owns a field: {said}; remove the field from the manifest, or "
            "take it over with `--force`"
        )
    if code in _DENIED:
        rights = "get and patch on this kind of resource in this namespace"
        return OutsideError(f"deploy: not allowed to {what}: {said}; give the account the rights {rights}")
    return OutsideError(f"deploy: could not {what}: the cluster answered {code}: {said}")


def _resource(manifest: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a class that lightkube makes
    from lightkube.generic_resource import create_namespaced_resource  # noqa: PLC0415 - an extra

    group, _, version = manifest["apiVersion"].partition("/")
    kind = manifest["kind"]
    return create_namespaced_resource(group, version, kind, _PLURALS[kind])


def _named(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata']['namespace']}/{manifest['metadata']['name']}"


def _line(message: str | None) -> str:
    return " ".join((message or "no reason given").split())[:500]
