"""Plan of a repository with several models: those that a change can affect, as one job hands it to the next. Pure."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlci.errors import InputError
from mlci.util.bounds import MODELS_PLAN_BYTES

OVERVIEW = "models"
"""Name that the overview has in place of a model's: its check is ``mlci / models``."""
_Text = Annotated[str, Field(max_length=4_096)]


class _PlanPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AffectedModel(_PlanPart):
    """A model that the change can affect.

    Attributes:
        model: Its name.
        folder: Folder of its configuration, from the top of the repository; ``.`` at the top.
        reason: The first file that differs, or why it is evaluated without one.
    """

    model: Annotated[str, Field(min_length=1, max_length=100)]
    folder: _Text
    reason: _Text


class ModelsPlan(_PlanPart):
    """Models of a repository, by what a change can affect.

    Attributes:
        base: Commit that the change was compared with; ``None`` if nothing was compared.
        affected: Models to evaluate.
        unaffected: Names of the other models.
        removed: Configurations that the change removes.
    """

    base: str | None
    affected: tuple[AffectedModel, ...]
    unaffected: tuple[_Text, ...] = ()
    removed: tuple[_Text, ...] = ()

    @property
    def total(self) -> int:
        """Number of models that the repository has after the change."""
        return len(self.affected) + len(self.unaffected)


def parse_models_plan(text: str) -> ModelsPlan:
    """Read a plan that `mlci models plan` wrote.

    Raises:
        InputError: if it is not one, or too large.
    """
    if len(text.encode()) > MODELS_PLAN_BYTES.value:
        raise InputError(f"the plan has more than {MODELS_PLAN_BYTES}, so `mlci models plan` did not write it")
    try:
        return ModelsPlan.model_validate_json(text, strict=True)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the text"
        raise InputError(
            f"this is not a plan of `mlci models plan` ({where}: {error.errors()[0]['msg']}); pass its output "
            "`plan`:\n    plan: ${{ needs.plan.outputs.plan }}"
        ) from None


def plan_document(plan: ModelsPlan, matrix: list[Mapping[str, str]]) -> dict[str, object]:
    """Return the plan with the matrix of its jobs, for ``--json``."""
    return {**plan.model_dump(mode="json"), "matrix": {"include": matrix}}
