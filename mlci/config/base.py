"""Base of every section of ``mlci.yml``, and types that sections share."""

from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

OnDoubt = Literal["warn", "block"]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Place = Annotated[str, Field(min_length=1, max_length=4_096, pattern=r"\S")]
Command = Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"\S")]


class ConfigModel(BaseModel):
    """Base of all parts of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Return what is wrong with a combination of keys; ``None`` if it is allowed."""
        del keys
        return None

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        """Apply :meth:`rule` to every instance, parsed or constructed."""
        present = {key for key in self.model_fields_set if getattr(self, key) is not None}
        if message := self.rule(present):
            raise PydanticCustomError("mlci_rule", "{message}", {"message": message})
        return self


def exactly_one(names: tuple[str, ...], keys: AbstractSet[str]) -> str | None:
    """Return what is wrong unless exactly one of ``names`` is among ``keys``."""
    given = [f"`{name}`" for name in names if name in keys]
    if len(given) == 1:
        return None
    choice = ", ".join(f"`{name}`" for name in names[:-1]) + f" or `{names[-1]}`"
    if not given:
        return f"needs one of {choice}"
    return f"has {' and '.join(given)}; keep exactly one of {choice}"


def fields(model: type[ConfigModel]) -> dict[str, Any]:
    """Return the fields of a model that a configuration may set, in the order of the documentation."""
    internal = {"x-internal": True}
    return {name: info for name, info in model.model_fields.items() if info.json_schema_extra != internal}
