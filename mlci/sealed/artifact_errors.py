"""Error of an artifact that is not what `mlci sealed predict` writes."""

from mlci.errors import InputError

REMEDY = (
    "upload the folder that `mlci sealed predict` wrote, and nothing else, in a workflow like templates/workflows/"
    "mlci-train.yml"
)


class UntrustedArtifactError(InputError):
    """The artifact of a training run is refused; nothing in it was used."""

    def __init__(self, why: str, remedy: str = REMEDY) -> None:
        """Take the reason and the remedy."""
        super().__init__(f"the artifact is refused: {why}; {remedy}")
