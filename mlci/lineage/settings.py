"""A configuration as a flat list of settings, so that two can be compared key by key. Pure."""

import json
from collections.abc import Iterator, Mapping

_GATES = "gates"
_SCOPE = ("each", "across")


def flat(settings: Mapping[str, object]) -> dict[str, str]:
    """Return every setting by its path: ``predict.threshold``, ``gates[recall, each: region].max_drop``.

    Gates go by what they look at, not by their place, so that one that was put in front changes no other. Lists of
    plain values are one setting. What is left out of the file and what is written as its default are the same.
    """
    return dict(_walk("", settings))


def _walk(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _walk(f"{path}.{key}" if path else str(key), part)
    elif path == _GATES and isinstance(value, list | tuple):
        for name, gate in _gates(value):
            yield from _walk(f"{path}[{name}]", gate)
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _gates(gates: list[object] | tuple[object, ...]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield gates by metric and scope; the second of two that look at the same has a number."""
    seen: dict[str, int] = {}
    for gate in gates:
        if not isinstance(gate, Mapping):
            continue
        scope = [f"{key}: {_name(gate[key])}" for key in _SCOPE if gate.get(key)]
        name = ", ".join([str(gate.get("metric")), *scope])
        seen[name] = seen.get(name, 0) + 1
        again = f" ({seen[name]})" if seen[name] > 1 else ""
        yield name + again, {key: part for key, part in gate.items() if key != "metric" and key not in _SCOPE}


def _name(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else str(value)
