"""Parsers of GitHub's responses; undocumented forms are errors."""

import json
from collections.abc import Mapping
from typing import Any

from mlci.github.interface import CheckFields, CheckRun, Comment
from mlci.publish.check import Annotation

MOST_TEXT = 1 << 20


def decode_json(body: str) -> Any:  # noqa: ANN401 (any JSON)
    """Read JSON; an empty body is ``None``.

    Raises:
        ValueError: if it is not JSON, or is nested too deep.
    """
    try:
        return json.loads(body) if body.strip() else None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its answer is not JSON ({type(error).__name__})") from None


def parse_comment(data: object) -> Comment:
    """Read a comment.

    Raises:
        ValueError: if it has another form.
    """
    found = _object(data, "comment")
    return Comment(
        id=_number(found, "id"),
        author=_text(_optional(found, "user"), "login"),
        body=_text(found, "body"),
        url=_text(found, "html_url"),
    )


def parse_check_run(data: object) -> CheckRun:
    """Read a check run.

    Raises:
        ValueError: if it has another form.
    """
    found = _object(data, "check run")
    output = _optional(found, "output")
    return CheckRun(
        id=_number(found, "id"),
        name=_text(found, "name"),
        head=_text(found, "head_sha"),
        app=_text(_optional(found, "app"), "slug"),
        external_id=_text(found, "external_id"),
        status=_text(found, "status"),
        conclusion=_text(found, "conclusion") or None,
        title=_text(output, "title"),
        summary=_text(output, "summary"),
        annotations=_number(output, "annotations_count", missing=0),
        url=_text(found, "html_url"),
        pulls=_pulls(found),
    )


def parse_head_commit(data: object) -> str:
    """Read the commit that is a pull request's head.

    Raises:
        ValueError: if it has another form.
    """
    return _text(_object(_object(data, "pull request").get("head"), "head"), "sha")


def parse_items(data: object, key: str | None) -> list[object]:
    """Return the entries of a page: a list, or a list under a key.

    Raises:
        ValueError: if it has another form.
    """
    found = _object(data, "page").get(key) if key is not None else data
    if not isinstance(found, list):
        raise ValueError("its answer is not a list")  # noqa: TRY004 (an answer's form, not a caller's mistake)
    return found


def error_message(body: str) -> str:
    """Return GitHub's message about an error, with the fields that it is about."""
    try:
        found = decode_json(body)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    errors = found.get("errors")
    more = [str(one.get("message") or one) if isinstance(one, dict) else str(one) for one in errors or []]
    return (
        "; ".join([_text(found, "message"), *more])[:400] if isinstance(errors, list) else _text(found, "message")[:400]
    )


def check_body(fields: CheckFields) -> dict[str, object]:
    """Return a check run in the form of GitHub's API."""
    ended = {"status": "in_progress"} if fields.conclusion is None else {"status": "completed"}
    output: dict[str, object] = {"title": fields.output.title, "summary": fields.output.summary}
    if fields.output.annotations:
        output["annotations"] = [_annotation(one) for one in fields.output.annotations]
    return {
        "external_id": fields.external_id,
        **ended,
        **({"conclusion": fields.conclusion} if fields.conclusion else {}),
        **({"details_url": fields.url} if fields.url else {}),
        "output": output,
    }


def _annotation(one: Annotation) -> dict[str, object]:
    return {
        "path": one.path,
        "start_line": one.line,
        "end_line": one.line,
        "annotation_level": one.level,
        "title": one.title,
        "message": one.message,
    }


def _pulls(found: Mapping[str, object]) -> tuple[int, ...]:
    """Return numbers of pull requests; malformed entries are skipped, because only a comment depends on them."""
    entries = found.get("pull_requests")
    numbers = [one.get("number") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    return tuple(one for one in numbers if isinstance(one, int) and not isinstance(one, bool) and one > 0)


def _object(data: object, what: str) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise ValueError(f"its answer is not a {what}")  # noqa: TRY004 (an answer's form, not a caller's mistake)
    return data


def _optional(parent: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _number(parent: Mapping[str, object], key: str, *, missing: int | None = None) -> int:
    found = parent.get(key, missing)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise ValueError(f"its answer has no number `{key}`")
    return found


def _text(parent: Mapping[str, object], key: str) -> str:
    found = parent.get(key)
    return found[:MOST_TEXT] if isinstance(found, str) else ""
