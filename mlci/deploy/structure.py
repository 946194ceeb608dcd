"""Structure of a manifest: every field known, of the right type, and every required one there.

The types are those of lightkube-models, which are generated from Kubernetes' own OpenAPI description. KServe's fields
are listed here; they extend the pod specification, as in its definition of ``serving.kserve.io/v1beta1``. The cluster
checks a manifest again, with its own definitions, when it is applied.
"""

import types
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from mlci.errors import InputError

_ATOMS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
_TIME = "datetime"


class Fields(dict[str, Any]):
    """Fields of a mapping by name, each with its type; ``required`` names those that must be there."""

    required: tuple[str, ...] = ()


def structure_problems(manifest: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a manifest, each with the path of the field.

    Raises:
        InputError: if lightkube is not installed.
    """
    kind = f"{manifest.get('apiVersion')} {manifest.get('kind')}"
    known = _kinds()
    if kind not in known:
        return [f"`{kind}` is a kind of resource that mlci does not render; keep {' or '.join(known)}"]
    return list(_problems(manifest, known[kind], ""))


@cache
def _kinds() -> dict[str, Fields]:
    """Return the resources that mlci renders."""
    try:
        from lightkube.models import apps_v1, core_v1, meta_v1  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError("deploy: manifests are validated by lightkube: pip install 'mlci[deploy]'") from error
    top = Fields(apiVersion=str, kind=str, metadata=meta_v1.ObjectMeta)
    deployment = Fields({**top, "spec": apps_v1.DeploymentSpec})
    service = Fields({**top, "spec": _kserve(core_v1)})
    deployment.required = service.required = ("apiVersion", "kind", "metadata", "spec")
    return {"apps/v1 Deployment": deployment, "serving.kserve.io/v1beta1 InferenceService": service}


def _kserve(core: Any) -> Fields:  # noqa: ANN401 - a module
    """Return the specification of an InferenceService with a predictor and a model."""
    container, pod = get_type_hints(core.Container), get_type_hints(core.PodSpec)
    del pod["ephemeralContainers"]
    named = Fields(name=str, version=str)
    named.required = ("name",)
    storage = Fields(path=str, schemaPath=str, key=str, parameters=dict[str, str])
    model = Fields(container)
    model |= {"modelFormat": named, "runtime": str, "runtimeVersion": str, "storageUri": str, "storage": storage}
    model |= {"protocolVersion": str}
    predictor = Fields(pod)
    predictor |= dict.fromkeys(("minReplicas", "maxReplicas", "scaleTarget", "containerConcurrency", "timeout"), int)
    predictor |= {"canaryTrafficPercent": int, "scaleMetric": str, "scaleMetricType": str, "model": model}
    predictor |= {"labels": dict[str, str], "annotations": dict[str, str]}
    predictor |= {"deploymentStrategy": _rolling(), "logger": Fields(url=str, mode=str)}
    predictor["batcher"] = Fields(maxBatchSize=int, maxLatency=int, timeout=int)
    spec = Fields(predictor=predictor)
    spec.required = ("predictor",)
    return spec


def _rolling() -> Any:  # noqa: ANN401 - a type
    from lightkube.models import apps_v1  # noqa: PLC0415 - an extra

    return apps_v1.DeploymentStrategy


def _problems(value: object, kind: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a type, or our fields
    """Yield what is wrong with a value, depth first, in the order of the manifest."""
    options = [item for item in _options(kind) if item is not type(None)]
    if value is None and len(options) < len(_options(kind)):
        return
    first = options[0]
    if len(options) > 1:
        if not any(_is(value, option) for option in options):
            yield f"{path} must be {' or '.join(_ATOMS[option] for option in options)}, not {_shown(value)}"
    elif isinstance(first, Fields) or hasattr(first, "__struct_fields__"):
        yield from _mapping_problems(value, first, path)
    elif (get_origin(first) or first) is list:
        yield from _list_problems(value, first, path)
    elif (get_origin(first) or first) is dict:
        yield from _plain_mapping_problems(value, first, path)
    elif first is not Any and first is not object and not _is(value, first):
        yield f"{path} must be {_ATOMS.get(first, 'another type')}, not {_shown(value)}"


def _options(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    return get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)


def _is(value: object, kind: type) -> bool:
    if kind.__name__ == _TIME:
        return isinstance(value, str)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float if kind is float else kind)


def _mapping_problems(value: object, kind: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - as above
    if not isinstance(value, dict):
        yield f"{path} must be a mapping, not {_shown(value)}"
        return
    fields, required = _fields(kind)
    for name, item in value.items():
        place = f"{path}.{name}" if path else str(name)
        if name not in fields:
            near = get_close_matches(str(name), fields, 1)
            yield f"{place} is not a field" + (f"; did you mean `{near[0]}`?" if near else "")
        else:
            yield from _problems(item, fields[name], place)
    yield from (f"{path}.{name} is missing".lstrip(".") for name in required if value.get(name) is None)


def _fields(kind: Any) -> tuple[dict[str, Any], tuple[str, ...]]:  # noqa: ANN401 - as above
    if isinstance(kind, Fields):
        return kind, kind.required
    from msgspec.structs import fields  # noqa: PLC0415 - comes with lightkube

    hints = get_type_hints(kind)
    found = fields(kind)
    required = tuple(item.encode_name for item in found if item.required)
    return {item.encode_name: hints[item.name] for item in found}, required


def _list_problems(value: object, kind: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - as above
    if not isinstance(value, list):
        yield f"{path} must be a list, not {_shown(value)}"
        return
    for number, item in enumerate(value):
        yield from _problems(item, (*get_args(kind), Any)[0], f"{path}[{number}]")


def _plain_mapping_problems(value: object, kind: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - as above
    if not isinstance(value, dict):
        yield f"{path} must be a mapping, not {_shown(value)}"
        return
    for name, item in value.items():
        yield from _problems(item, get_args(kind)[1] if get_args(kind) else Any, f"{path}.{name}")


def _shown(value: object) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)[:60]
