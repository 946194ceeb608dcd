"""Every attack is refused or harmless, and the five invariants hold after it."""

import pytest

from tests.attacks.families import ATTACKS, FAMILIES
from tests.attacks.mitigations import MITIGATIONS
from tests.attacks.scene import Scene


@pytest.mark.parametrize("attack", [pytest.param(one, id=one.name.replace(" ", "-")) for one in ATTACKS])
def test_attack__stopped(attack, tmp_path):
    attack.check(Scene(tmp_path))


def test_attacks__names_and_families():
    names = [one.name for one in ATTACKS]
    assert len(names) == len(set(names)) >= 120
    assert len(FAMILIES) == 10
    assert {one.mitigation for one in ATTACKS} == set(MITIGATIONS)
    assert all(len(attacks) >= 8 for attacks in FAMILIES.values())
