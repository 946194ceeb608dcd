"""One attack: its name, the mitigation that stops it, how it is played, and the reason that the user reads."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.attacks import invariants
from tests.attacks.scene import Scene


@dataclass(frozen=True)
class Attack:
    """An attack on one entry point.

    Attributes:
        name: What the attacker does.
        mitigation: Name of the mitigation that stops it, as in ``mitigations.py``.
        play: Arranges the scene and calls the entry point through it.
        reason: Pattern of the refusal; empty if the attack is accepted as harmless data.
    """

    name: str
    mitigation: str
    play: Callable[[Scene], object]
    reason: str = ""

    def check(self, scene: Scene) -> None:
        """Play the attack; it is refused for its reason, and every invariant holds."""
        with invariants.watched(scene):
            self.play(scene)
        said = scene.out + scene.err
        assert scene.code is not None, "the attack called nothing"
        assert scene.code != 70, said
        if self.reason:
            assert scene.code != 0, f"accepted: {said}"
            assert re.search(self.reason, said), said
        invariants.check(scene)
