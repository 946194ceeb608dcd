"""Types of Spark's columns in the words of DuckDB, which reads their cells on the executors."""

import re

_TYPES = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
    "time(6)": "TIME",
    "void": "NULL",
}
_TEXT = re.compile(r"(var)?char\(\d+\)|string collate .*", re.IGNORECASE)
_NESTED = {"array": "{}[]", "struct": "STRUCT{}", "map": "MAP{}"}


def stored_type(simple: str) -> str:
    """Return DuckDB's type of a column, by Spark's short name of its type: ``bigint``, ``decimal(10,2)``."""
    if simple in _TYPES:
        return _TYPES[simple]
    if _TEXT.fullmatch(simple):
        return "VARCHAR"
    kind, _, inner = simple.partition("<")
    if kind in _NESTED:
        return _NESTED[kind].format(f"({inner.rstrip('>')})")
    return simple.upper()
