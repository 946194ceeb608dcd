"""Rolled-back versions: examples, and the definition over any history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.registry import ledger
from mlci.registry.entries import rolled_back_versions
from mlci.registry.entry_kinds import Promotion, Rollback
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry, RegistryView
from tests.support.registry.histories import change_entry, history, remove_digests

KINDS = ["verdict", "promotion", "rollback", "rescored", "reproduced"]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5)), max_size=25)


def mark_versions(text):
    """Return the rolled-back versions with reasons: each `+` promotes, each number rolls back to that version."""
    steps, champion, newest = [], None, 0
    for word in text.split():
        if word == "+":
            newest += 1
            steps.append(Promotion(version=newest, manifest="0" * 64, replaced=champion))
            champion = newest
        else:
            steps.append(Rollback(version=int(word), replaced=champion, reason=f"{champion} to {word}"))
            champion = int(word)
    return rolled_back_versions(steps)


@pytest.mark.parametrize(
    ("steps", "marked"),
    [
        ("", {}),
        ("+ + +", {}),
        ("+ + 1", {2: "2 to 1"}),
        ("+ + + 2 1", {3: "3 to 2", 2: "2 to 1"}),  # several steps back
        ("+ + + 1", {3: "3 to 1", 2: "3 to 1"}),  # one step over two
        ("+ + 1 2", {}),  # and forward again, which takes production back from nothing
        ("+ + + 1 3", {}),  # the step over version 2 is undone
        ("+ + + 1 2", {3: "3 to 1"}),
        ("+ + + 2 1 3", {2: "2 to 1"}),  # its own step is not
        ("+ + + 2 1 2", {3: "3 to 2"}),
        ("+ + 1 +", {2: "2 to 1"}),  # what is promoted next brings nothing back
        ("+ + 1 + 2", {3: "3 to 2"}),
        ("+ + + 1 + 1", {4: "4 to 1", 3: "3 to 1", 2: "3 to 1"}),
        ("+ + + 1 + 1 3", {4: "4 to 1", 2: "4 to 1"}),  # two steps left version 2, and one of them is undone
        ("+ + + 1 + 1 3 4", {}),
    ],
)
def test_rolled_back_versions__examples(steps, marked):
    assert mark_versions(steps) == marked


def rolled_back_by_definition(steps):
    """The same by its definition: a step left the version, and no later one came back to it or undid that step."""
    promoted = [sum(isinstance(step, Promotion) for step in steps[: place + 1]) for place in range(len(steps))]
    found = {}
    for place, step in enumerate(steps):
        for number in range(1, promoted[place] + 1):
            left = isinstance(step, Rollback) and step.version < number and step.version < step.replaced
            back = {later.version for later in steps[place + 1 :] if isinstance(later, Rollback)}
            if left and not back & {number, step.replaced}:
                found.setdefault(number, step.reason)
    return found


class TestAnyHistory:
    @given(STEPS)
    def test_rolled_back_versions__definition_over_any_history(self, taken):
        bodies = [entry.body for entry in ledger.iter_all(history(taken))]
        steps = [body for body in bodies if isinstance(body, Promotion | Rollback)]
        assert rolled_back_versions(steps) == rolled_back_by_definition(steps)

    @given(STEPS)
    def test_rolled_back_versions__never_the_champion(self, taken):
        store = history(taken)
        steps = [entry.body for entry in Registry(store).view().decisions()]
        assert ledger.read_ledger_head(store).state.champion not in rolled_back_versions(reversed(steps))

    @given(STEPS, st.booleans())
    def test_iter_decisions__newest_first(self, taken, old):
        store = remove_digests(history(taken)) if old and taken else history(taken)
        seen = [entry for entry in ledger.iter_all(store) if isinstance(entry.body, Promotion | Rollback)]
        assert list(Registry(store).view().decisions()) == seen[::-1]


@pytest.mark.parametrize("number", [2, 4])
def test_iter_decisions__changed_entry(number):
    """The entry is a promotion or a rollback."""
    store = history(
        [("promotion", 0), ("promotion", 0), ("verdict", 0), ("rollback", 0), ("verdict", 1), ("verdict", 2)]
    )
    change_entry(store, number)
    with pytest.raises(CorruptError, match=f"entry {number} is not the one that later entries name"):
        list(Registry(store).view().decisions())


def test_iter_decisions__reads_no_verdicts(monkeypatch):
    store = history(
        [("promotion", 0), *[("verdict", 0)] * 40, ("promotion", 0), ("rollback", 0), *[("verdict", 0)] * 10]
    )
    end, read = ledger.read_ledger_head(store), []
    monkeypatch.setattr(store, "read", lambda number: read.append(number) or store.kept.get(number))
    assert [entry.number for entry in RegistryView(store, end).decisions()] == [43, 42, 1]
    assert set(read) == {43, 42, 41, 1}
