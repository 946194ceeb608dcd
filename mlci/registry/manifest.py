"""Manifest of a version: files, predictions, recipe, environment, data. Pure.

A bundle is the same without a number: the evaluated files of a run, ready to be promoted.
"""

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field

from mlci.registry.entry_kinds import BY_ALIAS, Digest, LedgerPart, Text
from mlci.util.digests import canonical_json, sha256_of


def is_plain_path(name: str) -> bool:
    """Return whether a name is a relative path that stays inside of its folder on every system."""
    parts = name.split("/")
    return not (
        PurePosixPath(name).is_absolute() or not name.isprintable() or {"", ".", ".."} & set(parts) or "\\" in name
    )


def _inside(name: str) -> str:
    """Refuse a name that could lead out of the target folder."""
    if not is_plain_path(name):
        raise ValueError("is not a plain relative path inside of a folder")
    return name


class VersionFile(LedgerPart):
    """A file of a version, stored under its digest."""

    name: Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_inside)]
    digest: Digest
    bytes: Annotated[int, Field(ge=0)]


class Predictions(LedgerPart):
    """A version's predictions on one evaluation set, with the columns that hold them."""

    fingerprint: Text
    file: VersionFile
    score: Text | None = None
    decision: Text | None = None
    threshold: float | None = None
    probabilities: dict[Text, Text] | None = None
    table: Text | None = None


def model_digest(files: tuple[VersionFile, ...], *, folder: bool) -> str | None:
    """Return the digest of a model's only file, or of the list of a folder's files; ``None`` without a model."""
    if not folder:
        return files[0].digest if files else None
    return sha256_of(canonical_json([[file.name, file.digest, file.bytes] for file in files]))


Command = Annotated[str, Field(max_length=20_000)]


class Recipe(LedgerPart):
    """How the version was trained and how it predicts."""

    commit: Text | None = Field(description="Full hash; null outside of a repository.")
    dirty: bool = Field(default=False, description="Whether the checkout had uncommitted changes.")
    config_path: Text = Field(description="Path of the configuration in the repository.")
    config: VersionFile = Field(description="The configuration itself.")
    train: Command | None = None
    predict: Command | None = None
    model: Text | None = Field(default=None, description="Path of the model as configured, for restoring it.")
    folder: bool = Field(default=False, description="Whether that path is a folder, with the model's files in it.")
    seed: int


class Environment(LedgerPart):
    """Environment of a run."""

    python: Text
    platform: Text
    packages: dict[str, str] = Field(default_factory=dict, description="Installed distributions and their versions.")
    lock: tuple[VersionFile, ...] = Field(default=(), description="Lock files of the repository.")


class Data(LedgerPart):
    """Data of the version: by fingerprint, and by data pointers of the repository."""

    fingerprint: Text = Field(description="Fingerprint of the evaluation set that it was judged on.")
    rows: int
    keys: VersionFile | None = Field(
        default=None, description="Digests of the rows, for the difference to another set."
    )
    pointers: dict[str, str] = Field(default_factory=dict, description="DVC and LFS pointers by path: what they name.")


class Content(LedgerPart):
    """Evaluated files of a version or a bundle."""

    model: Text
    files: tuple[VersionFile, ...] = Field(
        description="The model's files: a single one, or by path inside of the folder."
    )
    predictions: Predictions
    report: VersionFile
    recipe: Recipe
    environment: Environment
    data: Data
    metrics: dict[str, float] = Field(default_factory=dict, description="Whole-set values, for trends and spreads.")
    costs: dict[str, float] = Field(default_factory=dict, description="Operational metrics, as the report has them.")
    seconds: dict[str, float] = Field(default_factory=dict)
    more: dict[str, Any] = Field(default_factory=dict)

    def places(self) -> dict[str, VersionFile]:
        """Return every file by its path in a bundle."""
        keys = [self.data.keys] if self.data.keys else []
        own = (self.predictions.file, self.report, *keys)
        return {
            **{f"model/{file.name}": file for file in self.files},
            **{file.name: file for file in own},
            f"config/{self.recipe.config.name}": self.recipe.config,
            **{f"lock/{file.name}": file for file in self.environment.lock},
        }

    def everything(self) -> tuple[VersionFile, ...]:
        """Return every file."""
        return tuple(self.places().values())


class ChampionPredictions(LedgerPart):
    """The champion's predictions on the bundle's rows; they are not a part of the version."""

    version: Annotated[int, Field(ge=1)]
    predictions: Predictions


class Bundle(Content):
    """Bundle of a run: a version without a number."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/bundle/1"], Field(alias="schema")] = "mlci/bundle/1"
    champion: ChampionPredictions | None = Field(default=None, description="If the rows moved.")

    def all_places(self) -> dict[str, VersionFile]:
        """Return every file of the bundle by its path, including the champion's predictions."""
        if self.champion is None:
            return self.places()
        file = self.champion.predictions.file
        return {**self.places(), champion_place(file): file}


class Manifest(Content):
    """A version."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/version/1"], Field(alias="schema")] = "mlci/version/1"
    version: Annotated[int, Field(ge=1)]

    @classmethod
    def of(cls, content: Content, version: int) -> Self:
        """Return the manifest of a bundle that is promoted under a number."""
        kept = {name: getattr(content, name) for name in Content.model_fields}
        return cls(version=version, **kept)


def champion_place(file: VersionFile) -> str:
    """Return the path of the champion's predictions in a bundle."""
    return f"champion/{file.name}"


def is_same_model(one: Content, other: Content) -> bool:
    """Check if two are the same model: by files and recipe, or by predictions if there are no model files."""
    made = (one.model, one.files, one.recipe) == (other.model, other.files, other.recipe)
    return made and (bool(one.files) or one.predictions == other.predictions)
