"""Recorded fingerprints of scheme 1 beside the current one."""

from types import SimpleNamespace

import pytest

from mlci.lineage.compare import compare_origins
from mlci.lineage.origin import Origin
from mlci.lineage.rows import Fingerprint, is_recorded, spellings
from mlci.operations.holdout import holdout_uses
from mlci.operations.models import recorded_predictions

NOW = Fingerprint("sha256:new", "sha256:old")


@pytest.mark.parametrize(("recorded", "same"), [("sha256:new", True), ("sha256:old", True), ("sha256:x", False)])
def test_is_recorded__under_either_scheme(recorded, same):
    assert is_recorded(recorded, NOW) == same
    assert is_recorded(recorded, str(NOW)) == (recorded == "sha256:new")
    assert is_recorded(f"{recorded} in the order of 1", NOW.with_suffix(" in the order of 1")) == same
    rows = {row.kind: row for row in compare_origins(Origin(fingerprint=recorded), Origin(fingerprint=NOW), None)}
    assert rows["evaluation"].changed is not same


def test_spellings__equal_schemes_once():
    assert spellings(NOW) == ("sha256:new", "sha256:old")
    assert spellings(Fingerprint("sha256:new", "sha256:new")) == ("sha256:new",)
    assert spellings("sha256:new") == ("sha256:new",)


@pytest.mark.parametrize(
    ("recorded", "known"), [({"sha256:old": 3}, 3), ({"sha256:old": 3, "sha256:new": 2}, 5), ({"sha256:x": 1}, None)]
)
def test_uses__both_schemes_are_added(recorded, known):
    end = SimpleNamespace(state=SimpleNamespace(uses=recorded))
    assert holdout_uses.known_uses(end, NOW) == known


@pytest.mark.parametrize(("recorded", "found"), [("sha256:old", True), ("sha256:new", True), ("sha256:x", False)])
def test_production__predictions_recorded_under_scheme_1(recorded, found):
    own = SimpleNamespace(fingerprint=recorded, file=SimpleNamespace(digest="d"))
    champion = SimpleNamespace(manifest=SimpleNamespace(predictions=own))
    view = SimpleNamespace(rescored=lambda _: None, lacks_erased=lambda _: False)
    assert recorded_predictions.is_made_on(view, champion, NOW) is (own if found else None)
