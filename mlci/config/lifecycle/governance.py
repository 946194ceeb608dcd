"""Sections about governance: what the owners state for the model card, and whose approval a promotion needs."""

import re
from collections.abc import Set as AbstractSet
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from mlci.config.base import ConfigModel, Name

Statement = Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"\S")]
Statements = Annotated[tuple[Statement, ...], Field(min_length=1, max_length=50)]
HubName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
EvidenceItem = Literal[
    "annex-iv-1a", "annex-iv-1b", "annex-iv-1c", "annex-iv-1d", "annex-iv-1e", "annex-iv-1f", "annex-iv-1g",
    "annex-iv-1h", "annex-iv-2a", "annex-iv-2b", "annex-iv-2c", "annex-iv-2d", "annex-iv-2e", "annex-iv-2f",
    "annex-iv-2g", "annex-iv-2h", "annex-iv-3", "annex-iv-4", "annex-iv-5", "annex-iv-6", "annex-iv-7", "annex-iv-8",
    "annex-iv-9", "govern-1.4", "govern-2.1", "govern-6.1", "map-1.1", "map-2.1", "map-2.2", "map-2.3", "map-3.5",
    "map-4.1", "measure-1.1", "measure-2.1", "measure-2.3", "measure-2.4", "measure-2.5", "measure-2.7", "measure-2.9",
    "measure-2.10", "measure-2.11", "measure-2.12", "manage-1.1", "manage-1.4", "manage-2.4", "manage-4.1",
    "manage-4.3",
]  # fmt: skip
"""Items of EU AI Act Annex IV and of NIST AI RMF 1.0 that a model card lists."""
_APPROVER = re.compile(r"@?[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:/[A-Za-z0-9_.-]{1,100})?")


class Card(ConfigModel):
    """The model card: what the owners state, because no evidence shows it."""

    intended_use: Statement | None = Field(default=None, description="What the model is for, and who uses it.")
    out_of_scope: Statements | None = Field(default=None, description="Uses that the model is not made for.")
    limits: Statements | None = Field(default=None, description="Known limits: where it performs worse, and why.")
    risks: Statements | None = Field(default=None, description="Known risks to people, and what is done about them.")
    oversight: Statement | None = Field(default=None, description="How people oversee and overrule its decisions.")
    monitoring: Statement | None = Field(default=None, description="How it is monitored in production, and by whom.")
    training_data: Statement | None = Field(default=None, description="Training data: origin, period, selection.")
    method: Statement | None = Field(default=None, description="Kind of model, and the main design choices.")
    owners: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)] | None = Field(
        default=None, description="People or teams that are responsible for the model."
    )
    contact: Name | None = Field(default=None, description="Address for questions and reports of problems.")
    license: HubName | None = Field(
        default=None, description="Licence by its id on the Hugging Face Hub, such as `apache-2.0` or `other`."
    )
    license_name: HubName | None = Field(default=None, description="Id of the licence, if `license` is `other`.")
    license_link: Name | None = Field(default=None, description="File or address of its text.")
    languages: Annotated[tuple[HubName, ...], Field(min_length=1, max_length=50)] | None = Field(
        default=None, description="Languages of the data, as codes such as `en`."
    )
    library: HubName | None = Field(default=None, description="Library that loads the model, such as `sklearn`.")
    pipeline_tag: HubName | None = Field(
        default=None, description="Task by its id on the Hub; if omitted, `tabular-classification` or its regression."
    )
    tags: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)] | None = Field(
        default=None, description="Tags of the card."
    )
    evidence: Annotated[dict[EvidenceItem, Name], Field(min_length=1)] | None = Field(
        default=None, description="File or address with your own evidence, by item of the card's last table."
    )

    @classmethod
    def rule(cls, keys: AbstractSet[str]) -> str | None:
        """Refuse a name of a licence without a licence."""
        if "license_name" in keys and "license" not in keys:
            return "has `license_name` without `license`; add `license: other`"
        return None


def _approver(name: str) -> str:
    """Return a login or a team without the `@` of its mention."""
    if not _APPROVER.fullmatch(name):
        text = "must be a login such as `octocat`, or a team as `owner/team`"
        raise PydanticCustomError("mlci_approver", "{message}", {"message": text})
    return name.removeprefix("@")


Approver = Annotated[str, Field(max_length=200), AfterValidator(_approver)]
Approvers = Annotated[tuple[Approver, ...], Field(min_length=1, max_length=20)]
