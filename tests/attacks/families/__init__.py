"""Ten families of attacks."""

from tests.attacks.attack import Attack
from tests.attacks.families import (
    artifacts,
    comment_commands,
    comments,
    configuration,
    environment,
    hygiene,
    identity,
    log,
    metrics,
    models,
    probing,
    registry,
    sealed_artifact,
    sealed_identity,
    sealed_labels,
    waivers,
)

FAMILIES: dict[str, tuple[Attack, ...]] = {
    "identity and races": identity.ATTACKS + sealed_identity.ATTACKS + probing.ATTACKS,
    "artifacts": artifacts.ATTACKS + sealed_artifact.ATTACKS,
    "shell and log": log.ATTACKS,
    "configuration and waivers": configuration.ATTACKS + waivers.ATTACKS + comment_commands.ATTACKS,
    "metrics and labels": metrics.ATTACKS + sealed_labels.ATTACKS,
    "model files": models.ATTACKS,
    "environment and secrets": environment.ATTACKS,
    "comment and check": comments.ATTACKS,
    "registry": registry.ATTACKS,
    "repository hygiene": hygiene.ATTACKS,
}
ATTACKS = tuple(attack for attacks in FAMILIES.values() for attack in attacks)
