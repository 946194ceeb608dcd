"""Ten families of attacks."""

from tests.attacks.attack import Attack
from tests.attacks.families import configuration, environment, identity, log, metrics, models

FAMILIES: dict[str, tuple[Attack, ...]] = {
    "identity and races": identity.ATTACKS,
    "shell and log": log.ATTACKS,
    "configuration and waivers": configuration.ATTACKS,
    "metrics and labels": metrics.ATTACKS,
    "model files": models.ATTACKS,
    "environment and secrets": environment.ATTACKS,
}
ATTACKS = tuple(attack for attacks in FAMILIES.values() for attack in attacks)
