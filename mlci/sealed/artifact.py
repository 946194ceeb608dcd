"""The artifact that crosses from training to the gate: its name, its two files, and the error about another one."""

from mlci.errors import InputError

REMEDY = (
    "upload the folder that `mlci sealed predict` wrote, and nothing else, in a workflow like templates/workflows/"
    "mlci-train.yml"
)


PREDICTIONS, MANIFEST = "predictions.csv", "manifest.json"
"""Files of the artifact."""


def artifact_of(model: str) -> str:
    """Return the name of a model's artifact."""
    return f"mlci-sealed-{model}"


class UntrustedArtifactError(InputError):
    """The artifact of a training run is refused; nothing in it was used."""

    def __init__(self, why: str, remedy: str = REMEDY) -> None:
        """Take the reason and the remedy."""
        super().__init__(f"the artifact is refused: {why}; {remedy}")
