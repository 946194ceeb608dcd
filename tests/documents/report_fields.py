"""The page ``docs/reference/report.md``, written from the schema of ``report.json`` by `make docs`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlci.report.serialization import schema_text

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "report.md"

HEAD = """# `report.json`

Every field of `report.json`, the document from which comment, summary, terminal report, `junit.xml` and exit code are
rendered. Rates are fractions, intervals are `[low, high]` at `policy.confidence`, and an undefined value is `null` with
a reason beside it. New versions of mlci add fields and change none. `make docs` generates this page from the JSON
Schema, [schema.json](../../mlci/report/schema.json); [Read a report](../how-to/gates/read-a-report.md) explains what is
rendered.
"""


def page() -> str:
    """Return the page: the document's own fields first, then its parts in the order of their first mention."""
    schema = json.loads(schema_text())
    parts = schema["$defs"]
    return "\n".join([HEAD, section("The document", schema), *(section(name, parts[name]) for name in order(schema))])


def order(schema: dict[str, Any]) -> list[str]:
    """Return the names of all parts, each after the part that first mentions it."""
    names: list[str] = []
    pending = references(schema["properties"])
    while pending:
        name = pending.pop(0)
        if name not in names:
            names.append(name)
            pending = [*references(schema["$defs"][name]), *pending]
    return names


def references(schema: object) -> list[str]:
    """Return the names of the parts that a schema mentions."""
    if isinstance(schema, list):
        return [name for item in schema for name in references(item)]
    if isinstance(schema, dict):
        own = [str(schema["$ref"]).rpartition("/")[2]] if "$ref" in schema else []
        return own + [name for value in schema.values() for name in references(value)]
    return []


def section(title: str, part: dict[str, Any]) -> str:
    """Return a heading, the description of a part, and a table of its fields."""
    about = " ".join(part.get("description", "").replace("``", "`").split())
    rows = "".join(fields(part))
    return f"## {title}\n\n{about}\n\n| field | type | meaning |\n|---|---|---|\n{rows}"


def fields(part: dict[str, Any]) -> Iterator[str]:
    """Yield a row for each field."""
    for name, field in part["properties"].items():
        yield f"| `{name}` | {kind(field)} | {field.get('description', '')} |\n".replace("  |", " |")


def kind(field: dict[str, Any]) -> str:
    """Return the type of a field in words; parts are links."""
    if "anyOf" in field:
        return " or ".join(kind(one) for one in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in field or "const" in field:
        values = field.get("enum", [field.get("const")])
        return ", ".join(f"`{value}`" for value in values)
    if field["type"] == "array":
        return "`[low, high]`" if "prefixItems" in field else f"list of {kind(field['items'])}"
    return {"object": "mapping", "null": "`null`"}.get(field["type"], field["type"])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
