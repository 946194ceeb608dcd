"""A version's manifest: everything needed to judge against it, to explain it and to make it again. Pure."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from mlci.registry.entries import Digest, Part, Text


class File(Part):
    """A file of a version, kept under its digest."""

    name: Annotated[str, Field(min_length=1, max_length=1_000)]
    digest: Digest
    bytes: Annotated[int, Field(ge=0)]


class Predictions(Part):
    """A version's predictions on one evaluation set, with the columns that hold them."""

    fingerprint: Text
    file: File
    score: Text | None = None
    decision: Text | None = None
    threshold: float | None = None


class Recipe(Part):
    """How the version was trained and how it predicts."""

    commit: Text | None = Field(description="Full hash; null outside of a repository.")
    dirty: bool = Field(default=False, description="Whether the checkout had uncommitted changes.")
    config_path: Text = Field(description="Of the configuration, in the repository.")
    config: File = Field(description="The configuration itself.")
    train: Text | None = None
    predict: Text | None = None
    seed: int


class Environment(Part):
    """What it ran on."""

    python: Text
    platform: Text
    packages: dict[str, str] = Field(default_factory=dict, description="Installed distributions and their versions.")
    lock: tuple[File, ...] = Field(default=(), description="Lock files of the repository.")


class Data(Part):
    """Data that the version saw: by fingerprint, and by what the repository says of it."""

    fingerprint: Text = Field(description="Of the evaluation set that it was judged on.")
    rows: int
    keys: File | None = Field(default=None, description="Digests of the rows, for the difference to another set.")
    pointers: dict[str, str] = Field(default_factory=dict, description="DVC and LFS pointers by path: what they name.")


class Manifest(Part):
    """The whole of it."""

    schema_: Annotated[Literal["mlci/version/1"], Field(alias="schema")] = "mlci/version/1"
    model: Text
    version: Annotated[int, Field(ge=1)]
    files: tuple[File, ...] = Field(description="The model's files, by their path inside of `train.model`.")
    predictions: Predictions
    report: File
    recipe: Recipe
    environment: Environment
    data: Data
    metrics: dict[str, float] = Field(default_factory=dict, description="Whole-set values, for trends and spreads.")
    costs: dict[str, float] = Field(default_factory=dict)
    seconds: dict[str, float] = Field(default_factory=dict)
    more: dict[str, Any] = Field(default_factory=dict)

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True, serialize_by_alias=True
    )
