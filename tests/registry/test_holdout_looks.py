"""Looks at an evaluation set: what the ledger counts, what a look costs, and when a set is worn out."""

import hashlib
import threading

import pytest

from mlci.config.lifecycle.reuse import LEAST_ALPHA, Reuse
from mlci.config.loader import parse_config
from mlci.config.models import Config
from mlci.errors import InputError, OutsideError
from mlci.operations.holdout import holdout_looks
from mlci.operations.holdout.holdout_looks import LookTerms, expected_look, record_holdout_look
from mlci.operations.publish.count_look import record_before_publishing
from mlci.publish.result import Finished, Unfinished
from mlci.registry import entries
from mlci.registry.entries import LOOKED_SETS, LedgerState
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.registry.verification import verify_ledger
from mlci.report.document import HoldoutLook
from mlci.report.serialization import dump_report, parse_report
from mlci.report.terminal import render_terminal
from tests.support.registry.histories import DIGEST, Memory, promotion, stamp, verdict
from tests.support.reports import a_report, passed

ROWS = "sha256:rows"
THREE = Reuse(budget=3, adaptivity="none")


def digest_of(name) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def terms(candidate="a", *, reuse=THREE, rows=ROWS, policy=DIGEST) -> LookTerms:
    return LookTerms(fingerprint=rows, predictions=digest_of(candidate), policy=policy, reuse=reuse, confidence=0.95)


def registry(store=None) -> Registry:
    return Registry(Memory() if store is None else store, stamp())


def looked(own: Registry, names, **changes) -> list[HoldoutLook]:
    return [record_holdout_look(own, terms(name, **changes)) for name in names]


def promote(own: Registry, rows=ROWS) -> None:
    own.append(lambda state: promotion(state).model_copy(update={"accepted_on": rows}))


def test_look_alpha__by_adaptivity():
    assert Reuse(budget=32, adaptivity="none").look_alpha(0.95) == pytest.approx(0.025 / 32)
    assert Reuse(budget=32, adaptivity="first_change").look_alpha(0.95) == pytest.approx(0.025 / 32)
    assert Reuse(budget=5, adaptivity="full").look_alpha(0.95) == pytest.approx(0.025 / 3**5)


@pytest.mark.parametrize(("adaptivity", "most"), [("full", 9), ("none", 25_000)])
def test_largest_budget__keeps_the_least_level(adaptivity, most):
    found = Reuse(budget=1, adaptivity=adaptivity).largest_budget(0.95)
    assert abs(found - most) <= (adaptivity == "none")  # of a quotient of two floats
    within = Reuse.model_construct(budget=found, adaptivity=adaptivity).look_alpha(0.95)
    assert within >= LEAST_ALPHA * (1 - 1e-9)
    assert Reuse.model_construct(budget=most + 1, adaptivity=adaptivity).look_alpha(0.95) < LEAST_ALPHA


def test_record_holdout_look__distinct_candidates_count_and_identical_predictions_do_not():
    own = registry()
    found = looked(own, ["a", "b", "a", "b", "a"])
    assert [(look.looks, look.repeated) for look in found] == [
        (1, False),
        (2, False),
        (2, True),
        (2, True),
        (2, True),
    ]
    assert own.view().number == 2
    assert all(look.recorded and look.worn_out is None for look in found)


def test_record_holdout_look__an_edited_configuration_resets_nothing():
    own = registry()
    looked(own, "abc")
    edited = looked(own, "d", policy="f" * 64)[0]
    assert (edited.looks, edited.worn_out) == (4, "its 3 looks are used")
    larger = looked(own, "e", reuse=Reuse(budget=4, adaptivity="none"))[0]
    assert larger.worn_out == "its 4 looks are used"
    much_larger = looked(own, "f", reuse=Reuse(budget=200, adaptivity="none"))[0]
    assert "spent the level" in much_larger.worn_out


