"""Slices in ``mlci.yml``: columns, binned columns, crossings and a search, and their names in reports."""

import itertools
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Discriminator, Field, PlainSerializer, Tag
from pydantic_core import PydanticCustomError

from mlci.config.base import ConfigModel, Name
from mlci.config.types import Finite, Scalar


def require_ascending(edges: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse edges that repeat or fall, which would make empty bins."""
    if any(low >= high for low, high in itertools.pairwise(edges)):
        raise PydanticCustomError("mlci_cut", "must ascend, each edge above the one before")
    return edges


def _kind(value: object) -> str | None:
    """Return the form in which a slice or a baseline is written, so that only that one is checked."""
    if isinstance(value, str):
        return "=text"
    if isinstance(value, dict | BaseModel):
        return "=mapping"
    return "=list" if isinstance(value, list | tuple) else None


def one_of(text: str) -> Discriminator:
    """Return a discriminator by the form in which a value is written, with the error for another one."""
    return Discriminator(_kind, custom_error_type="mlci_union", custom_error_message=text)


class SliceColumnConfig(ConfigModel):
    """A slice column, optionally cut into bins ``< c1``, ``[c1, c2)``, …, ``>= ck``."""

    column: Name = Field(description="Name of the column in the evaluation set.")
    cut: Annotated[tuple[Finite, ...], Field(min_length=1), AfterValidator(require_ascending)] | None = Field(
        default=None, description="Ascending bin edges of a numeric column; bins are closed on the left."
    )
    reference: Scalar | None = Field(
        default=None, description="Group that the others are compared with; if omitted, all pairs are compared."
    )


Part = Annotated[
    Annotated[Name, Tag("=text")] | Annotated[SliceColumnConfig, Tag("=mapping")],
    one_of("must be a column's name, or `{column: …, cut: […]}`"),
]
Crossing = Annotated[tuple[Part, ...], Field(min_length=2)]
Slice = Annotated[
    Annotated[Name, Tag("=text")] | Annotated[SliceColumnConfig, Tag("=mapping")] | Annotated[Crossing, Tag("=list")],
    one_of("must be a column's name, `{column: …, cut: […]}`, or a list of columns to cross"),
]
Scoped = Annotated[
    Annotated[Name, Tag("=text")] | Annotated[tuple[Name, ...], Field(min_length=1), Tag("=list")],
    one_of("must be the name of a slice, or a list of the columns of a crossing"),
]


class SliceSearchConfig(ConfigModel):
    """Search for the worst slices among combinations of columns."""

    columns: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)] | None = Field(
        default=None,
        description="Columns to combine; if omitted, the first 20 that have few values or are numbers, without key, "
        "label and predictions.",
    )
    max_columns: int = Field(default=3, ge=1, le=3, description="Most columns in one slice.")


class AutoSlices(tuple[Slice, ...]):
    """The slices of ``slices: auto``: none, because a search looks for the worst."""

    __slots__ = ()


def _list_or_auto(value: object) -> str:
    """Return the form of slices, so that anything but ``auto`` is checked as a list."""
    return "=auto" if value == "auto" or isinstance(value, AutoSlices) else "=list"


Slices = Annotated[
    Annotated[Literal["auto"], AfterValidator(lambda _: AutoSlices()), PlainSerializer(lambda _: "auto"), Tag("=auto")]
    | Annotated[tuple[Slice, ...], Tag("=list")],
    Discriminator(_list_or_auto),
]


CROSS = " × "
"""Sign between the columns of a crossing in its name."""


def slice_columns(item: Slice) -> tuple[SliceColumnConfig, ...]:
    """Return the columns of a slice: one, or those of a crossing in the order written."""
    parts = item if isinstance(item, tuple) else (item,)
    return tuple(part if isinstance(part, SliceColumnConfig) else SliceColumnConfig(column=part) for part in parts)


def slice_name(item: Slice) -> str:
    """Return the name of a slice in reports: the column's name, or those of a crossing joined by ``×``."""
    return CROSS.join(column.column for column in slice_columns(item))


def slice_as_written(item: Slice | str) -> str:
    """Return how ``each`` and ``across`` name a slice in the file, e.g. ``region`` or ``[sex, region]``."""
    parts = item.split(CROSS) if isinstance(item, str) else [column.column for column in slice_columns(item)]
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


def slice_names(items: Iterable[Slice]) -> list[str]:
    """Return the names of several slices, in their order."""
    return [slice_name(item) for item in items]
