"""``report.json``: read with bounds for untrusted files, write, and its JSON Schema.

``python -m mlci.report.serialization`` writes the schema, which is committed beside the document's models.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from mlci.errors import InputError, Problem
from mlci.report.document import Evidenced, GateRow, Report
from mlci.report.text.escape import plain_text
from mlci.report.text.labels import TOO_FEW
from mlci.util.bounds import REPORT_BYTES, REPORT_DEPTH, REPORT_KEYS, REPORT_PARTS, REPORT_VALUES
from mlci.util.json_text import Bounds, excess, without_old_commands

MOST_BYTES = REPORT_BYTES.value
"""Twice what a report of 100,000 gates and as many measured slices has."""

MOST = Bounds(depth=REPORT_DEPTH.value, parts=REPORT_PARTS.value, values=REPORT_VALUES.value)
_MOST_KEYS = REPORT_KEYS.value
_MOST_PROBLEMS = 20
_SHORTAGES = ("insufficient group: ", "too few: ")
"""Beginnings of reasons in older reports."""


def parse_report(text: str | bytes, *, path: str = "report.json") -> Report:
    """Read a report, believing nothing.

    Raises:
        InputError: if it is too large or too deep, is not JSON, holds NaN or a key twice, does not have the document's
            form, or contradicts itself. All problems are named, up to 20, of a list the first wrong item.
    """
    decoded = _decoded(text, path)
    _bounded(decoded, path)
    _plain_json(decoded, path)
    try:
        report = Report.model_validate_json(decoded, strict=True)
    except ValidationError as error:
        raise InputError.of(_capped([_problem(item, path) for item in error.errors()], path)) from None
    if wrong := [Problem(message, path) for message in _contradictions(report)]:
        raise InputError.of(_capped(wrong, path))
    return report.model_copy(update={"gates": tuple(_name_shortage(row) for row in report.gates)})


def dump_report(report: Report) -> str:
    """Write a report: keys in the document's order, floats so that they read back the same, a newline at the end."""
    text = json.dumps(report.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=False, allow_nan=False)
    return without_old_commands(text) + "\n"


def _name_shortage(row: GateRow) -> GateRow:
    """Give a gate on too few rows the reason that it has today, if an older version wrote the report."""
    reason = row.reason or ""
    start = next((start for start in _SHORTAGES if reason.startswith(start)), None)
    if row.outcome != "inconclusive" or start is None:
        return row
    renamed = f"{TOO_FEW}: {reason.removeprefix(start)}"
    return row.model_copy(update={"reason": renamed, "why": row.why or "too_few"})


def _decoded(text: str | bytes, path: str) -> str:
    if len(text) > MOST_BYTES:
        raise InputError(Problem(f"it has {len(text):,} bytes; a report may have {MOST_BYTES:,}", path))
    try:
        return text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise InputError(Problem(f"it is not UTF-8: byte {error.start} can't be read", path)) from None


def _bounded(text: str, path: str) -> None:
    """Count what it is made of, so that no parser is led too deep or made to keep more than there is room for."""
    if (size := excess(text, MOST)) is not None:
        raise InputError(Problem(f"it is {size}, which no report is", path))


def _plain_json(text: str, path: str) -> None:
    """Refuse what Python's reader lets through: NaN, infinities and keys that occur twice."""
    try:
        json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InputError(Problem(f"it is not JSON: {error.msg}, column {error.colno}", path, error.lineno)) from None
    except ValueError as error:
        raise InputError(Problem(str(error), path)) from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content: dict[str, object] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"the key {plain_text(key)!r} occurs twice in one object")
        content[key] = value
    if len(content) > _MOST_KEYS:
        raise ValueError(f"an object in it has {len(content):,} keys; a report's have at most {_MOST_KEYS:,}")
    return content


def _no_constant(name: str) -> object:
    raise ValueError(f"it holds {name}; what is undefined is null, with a reason beside it")


def _problem(item: object, path: str) -> Problem:
    details = dict(item) if isinstance(item, dict) else {}
    where = ".".join(plain_text(str(part)) for part in details.get("loc", ())) or "the document"
    return Problem(f"{where}: {plain_text(str(details.get('msg', 'is wrong')), longest=300)}", path)


def _capped(problems: list[Problem], path: str) -> list[Problem]:
    if len(problems) <= _MOST_PROBLEMS:
        return problems
    more = len(problems) - _MOST_PROBLEMS
    return [*problems[:_MOST_PROBLEMS], Problem(f"and {more:,} more problems", path)]


def _contradictions(report: Report) -> Iterator[str]:
    """Name what can't be true of one evaluation; a report that contradicts itself decides nothing."""
    yield from _contradictions_of_verdict(report)
    for index, row in enumerate(report.gates):
        if row.outcome in {"failed", "error"} and not row.blocks:
            yield f"gates.{index}: {row.outcome}, but it does not block"
        if row.blocks and row.outcome in {"passed", "waived"}:
            yield f"gates.{index}: {row.outcome}, but it blocks"
        if row.waivable and not row.blocks:
            yield f"gates.{index}: it can be waived, but it does not block"
        if (row.outcome == "waived") != (row.waived is not None):
            yield f"gates.{index}: a waiver and the outcome waived belong together"
    for place, one in _intervals(report):
        if one[0] > one[1]:
            yield f"{place}: the interval's low end is above its high end"


def _contradictions_of_verdict(report: Report) -> Iterator[str]:
    blocks = any(row.blocks for row in report.gates) or not (report.gates or report.measured_nothing)
    if blocks != (report.verdict == "block"):
        yield f"the verdict is {report.verdict}, but {'a gate blocks' if blocks else 'no gate blocks'}"
    elif report.verdict == "pass" and any(row.outcome != "passed" for row in report.gates):
        yield "the verdict is pass, but not every gate passed"
    if report.training_label is not None and (report.gates or report.metrics or report.verdict != "block"):
        yield "training was not asked for, so nothing can be judged, and the verdict is block"


def _intervals(report: Report) -> Iterator[tuple[str, tuple[float, float]]]:
    parts: dict[str, tuple[Evidenced | GateRow, ...]] = {
        "metrics": report.metrics,
        "disparities": report.disparities,
        "gates": report.gates,
    }
    for name, rows in parts.items():
        for index, row in enumerate(rows):
            for key in ("interval", "candidate_interval", "baseline_interval", "change_interval"):
                one = getattr(row, key, None)
                if one is not None:
                    yield f"{name}.{index}.{key}", one


SCHEMA_FILE = "schema.json"
"""File in this package that holds :func:`schema_text`; a test compares the two."""


@cache
def schema_text() -> str:
    """Return the schema as it is committed."""
    made = Report.model_json_schema(by_alias=True)
    about = "Written by `make docs` from mlci/report/document.py; change that."
    return (
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": about, **made}, indent=2)
        + "\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name(SCHEMA_FILE).write_text(schema_text(), "utf-8")
