"""JSON Schema of ``mlci.yml`` (draft 2020-12), with which editors complete and check it.

``python -m mlci.config.schema`` writes it. It accepts what :func:`mlci.config.loader.parse_config` accepts, as far as a
schema can express it: exactly one source of predictions, a limit on every gate, no empty values.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from mlci.config.models import SOURCES, Config
from mlci.gates.limits import LIMIT_KINDS

ADDRESS = "https://raw.githubusercontent.com/mlci/mlci/main/mlci/config/schema.json"
FILE = "schema.json"


def build_schema() -> dict[str, Any]:
    """Return the schema that is generated from the models."""
    schema = _tidy(Config.model_json_schema())
    parts = schema["$defs"]
    others = [source for source in SOURCES if source not in {"run", "log"}]
    parts["Predict"]["oneOf"] = [*_require_one(others), {"anyOf": _require_one(("run", "log"))}]
    parts["Baseline"]["oneOf"] = _require_one(("file", "ref", "log"))
    rows = {"properties": {"evaluation": {"required": ["data", "label"]}}}
    schema["allOf"] = [{"if": {"properties": {"task": {"const": "scores"}}}, "else": rows}]
    parts["Gate"]["anyOf"] = _require_one(LIMIT_KINDS)
    parts["Retention"]["anyOf"] = _require_one(("versions", "days"))
    parts["ReportSection"]["dependentRequired"] = {"public": ["rows"]}
    parts["Cost"]["dependentRequired"] = {"over": ["budget_usd_per_month"]}
    parts["Train"]["dependentRequired"] = {"label": ["when"]}
    parts["Gate"]["not"] = {"required": ["each", "across"]}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ADDRESS,
        "title": "mlci.yml",
        "description": "How mlci trains and evaluates a pull request's model, and the gates that it must pass.",
    }
    return {**head, **{key: value for key, value in schema.items() if key not in head}}


def render_schema(schema: dict[str, Any]) -> str:
    """Return the text of the file; the same models give the same bytes."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def committed() -> str:
    """Return the schema that ships with the package."""
    return files("mlci.config").joinpath(FILE).read_text(encoding="utf-8")


def _require_one(names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"required": [name]} for name in names]


def _is_idle(key: str, value: Any) -> bool:  # noqa: ANN401 - any part of a schema
    """Return whether an entry only states that a key may be omitted."""
    return key == "default" and (value is None or isinstance(value, dict))


def _join_choices(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the forms of a value as the shortest schema; every integer is a number."""
    if len(choices) == 1:
        return choices[0]
    if all(choice.keys() == {"type"} for choice in choices):
        types = [choice["type"] for choice in choices]
        return {"type": [name for name in types if name != "integer" or "number" not in types]}
    return {"anyOf": choices}


def _tidy(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Remove what applies to the models and not to the file: nulls, and titles that only repeat a key."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _tidy(value) for key, value in node.items() if not _is_idle(key, value)}
    choices = [item for item in kept.get("anyOf", []) if item != {"type": "null"}]
    if "anyOf" in kept:
        kept.pop("anyOf")
        kept = {**_join_choices(choices), **kept}
    if isinstance(kept.get("title"), str) and "properties" not in kept:
        kept.pop("title")
    if isinstance(kept.get("description"), str):
        kept["description"] = kept["description"].replace("``", "`")
    return kept


if __name__ == "__main__":
    Path(__file__).with_name(FILE).write_text(render_schema(build_schema()), encoding="utf-8")
