"""Value types of the configuration: limits, durations, numbers, git references, registries, and paths to keys.

Each type parses its written form, refuses other values with one message, and has its own JSON Schema. Booleans are not
numbers.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mlci.gates.limits import Kind, Limit

PERCENT = r"^[+-]?([0-9]{1,12}(\.[0-9]{0,12})?|\.[0-9]{1,12}) ?%$"
DURATION = r"^(?=[0-9])([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,9}(\.[0-9]{1,6})?s)?$"
REFERENCE = r"^[^\s\-:?*\[\\][^\s:?*\[\\]*$"
LONGEST = 365 * 86_400
UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def finite_number(value: object) -> float:
    """Return ``value`` as a finite float.

    Raises:
        PydanticCustomError: if it is a boolean, not a number, NaN, infinite or too large for a float.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("mlci_number", "must be a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise PydanticCustomError("mlci_number", "must be a finite number")
    return result


Finite = Annotated[float, BeforeValidator(finite_number), Field(allow_inf_nan=False)]
"""A float that is neither NaN nor infinite, and not a boolean."""


def _scalar(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Validate a scalar of any of four types, with one message instead of four."""
    if isinstance(value, bool | int | float | str):
        return handler(value)
    raise PydanticCustomError("mlci_scalar", "must be a single value: text, a number, true or false")


Scalar = Annotated[bool | int | Finite | str, WrapValidator(_scalar)]
"""A cell of a table: a label, a class, the name of a group."""


def _reference(value: str) -> str:
    """Refuse what git would read as an option, a range or a pattern (see git-check-ref-format(1))."""
    if not re.fullmatch(REFERENCE, value) or ".." in value:
        raise PydanticCustomError("mlci_reference", "must name a branch, a tag or a commit")
    return value


Reference = Annotated[
    str,
    Field(min_length=1, max_length=300),
    AfterValidator(_reference),
    Field(json_schema_extra={"pattern": REFERENCE}),
]
"""A git branch, tag or commit, such as ``main``, ``origin/main``, ``v1.2`` or ``HEAD~1``."""


@dataclass(frozen=True)
class LimitField:
    """Reader of a limit of one kind, as an annotation of its field."""

    kind: Kind

    def parse(self, value: object) -> Limit:
        """Read a number or a percentage such as ``10%`` or ``0.5 %``.

        Raises:
            PydanticCustomError: if it is neither.
        """
        if isinstance(value, Limit) and value.kind == self.kind:
            return value
        if isinstance(value, str):
            if not re.fullmatch(PERCENT, value.strip()):
                raise PydanticCustomError("mlci_limit", _limit_words(value))
            # Decimal, so that "0.7%" is the float nearest to 0.007 and not 0.7 / 100 rounded twice.
            return Limit(self.kind, float(Decimal(value.strip(" %")) / 100), relative=True, written=value.strip())
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise PydanticCustomError("mlci_limit", _limit_words(None))
        return Limit(self.kind, finite_number(value), written=str(value))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Validate with :meth:`parse`; write back as a number or a percentage."""
        return core_schema.no_info_plain_validator_function(
            self.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda limit: str(limit) if limit.relative else limit.value
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return a number, or text that looks like a percentage."""
        return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": PERCENT}], "examples": [0.01, "10%"]}


class Duration(float):
    """A positive time in seconds, up to a year, written ``90s``, ``30m``, ``2h``, ``1h30m``, ``1d`` or a number."""

    __slots__ = ()

    def __new__(cls, seconds: float) -> Self:
        """Create a duration from a number of seconds.

        Raises:
            PydanticCustomError: if the number is not positive, not finite, or above a year.
        """
        value = finite_number(seconds)
        if not 0 < value <= LONGEST:
            raise PydanticCustomError("mlci_duration", "must be a time above 0 and of at most 365d")
        return super().__new__(cls, value)

    def __str__(self) -> str:
        """Return the shortest way to write it, e.g. ``1h30m``."""
        whole, rest = divmod(float(self), 60)
        days, minutes = divmod(int(whole), 1_440)
        parts = ((days, "d"), (minutes // 60, "h"), (minutes % 60, "m"))
        text = "".join(f"{count}{unit}" for count, unit in parts if count)
        return text + (f"{rest:.6f}".rstrip("0").rstrip(".") + "s" if rest or not text else "")

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a duration such as ``90s``, ``1h30m``, ``1d``, or a number of seconds.

        Raises:
            PydanticCustomError: if it is neither.
        """
        if isinstance(value, str) and re.fullmatch(DURATION, value):
            parts = re.findall(r"([0-9.]+)([dhms])", value)
            return cls(sum(float(count) * UNITS[unit] for count, unit in parts))
        if isinstance(value, str | bool) or not isinstance(value, int | float):
            raise PydanticCustomError("mlci_duration", "must be a time such as `90s`, `30m` or `1h30m`")
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """Validate with :meth:`parse`; write back as text."""
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return a number of seconds, or text in days, hours, minutes and seconds."""
        seconds = {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST}
        return {"anyOf": [seconds, {"type": "string", "pattern": DURATION}], "examples": ["30m", "1h30m", 90]}


def _limit_words(text: str | None) -> str:
    """Return the allowed forms of a limit, with the remedy for a number in quotes."""
    try:
        quoted = text is not None and math.isfinite(float(text))
    except ValueError:
        quoted = False
    return "must be a number without quotes" if quoted else "must be a number or a percentage such as `10%`"


Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """Return a path in the notation of messages, e.g. ``gates[0].max_drop``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{clip_text(part.split(chr(0))[0])}" for part in path)
    return text.removeprefix(".")


def clip_text(text: str, most: int = 60) -> str:
    """Return ``text`` on one line, at most ``most`` characters long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


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
    match = _SCHEME.match(value)
    scheme = match[1].lower() if match else ""
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