def test_expected_look__level_that_is_left_is_spent_by_a_larger_budget():
    own = registry()
    looked(own, "ab")  # two thirds of the level
    larger = Reuse(budget=6, adaptivity="none")
    found = looked(own, "cde", reuse=larger)
    assert [look.worn_out is None for look in found] == [True, True, False]


def test_expected_look__smaller_budget_makes_the_same_predictions_a_new_look():
    own = registry()
    looked(own, "a", reuse=Reuse(budget=32, adaptivity="none"))
    assert not looked(own, "a", reuse=Reuse(budget=2, adaptivity="none"))[0].repeated
    assert looked(own, "a", reuse=Reuse(budget=4, adaptivity="none"))[0].repeated


def test_record_holdout_look__worn_out_set_blocks_by_policy_and_stays_worn_out_for_a_retry():
    own = registry()
    looked(own, "abc")
    first, again = looked(own, "dd")
    assert first.blocks
    assert again.blocks
    assert again.repeated
    assert again.worn_out == first.worn_out == "its 3 looks are used"
    warns = looked(own, "d", reuse=THREE.model_copy(update={"worn_out": "warn"}))[0]
    assert warns.worn_out is not None
    assert not warns.blocks
    assert looked(own, "a")[0].worn_out is None  # a look within the budget stays one


def test_record_holdout_look__rotated_set_has_all_looks():
    own = registry()
    looked(own, "abcd")
    fresh = looked(own, "a", rows="sha256:others")[0]
    assert (fresh.looks, fresh.worn_out) == (1, None)


def test_expected_look__first_change_ends_with_an_accepted_change():
    first = Reuse(budget=9, adaptivity="first_change")
    own = registry()
    promote(own, rows=None)
    before = looked(own, "ab", reuse=first)
    promote(own)
    accepted, after = looked(own, "b", reuse=first)[0], looked(own, "c", reuse=first)[0]
    assert [look.worn_out for look in (*before, accepted)] == [None] * 3
    assert "accepted" in after.worn_out
    assert looked(own, "d", reuse=Reuse(budget=9, adaptivity="none"))[0].worn_out is None


def test_expected_look__first_version_is_not_an_accepted_change():
    first = Reuse(budget=9, adaptivity="first_change")
    own = registry()
    looked(own, "a", reuse=first)
    promote(own)  # replaces nothing
    assert looked(own, "b", reuse=first)[0].worn_out is None
    promote(own)
    assert looked(own, "c", reuse=first)[0].worn_out is not None


def test_expected_look__verdicts_of_a_time_without_reuse_count():
    own = registry()
    for _ in range(2):
        own.append(lambda _: verdict(ROWS))
    assert [look.worn_out for look in looked(own, "ab")] == [None, "its 3 looks are used"]


def test_expected_look__set_whose_looks_the_state_lost_is_worn_out():
    own = registry()
    looked(own, "a")
    for other in range(LOOKED_SETS):
        looked(own, "a", rows=f"sha256:{other}")
    assert "no longer has its looks" in looked(own, "a")[0].worn_out
    assert len(own.view().state.looked) == LOOKED_SETS


