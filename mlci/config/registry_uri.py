"""Forms of ``registry:`` in ``mlci.yml``: a folder, an object store, this repository, or MLflow."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

DEFAULT_REGISTRY = ".mlci/registry"
STORES = ("s3", "gs", "az")
"""Schemes of object stores."""
GITHUB = "github"
MLFLOW = "mlflow:"
REGISTRY = (
    r"^(github"
    r"|(s3|gs|az)://[^/\s@?#]+(/[^\s?#]*)?"
    r"|mlflow:(https?://[^\s@/]+(/\S*)?|sqlite:///\S+)"
    r"|(?!~|[Gg][Ii][Tt][Hh][Uu][Bb]$|[Mm][Ll][Ff][Ll][Oo][Ww]$|[A-Za-z][A-Za-z0-9+.-]*:)\S(.*\S)?)$"
)
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):(.*)$", re.DOTALL)
_MEANT = {
    "s3a": "s3", "s3n": "s3", "gcs": "gs", "gc": "gs",
    "azure": "az", "abfs": "az", "abfss": "az", "adl": "az", "wasb": "az", "wasbs": "az",
}  # fmt: skip
_EXAMPLES = {"s3": "s3://bucket/prefix", "gs": "gs://bucket/prefix", "az": "az://container/prefix"}
_MLFLOW = "`mlflow:http://host:port` or `mlflow:sqlite:///path`"
_KNOWN = f"a folder, `s3://…`, `gs://…`, `az://…`, `github`, {_MLFLOW}"


def _registry(value: str) -> str:
    """Refuse a value that does not name a registry; the message has what was probably meant."""
    if "@" in value and _SCHEME.match(value):
        raise PydanticCustomError(
            "mlci_secret", "must not contain credentials; they belong in the environment of the job"
        )
    if not re.fullmatch(REGISTRY, value):
        raise PydanticCustomError("mlci_registry", "{message}", {"message": _instead(value)})
    return value


def _instead(value: str) -> str:
    """Return the form of a registry that is closest to the written value."""
    found = _SCHEME.match(value)
    scheme = found[1].lower() if found else ""
    scheme_meant = _MEANT.get(scheme, scheme)
    if value.startswith("~"):
        return "must be a whole path (`~` is not replaced here)"
    if value.strip().lower() == GITHUB or scheme == GITHUB:
        return "must be the word `github` for this repository"
    if value.strip().lower() == "mlflow" or scheme in {"mlflow", "http", "https", "sqlite"}:
        return f"must be {_MLFLOW} for MLflow"
    if scheme_meant in _EXAMPLES:
        return f"must be written `{_EXAMPLES[scheme_meant]}`"
    return "must be a path without `file:`" if scheme == "file" else f"must be {_KNOWN}"


Registry = Annotated[
    str,
    Field(min_length=1, max_length=4_096),
    AfterValidator(_registry),
    Field(json_schema_extra={"pattern": REGISTRY}),
]
"""A folder (relative to the file), ``s3://…``, ``gs://…``, ``az://…``, ``github`` or ``mlflow:…``."""
