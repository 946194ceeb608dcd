"""Derives `description.json.gz` from GitHub's OpenAPI description: the operations that we use, without prose.

Run it after `npm pack @octokit/openapi@23.0.2` and unpacking:

    python -m tests.fake_github.derive package/generated/api.github.com.json

OpenAPI 3.0 schemas become JSON Schema: `nullable` turns into a type, and words that validate nothing are dropped.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fake_github.operations import OPERATIONS

OUT = Path(__file__).with_name("description.json.gz")
SOURCE = {
    "source": "npm @octokit/openapi 23.0.2, generated/api.github.com.json",
    "upstream": "https://github.com/github/rest-api-description",
    "licence": "MIT License, Copyright (c) 2020 Octokit contributors; see description.LICENSE",
    "changes": "operations of `operations.py` only; prose dropped; schemas converted to JSON Schema 2020-12",
}
PROSE = {"description", "example", "examples", "title", "deprecated", "readOnly", "default", "externalDocs"}
# What validators disagree about, and what clients never get wrong: addresses, and sizes of numbers.
FORMATS = {"date-time", "date"}
METHODS = {"get", "post", "put", "patch", "delete"}


def schema(node: Any, *, names: bool = False) -> Any:
    """Convert one schema; with ``names`` the keys are names of properties, not keywords of the schema."""
    if isinstance(node, list):
        return [schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: schema(value) for key, value in node.items()}
    if "$ref" in node:
        return {"$ref": "#/schemas/" + node["$ref"].rsplit("/", 1)[-1]}
    kept = {
        key: value if key in {"enum", "required"} else schema(value, names=key == "properties")
        for key, value in node.items()
        if key not in PROSE and not key.startswith("x-") and key not in {"nullable", "discriminator"}
    }
    if kept.get("format") not in FORMATS:
        kept.pop("format", None)
    return nullable(kept) if node.get("nullable") else kept


def nullable(node: dict[str, Any]) -> dict[str, Any]:
    """Express OpenAPI 3.0's `nullable: true` in JSON Schema."""
    if "enum" in node and None not in node["enum"]:
        node = node | {"enum": [*node["enum"], None]}
    if isinstance(node.get("type"), str) and not node.keys() & {"anyOf", "oneOf", "allOf"}:
        return node | {"type": [node["type"], "null"]}
    return {"anyOf": [node, {"type": "null"}]}


class Source:
    """The whole description, with references looked up."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            _, *path = node["$ref"].split("/")
            node = self.document
            for word in path:
                node = node[word]
        return node

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, item in self.document["paths"].items():
            for method in item.keys() & METHODS:
                yield method.upper(), path, item[method]

    def examples(self, content: dict[str, Any]) -> list[Any]:
        """GitHub's examples of one content; a few of them are references in the place of a value."""
        found = [self.resolved(example).get("value") for example in content.get("examples", {}).values()]
        looked_up = [
            self.resolved(value).get("value", value) if isinstance(value, dict) and "$ref" in value else value
            for value in found
        ]
        return [value for value in looked_up if isinstance(value, dict | list)]

    def parameter(self, node: dict[str, Any]) -> dict[str, Any]:
        found = self.resolved(node)
        return {
            "name": found["name"],
            "in": found["in"],
            "required": found.get("required", False),
            "schema": schema(found["schema"]),
        }

    def answer(self, node: dict[str, Any], *, keep: bool) -> dict[str, Any]:
        """Schema and, for successes, GitHub's own examples of one response."""
        content = self.resolved(node).get("content", {}).get("application/json", {})
        derived = {"schema": schema(content["schema"])} if "schema" in content else {}
        return derived | ({"examples": self.examples(content)} if keep and self.examples(content) else {})

    def derived(self, method: str, path: str, node: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {
            "method": method,
            "path": path,
            "docs": node.get("externalDocs", {}).get("url", ""),
            "parameters": [self.parameter(item) for item in node.get("parameters", [])],
            "responses": {
                status: self.answer(item, keep=status.startswith("2")) for status, item in node["responses"].items()
            },
        }
        body = self.resolved(node.get("requestBody", {})) if "requestBody" in node else None
        if body and "application/json" in body["content"]:
            content = body["content"]["application/json"]
            found["body"] = {"required": body.get("required", False), "schema": schema(content["schema"])}
            found["body"] |= {"examples": self.examples(content)}
        return found

    def reached(self, start: Any) -> dict[str, Any]:
        """Every named schema that the operations reach, converted."""
        found: dict[str, Any] = {}
        waiting = list(references(start))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = schema(self.document["components"]["schemas"][name])
                waiting += references(found[name])
        return dict(sorted(found.items()))


def references(node: Any) -> Iterator[str]:
    """Names of schemas that a converted node refers to."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[-1]
        for value in node.values():
            yield from references(value)
    if isinstance(node, list):
        for value in node:
            yield from references(value)


def derive(document: dict[str, Any]) -> dict[str, Any]:
    """The part of the description that we use; an operation that it does not have is an error."""
    source = Source(document)
    by_id = {node["operationId"]: (method, path, node) for method, path, node in source.operations()}
    operations = {name: source.derived(*by_id[name]) for name in OPERATIONS}
    return {"about": SOURCE, "operations": operations, "schemas": source.reached(operations)}


def main(path: str) -> None:
    found = derive(json.loads(Path(path).read_text("utf-8")))
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    OUT.write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))
    print(f"{len(found['operations'])} operations, {len(text)} bytes, {OUT.stat().st_size} compressed")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
