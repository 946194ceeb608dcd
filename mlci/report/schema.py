"""The JSON Schema of ``report.json``, generated from the document's models and committed beside them.

``python -m mlci.report.schema`` writes it again.
"""

import json
from pathlib import Path

from mlci.report.document import Report

NAME = "schema.json"
"""File in this package that holds what :func:`text` returns; a test compares the two."""


def schema_text() -> str:
    """Return the schema as it is committed."""
    made = Report.model_json_schema(by_alias=True)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **made}, indent=2) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name(NAME).write_text(schema_text(), "utf-8")
