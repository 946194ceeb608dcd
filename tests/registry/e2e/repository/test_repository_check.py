"""`mlci registry check` and a repeated roll-back on the repository as the registry."""

from dataclasses import replace

import pytest

from mlci.cli.registry_factory import clock
from mlci.errors import OutsideError
from mlci.operations.registry.probe import probe_registry
from mlci.operations.registry.rollback import roll_back
from mlci.registry import ledger
from mlci.registry.errors import UnknownOutcomeError
from mlci.registry.registry import Intent, Registry
from tests.support.registry.histories import promote_versions, stamp


def test_check__leaves_nothing_behind(place):
    before = place.git("for-each-ref")
    seconds = iter(range(1_000)).__next__
    found = probe_registry(place.store, "model", now=clock, seconds=lambda: float(seconds()))
    assert {one.name: one.outcome for one in found} == {
        **dict.fromkeys(["read", "write", "list", "conditional writes", "read back", "latency", "delete"], "passed"),
        "clock": "skipped",
    }
    assert place.git("for-each-ref") == before


def test_rollback__run_again_after_an_unknown_outcome(place, tmp_path, monkeypatch):
    """The branch moves, the answer is lost, and GitHub is unavailable for a while."""
    promote_versions(place.store(), tmp_path, 3)
    store = place.store()
    records, git = store._records, store._records._git
    real = git.move

    def moved(name, sha):
        assert real(name, sha) is None
        monkeypatch.setattr(records, "_look", gone)
        raise OutsideError("GitHub: could not move refs/heads/mlci/model in 4 tries (no answer)")

    def gone():
        raise OutsideError("GitHub: no answer")

    monkeypatch.setattr(git, "move", moved)
    with pytest.raises(UnknownOutcomeError, match="whether entry 4 was written is not known") as found:
        roll_back(
            Registry(store, replace(stamp(), intent=Intent(id="one", repeated=False))), to=None, reason="it drifts"
        )
    assert "`mlci rollback --to 2 --reason …`" in found.value.remedy
    again = replace(stamp(), intent=Intent(id="one", repeated=True))
    done = roll_back(Registry(place.store(), again), to=None, reason="it drifts")
    assert (done.version, done.entry, done.earlier) == (2, None, 4)
    assert ledger.read_ledger_head(place.store()).number == 4
