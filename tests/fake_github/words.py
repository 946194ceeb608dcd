"""GitHub's messages about a body that its description refuses, in its own words if they are known."""

from typing import Any

import jsonschema_rs

ARTICLES = {"object": "an object", "array": "an array", "integer": "an integer"}


def describe_error(error: jsonschema_rs.ValidationError) -> str:
    """One error as a sentence.

    "No more than 50 items are allowed; 51 were supplied." and '"head_sha" wasn't supplied.' are quoted by many who
    met them, e.g. https://github.com/dorny/test-reporter/issues/194.
    """
    where = "".join(f"/{'items' if isinstance(part, int) else f'properties/{part}'}" for part in error.instance_path)
    value, facts = error.instance, error.kind.as_dict() if hasattr(error.kind, "as_dict") else {}
    match error.kind.name:
        case "required":
            return f'"{facts.get("property", "")}" wasn\'t supplied.' if facts.get("property") else error.message
        case "maxItems":
            return f"No more than {facts.get('limit')} items are allowed; {len(value)} were supplied."
        case "maxLength":
            return f"Only {facts.get('limit')} characters are allowed; {len(value)} were supplied."
        case "type":
            return f"For '{where.strip('/')}', {format_value(value)} is not {kinds(facts)}."
    return f"For '{where.strip('/')}', {error.message}."


def kinds(facts: dict[str, Any]) -> str:
    types = facts.get("types") or [facts.get("type", "of the right type")]
    return " or ".join(ARTICLES.get(name, "null" if name == "null" else f"a {name}") for name in types)


def format_value(value: Any) -> str:
    text = str(value)
    return text if len(text) < 80 else text[:77] + "..."
