"""GitHub's own description of its API, applied to one request or one response at a time."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from tests.fake_github.deviations import DEVIATIONS
from tests.fake_github.words import describe_error

HERE = "urn:github:description"
SLASHES = {"path", "ref", "branch", "tag", "base", "head", "basehead"}  # parameters that hold slashes as they are


@dataclass(frozen=True)
class Operation:
    """One operation: where it is, what it takes and what it may answer."""

    name: str
    method: str
    path: str
    docs: str
    parameters: list[dict[str, Any]]
    responses: dict[str, dict[str, Any]]
    body: dict[str, Any] | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", self.path)
        named = [
            re.escape(part) if i % 2 == 0 else f"(?P<{part}>{'.+?' if part in SLASHES else '[^/]+'})"
            for i, part in enumerate(parts)
        ]
        return re.compile("".join(named) + "$")

    @property
    def weight(self) -> int:
        """Return how much of the path is fixed: of two matching operations, the more specific one counts."""
        return len(re.sub(r"\{\w+\}", "", self.path))

    def query(self) -> dict[str, dict[str, Any]]:
        return {item["name"]: item for item in self.parameters if item["in"] == "query"}


@cache
def description() -> dict[str, Any]:
    """The derived file, with its references made absolute."""
    text = gzip.decompress(Path(__file__).with_name("description.json.gz").read_bytes()).decode("utf-8")
    return json.loads(text.replace('"#/schemas/', f'"{HERE}#/schemas/'))


@cache
def operations() -> dict[str, Operation]:
    return {name: Operation(name=name, **facts) for name, facts in description()["operations"].items()}


@cache
def registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(HERE, {"schemas": description()["schemas"]})], draft=jsonschema_rs.Draft202012)


def find(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation that a path (still encoded) means, and the values in it."""
    matches = [
        (operation, match)
        for operation in operations().values()
        if operation.method == method and (match := operation.pattern.match(path))
    ]
    if not matches:
        return None
    operation, match = max(matches, key=lambda pair: pair[0].weight)
    return operation, {name: unquote(value) for name, value in match.groupdict().items()}


@cache
def validator(operation: str, part: str) -> jsonschema_rs.Draft202012Validator | None:
    """The validator of a request's body (part `body`) or of a response (its status); compiled when first needed."""
    facts = description()["operations"][operation]
    node = facts.get("body") if part == "body" else facts["responses"].get(part)
    if node is None or "schema" not in node:
        return None
    return jsonschema_rs.Draft202012Validator(node["schema"], registry=registry(), validate_formats=True)


def body_errors(operation: Operation, body: Any) -> list[str]:
    """Return the errors of a body by GitHub's description."""
    if operation.body is None:
        return []
    if body is None:
        return ["A body is needed."] if operation.body.get("required") else []
    check = validator(operation.name, "body")
    return [describe_error(error) for error in check.iter_errors(body)] if check else []


def response_errors(operation: Operation, status: int, body: Any) -> list[str]:
    """Return differences of a response from GitHub's description, except those of GitHub itself."""
    if str(status) not in operation.responses:
        return [] if status >= 400 else [f"the description of {operation.name} has no answer {status}"]
    check = validator(operation.name, str(status))
    if check is None:
        return []
    errors = [f"/{'/'.join(map(str, error.instance_path))}: {error.message}" for error in check.iter_errors(body)]
    return [error for error in errors if not any(known.allows(operation.name, error) for known in DEVIATIONS)]


def query_errors(operation: Operation, query: dict[str, str]) -> list[str]:
    """Return the errors of a query string by GitHub's description."""
    known = operation.query()
    missing = [f'"{name}" wasn\'t supplied.' for name, item in known.items() if item["required"] and name not in query]
    return missing + [error for name in query for error in parameter_errors(known.get(name), name, query[name])]


def parameter_errors(item: dict[str, Any] | None, name: str, text: str) -> list[str]:
    if item is None:
        return [f"no parameter {name!r} is described"]
    allowed = item["schema"].get("enum")
    if allowed and text not in map(str, allowed):
        return [f"For 'query/{name}', {text!r} is not in {allowed}."]
    wanted = item["schema"].get("type")
    good = {"integer": r"-?\d+", "boolean": "true|false"}.get(wanted, "(?s).*")
    return [] if re.fullmatch(good, text) else [f"For 'query/{name}', {text!r} is not a {wanted}."]


def unknown_fields(operation: Operation, body: Any) -> list[str]:
    """Fields that the description does not name. GitHub ignores them in silence, so they are most likely misspelt."""
    return list(strangers(operation.body["schema"], body, "")) if operation.body else []


def strangers(schema: Any, value: Any, where: str) -> Iterator[str]:
    parts = list(branches(schema))
    if isinstance(value, list):
        items = [part["items"] for part in parts if "items" in part]
        for item in value if items else []:
            yield from strangers({"anyOf": items}, item, f"{where}/items")
    properties = [part["properties"] for part in parts if "properties" in part]
    if not isinstance(value, dict) or not properties:
        return
    if any(isinstance(part.get("additionalProperties"), dict) for part in parts):
        return
    for name, inner in value.items():
        known = [group[name] for group in properties if name in group]
        if known:
            yield from strangers({"anyOf": known}, inner, f"{where}/{name}")
        else:
            yield f"{where}/{name}"


def branches(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and every alternative in it, with references looked up."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        schema = description()["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    yield schema
    for word in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(word, []):
            yield from branches(part)
