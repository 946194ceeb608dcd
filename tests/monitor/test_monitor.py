"""`mlci monitor` on a promoted model: drift, decay, late labels, gaps, repeats, and what it refuses."""

import json
import re

from mlci.config.lifecycle.monitor import Monitor, Mute
from mlci.operations.monitor.monitor import muted_series
from tests.support.production import CONFIG, Week, week_end, write_log
from tests.support.project import mlci

WELL, DECAYED, MOVED = Week(), Week(wrong=0.35), Week(shift=1.0)


def states(document):
    return {one["series"]: one["state"] for one in document["series"] if one["state"] != "ok"}


def newest_entry(folder):
    return json.loads(mlci("ledger", "log", "--json", cwd=folder).out)[-1]["number"]


def test_monitor__decay_alarms_once_and_recovers(monitored):
    weeks = [WELL, WELL, DECAYED]
    code, first = monitored(weeks)
    assert (code, first["state"], first["since"]) == (1, "alarm", "2026-01-19T00:00")
    assert states(first)["accuracy.max_drop"] == "alarm"
    well = first["windows"][0]
    assert {row["column"] for row in well["drift"]} == {"score", "p", "x", "region"}
    assert {row["finding"] for row in (*well["drift"], *well["checks"])} == {"ok"}
    scopes = {(row["slice"], row["group"]) for row in well["drift"] if row["column"] == "x"}
    assert scopes == {(None, None), ("region", "north"), ("region", "south")}
    entry = newest_entry(monitored.folder)

    done = mlci("monitor", "--now", week_end(3), cwd=monitored.folder)  # the same windows are the same records
    assert done.code == 1
    assert "●●■  accuracy.max_drop: alarm since 2026-01-19" in done.out
    assert "\nscored, version 1: alarm since 2026-01-19\n" in done.out
    assert "mlci rollback" in done.out
    code, older = monitored(weeks, now=week_end(1))  # a run that is late itself
    assert (code, older["entry"], older["timeline"]) == (1, None, first["timeline"])
    assert newest_entry(monitored.folder) == entry

    code, after = monitored([*weeks, WELL, WELL])  # a week in between without a run is made up for
    assert (code, after["state"]) == (0, "ok")
    assert [(one["start"], one["rows"]) for one in after["timeline"]] == [
        (f"2026-{day}T00:00", 400) for day in ("01-05", "01-12", "01-19", "01-26", "02-02")
    ]


def test_monitor__drift_without_decay_warns_after_two_weeks(monitored):
    code, document = monitored([WELL, MOVED, MOVED])
    assert (code, document["state"], document["since"]) == (0, "warn", "2026-01-19T00:00")
    assert states(document)["drift[x]"] == "warn"
    assert "accuracy.max_drop" not in states(document)


def test_monitor__late_labels_are_judged_when_they_come(monitored):
    code, document = monitored([WELL, Week(wrong=0.35, labelled=0)])
    assert (code, document["state"]) == (0, "ok")
    [row] = [one for one in document["windows"][-1]["quality"] if one["series"] == "accuracy.max_drop"]
    assert (row["finding"], row["rows"]) == ("unknown", 0)
    mutes = ", ".join(f"{{gate: {name}, until: 2099-01-01, reason: known}}" for name in ("accuracy", "recall"))
    muted = CONFIG.replace("window: week", f"window: week\n  mute: [{mutes}]")
    (monitored.folder / "mlci.yml").write_text(muted, "utf-8")
    code, document = monitored([WELL, Week(wrong=0.35, labelled=0.8)])
    assert [one["start"] for one in document["windows"]] == ["2026-01-12T00:00"]
    assert (code, document["state"], states(document)["accuracy.max_drop"]) == (0, "ok", "alarm")


def test_mute__of_a_column_and_a_gate_until_a_day():
    settings = Monitor(
        data="log.csv",
        time="at",
        mute=(
            Mute(column="x", until="2026-06-30", reason="known"),
            Mute(gate="accuracy", until="2026-07-31", reason="known"),
        ),
    )
    names = {
        "drift[x]",
        "drift[x, region=north]",
        "nulls[x]",
        "drift[xs]",
        "accuracy.max_drop",
        "accuracy_difference.max",
    }
    muted = {day: set(muted_series(settings, names, today=day)) for day in ("2026-06-30", "2026-07-31", "2026-08-01")}
    assert muted == {
        "2026-06-30": {"drift[x]", "drift[x, region=north]", "nulls[x]", "accuracy.max_drop"},
        "2026-07-31": {"accuracy.max_drop"},
        "2026-08-01": set(),
    }


def test_monitor__could_not_tell(monitored):
    config = CONFIG.replace("window: week", "window: week\n  late: 2")
    (monitored.folder / "mlci.yml").write_text(config, "utf-8")
    code, document = monitored([Week(labelled=0)] * 4)
    assert (code, document["state"]) == (6, "unknown")
    assert document["reason"] == "no window since 2026-01-12T00:00 has enough labels, so the quality is not known"


def test_monitor__checks_of_cells(monitored):
    write_log(monitored.folder, [WELL])
    log = monitored.folder / "log.csv"
    header, *rows = log.read_text("utf-8").splitlines()
    broken = [re.sub(r",(north|south),", ",west,", row) if index % 3 else re.sub(r",-?[0-9.]+,", ",,", row, count=1)
              for index, row in enumerate(rows)]  # fmt: skip
    log.write_text("\n".join([header, *broken]) + "\n", "utf-8")
    done = mlci("monitor", "--json", "--now", week_end(1), cwd=monitored.folder)
    checks = {row["series"]: row for row in json.loads(done.out)["windows"][-1]["checks"]}
    assert (checks["nulls[x]"]["finding"], round(checks["nulls[x]"]["share"], 2)) == ("bad", 0.34)
    assert (checks["unseen[region]"]["finding"], checks["unseen[region]"]["examples"]) == ("bad", ["west"])
    assert checks["invalid[x]"]["finding"] == checks["nulls[region]"]["finding"] == "ok"


def test_monitor__wrong_configuration(monitored):
    write_log(monitored.folder, [WELL])
    for old, new, problem in (
        ("time: at", "time: region", "column 'region' has no times"),
        ("time: at", "time: at\n  score: proba", "has no column 'proba' with predictions"),
        ("  labels: labels.csv", "  labels: labels.csv\n  labls: x", "did you mean `labels`?"),
        ("  labels: labels.csv", "  label: truth", "has no column 'truth' with labels; there are"),
    ):
        (monitored.folder / "mlci.yml").write_text(CONFIG.replace(old, new), "utf-8")
        done = mlci("monitor", "--now", week_end(1), cwd=monitored.folder)
        assert done.code == 2, done.err
        assert problem in done.err


def test_monitor__version_and_rows_it_needs(tmp_path, monitored):
    (monitored.folder / "mlci.yml").write_text(CONFIG.replace("model: scored", "model: other"), "utf-8")
    write_log(monitored.folder, [WELL])
    done = mlci("monitor", cwd=monitored.folder)
    assert done.code == 2
    assert "has no version yet; promote one:\n    mlci run\n    mlci promote" in done.err
    (monitored.folder / "mlci.yml").write_text(CONFIG, "utf-8")
    holdout = monitored.folder / "holdout.csv"
    holdout.write_text(holdout.read_text("utf-8") + "99999,0.5,north,1\n", "utf-8")
    done = mlci("monitor", cwd=monitored.folder)
    assert done.code == 2
    assert "is not the one that version 1 was judged on" in done.err