def test_record_holdout_look__runs_at_once_do_not_share_a_look(tmp_path):
    store = FolderStore(tmp_path / "registry", "m")
    found = []
    starts = threading.Barrier(4)

    def run(name):
        starts.wait()
        found.append(record_holdout_look(Registry(store, stamp()), terms(name, reuse=THREE)))

    threads = [threading.Thread(target=run, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(look.looks for look in found) == [1, 2, 3, 4]
    assert sum(look.worn_out is None for look in found) == 3


def test_verify_ledger__with_looks_and_an_entry_that_forgets_one():
    own = registry()
    looked(own, "abcd")
    promote(own)
    assert verify_ledger(own.store).entries == 5
    last = entries.Entry.model_validate_json(own.store.kept[5])
    forged = last.model_copy(update={"state": last.state.model_copy(update={"looked": None})})
    own.store.kept[5] = entries.dump_entry(forged)
    own.store.seen = None
    with pytest.raises(OutsideError, match="another state"):
        verify_ledger(own.store)


def test_expected_look__unreadable_ledger_is_an_error():
    own = registry()
    looked(own, "ab")
    own.store.kept[2] = own.store.kept[2].replace(b'"alpha":0.00', b'"alpha":0.01')
    with pytest.raises(OutsideError):
        looked(own, "c")


def test_expected_look__cheap_state():
    state = LedgerState()
    own = registry()
    looked(own, range(60), reuse=Reuse(budget=200, adaptivity="none"))
    assert expected_look(state, terms()).looks == 1
    assert len(own.store.kept[60]) < 4_000


BUDGET = """
model: credit-risk
task: binary
evaluation: {data: data.csv, key: id, label: label}
predict: {file: predictions.csv, score: score}
baseline: none
gates:
  - {metric: accuracy, min: 0.8, judge: interval}
reuse: {budget: 3, adaptivity: none}
"""


@pytest.fixture
def config() -> Config:
    return parse_config(BUDGET.encode(), path="mlci.yml").config


def judged(config, *, confidence=None, look="a"):
    own = a_report(gates=[passed("accuracy", now=0.9, min=0.8)])
    policy = own.policy.model_copy(update={"confidence": confidence or config.judged_confidence})
    found = expected_look(LedgerState(), terms(look)) if look else None
    evaluation = own.evaluation.model_copy(update={"look": found, "fingerprint": ROWS})
    return own.model_copy(update={"policy": policy, "evaluation": evaluation})


def test_record_before_publishing__look_is_recorded_once(config):
    own = registry()
    for _ in range(2):
        found = record_before_publishing(judged(config), config, own, line=9)
        assert isinstance(found, Finished)
        assert found.report.evaluation.look.recorded
    assert own.view().number == 1


def test_record_before_publishing__set_that_wore_out_meanwhile_blocks(config):
    own = registry()
    looked(own, "bcd")
    found = record_before_publishing(judged(config), config, own, line=9).report
    assert found.verdict == "block"
    assert [row.why for row in found.gates if row.blocks] == ["worn_out"]
    assert parse_report(dump_report(found).encode(), path="report.json") == found
    text = render_terminal(found, colour=False, width=200)
    assert "the evaluation set is worn out" in text
    assert "4, at most 3" in text
    assert "look 4 of 3" in text


@pytest.mark.parametrize("changes", [{"look": ""}, {"confidence": 0.95}])
def test_record_before_publishing__report_of_another_level_is_no_verdict(config, changes):
    found = record_before_publishing(judged(config, **changes), config, registry(), line=9)
    assert isinstance(found, Unfinished)
    assert "judged at" in found.details[0]


def test_record_before_publishing__ledger_that_can_not_be_written_is_no_verdict(config):
    class ReadOnly(Memory):
        def append(self, *_):
            raise OutsideError("403 Forbidden")

    found = record_before_publishing(judged(config), config, registry(ReadOnly()), line=9)
    assert isinstance(found, Unfinished)
    assert "403" in found.details[0]
    github = config.model_copy(update={"registry": "github"})
    assert "contents: write" in record_before_publishing(judged(config), github, registry(ReadOnly()), line=9).remedy
    assert isinstance(record_before_publishing(judged(config), config, None, line=9), Unfinished)


def test_record_before_publishing__known_look_needs_no_right_to_write(config):
    own = registry()
    looked(own, "a")
    own.store.append = None
    assert isinstance(record_before_publishing(judged(config), config, own, line=9), Finished)


def test_record_before_publishing__nothing_without_reuse(config):
    without = config.model_copy(update={"reuse": None})
    own = judged(config)
    assert record_before_publishing(own, without, None, line=None) == Finished(report=own)


def test_record_holdout_look__most_looks(monkeypatch):
    monkeypatch.setattr(holdout_looks, "MOST_LOOKS", 2)
    own = registry()
    looked(own, "ab")
    with pytest.raises(InputError, match="most that are counted"):
        looked(own, "c")
