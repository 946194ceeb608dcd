"""States by hysteresis, and histories that any order of reading leaves the same."""

import itertools

import pytest

from mlci.monitor.history import MonitorHistory, SeriesPoint, WindowRecord, add_windows, assess

GATE, DRIFT = "accuracy.max_drop", "drift[x]"


def record(number, version=1, **findings):
    names = {"gate": GATE, "drift": DRIFT}
    points = {names[name]: SeriesPoint(finding=word, value=0.5) for name, word in findings.items()}
    start = f"2026-01-{number:02}T00:00"
    end = f"2026-01-{number + 1:02}T00:00"
    return WindowRecord(start=start, end=end, version=version, rows=100, labelled=100, points=points, alarms=(GATE,))


def played(words, name="gate", keep=50, patience=2):
    history = MonitorHistory()
    found = []
    for number, word in enumerate(words, 1):
        history = add_windows(history, [record(number, **{name: word})], keep=keep, patience=patience)
        found.append(assess(history, muted={}, patience=patience, late=3, labels=True).state)
    return found


@pytest.mark.parametrize(
    ("name", "words", "states"),
    [
        ("gate", ["ok", "bad", "ok", "ok"], ["ok", "alarm", "alarm", "ok"]),
        ("gate", ["bad", "unknown", "unclear", "ok", "bad"], ["alarm"] * 5),
        ("gate", ["suspect", "suspect", "bad", "ok", "ok"], ["ok", "warn", "alarm", "alarm", "ok"]),
        ("gate", ["unclear", "unclear", "unclear", "suspect"], ["ok"] * 4),
        ("drift", ["bad", "bad", "ok", "ok"], ["ok", "warn", "warn", "ok"]),
        ("drift", ["bad", "unclear", "bad", "bad"], ["ok", "ok", "warn", "warn"]),
        ("drift", ["bad", "ok", "bad", "ok"], ["ok"] * 4),
        ("drift", ["bad"] * 6, ["ok", *["warn"] * 5]),
    ],
)
def test_states__hysteresis(name, words, states):
    assert played(words, name) == states


def test_states__nothing_but_unknown():
    assert played(["unknown"])[-1] == "unknown"
    assert played(["ok", *["unknown"] * 4], "gate")[-1] == "unknown"


def test_history__any_order_of_windows_gives_the_same():
    records = [record(1, gate="ok"), record(2, gate="bad"), record(3, gate="ok"), record(4, gate="ok", drift="bad")]
    expected = add_windows(MonitorHistory(), records, keep=9, patience=2)
    for order in itertools.permutations(records):
        history = MonitorHistory()
        for one in order:
            history = add_windows(history, [one], keep=9, patience=2)
        assert history == expected


def test_history__a_bounded_one_keeps_the_states():
    words = ["ok", "bad", *["unknown"] * 8]
    assert played(words, keep=3) == played(words, keep=50)
    history = MonitorHistory()
    for number, word in enumerate(words, 1):
        history = add_windows(history, [record(number, gate=word)], keep=3, patience=2)
    assert len(history.windows) == 3
    assert history.before[GATE].since == "2026-01-02T00:00"
    assert add_windows(history, [record(1, gate="ok")], keep=3, patience=2) == history  # older than the history


def test_history__another_version_does_not_judge_a_window_again():
    history = add_windows(MonitorHistory(), [record(1, gate="bad")], keep=9, patience=2)
    assert add_windows(history, [record(1, version=2, gate="ok")], keep=9, patience=2) == history


def test_states__log_that_ended():
    empty = record(2).model_copy(update={"rows": 0, "points": {}})
    history = add_windows(MonitorHistory(), [record(1, gate="ok"), empty], keep=9, patience=2)
    standing = assess(history, muted={}, patience=2, late=3, labels=True)
    assert standing.state == "unknown"
    assert standing.reason == (
        "the log has no rows in the window of 2026-01-02T00:00; the last rows are in the window of 2026-01-01T00:00"
    )


def test_states__windows_that_cannot_be_judged_outrank_a_warning():
    def assessed(*records):
        history = add_windows(MonitorHistory(), records, keep=9, patience=2)
        return assess(history, muted={}, patience=2, late=3, labels=True)

    broken = [record(at, gate="unknown", drift="bad").model_copy(update={"unjudged": "broken"}) for at in (2, 3)]
    waiting, judged = record(4, gate="unknown", drift="bad"), record(5, gate="ok", drift="bad")
    assert (assessed(broken[0]).state, assessed(broken[0]).reason) == ("unknown", "broken")
    assert assessed(*broken, waiting).state == "unknown"
    assert (assessed(*broken, waiting, judged).state, assessed(*broken, judged).reason) == ("warn", None)
    assert assessed(record(1, gate="bad"), *broken).state == "alarm"
    assert "unjudged" not in judged.model_dump()
    assert WindowRecord.model_validate(broken[0].model_dump()) == broken[0]


def test_states__labels_of_a_gate_that_only_informs_stop():
    def assessed(*words):
        records = [
            record(at, gate=word, drift="ok").model_copy(update={"alarms": ()}) for at, word in enumerate(words, 1)
        ]
        history = add_windows(MonitorHistory(), records, keep=9, patience=2)
        return assess(history, muted={}, patience=2, late=3, labels=True)

    assert assessed("ok", "ok", "unknown", "unknown", "unknown").state == "ok"
    assert assessed("ok", *["unknown"] * 4).state == "unknown"
    assert assessed("ok", *["unknown"] * 4).reason.startswith("no window since 2026-01-02T00:00 has enough labels")


def test_states__a_series_that_no_window_knows():
    records = [record(1, gate="ok", drift="unknown"), record(2, gate="ok", drift="unknown")]
    standing = assess(
        add_windows(MonitorHistory(), records, keep=9, patience=2), muted={}, patience=2, late=3, labels=True
    )
    assert standing.state == "ok"
    assert {one.series: one.state for one in standing.series} == {GATE: "ok", DRIFT: "unknown"}
