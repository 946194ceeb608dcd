"""Mutation test: with a mitigation removed, at least one of its attacks turns red."""

import pytest

from tests.attacks.families import ATTACKS
from tests.attacks.mitigations import MITIGATIONS
from tests.attacks.scene import Scene


@pytest.mark.parametrize("name", MITIGATIONS)
def test_mitigation__removed_turns_a_case_red(name, tmp_path, monkeypatch):
    MITIGATIONS[name].remove(monkeypatch.setattr)
    of_it = [one for one in ATTACKS if one.mitigation == name]
    assert any(_is_red(one, tmp_path / str(number)) for number, one in enumerate(of_it)), [one.name for one in of_it]


def _is_red(attack, folder):
    """Whether an attack succeeds; each of a mitigation's is tried until one does."""
    try:
        attack.check(Scene(folder))
    except Exception:  # noqa: BLE001 - a crash of the product is red, too
        return True
    return False
