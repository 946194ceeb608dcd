"""Pages after the merge for ``make page``: the commands write them, from small projects with awkward data."""

import csv
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np

from tests.support.production import CONFIG, FIRST, Week, promote_scored, week_end, write_log
from tests.support.project import mlci, small_files, write

LONG = "share_of_the_payments_of_the_last_twelve_months_that_arrived_late"
COLUMNS = (LONG, "new_since_last_week", *(f"feature{number}" for number in range(28)))
CARD = f"""\
card:
  intended_use: "Rank applications; a person decides. {"The bank's rules for such models hold. " * 6}"
  limits: ["fewer than 30 rows in the south", "{"averyverylongword" * 6}"]
  owners: [risk-team]
  license: apache-2.0
"""
EXPERIMENT = f"""\
experiment:
  data: log.csv
  unit: user
  arm: variant
  control: champion
  treatment: candidate
  time: day
  metric: {{rate: bought, max_drop: 0.02}}
  guardrails: [{{mean: {LONG}, max_drop: 10%}}]
  slices: [country]
"""


def monitor_decay(folder: Path) -> str:
    """Monitor weeks that are well, one without rows, a drift, decisions that decay, and one without labels."""
    promote_scored(folder)
    well, decayed = [Week()] * 5, Week(wrong=0.35, shift=0.6)
    weeks = [*well, Week(rows=0), Week(shift=1.2), decayed, decayed, Week(labelled=0)]
    write_log(folder, weeks)
    return _monitor(folder, len(weeks))


def monitor_first_window(folder: Path) -> str:
    """Monitor one week."""
    promote_scored(folder)
    write_log(folder, [Week()])
    return _monitor(folder, 1)


def monitor_days(folder: Path) -> str:
    """Monitor nine weeks by the day: more windows than fit beside each other with large marks."""
    promote_scored(folder, CONFIG.replace("window: week", "window: day\n  min_rows: 30"))
    write_log(folder, [Week()] * 7 + [Week(shift=1.5)] * 2)
    return _monitor(folder, 9)


def monitor_columns(folder: Path) -> str:
    """Monitor thirty columns: one has a long name, one has values in the newest week only, one has gaps."""
    promote_scored(folder, CONFIG.split("monitor:", maxsplit=1)[0])
    _add_columns(folder / "holdout.csv", lambda _row, drawn: drawn)
    for command in ("run", "promote"):
        done = mlci(command, cwd=folder)
        assert done.code == 0, done.err
    write_log(folder, [Week(rows=200)] * 8, columns="id x region score p at")
    _add_columns(folder / "log.csv", _in_production)
    (folder / "mlci.yml").write_text(CONFIG + "  mute: [{column: feature3, until: 2026-12-31, reason: a known sale}]\n")
    return _monitor(folder, 8)


def _monitor(folder: Path, weeks: int) -> str:
    done = mlci("monitor", "--now", week_end(weeks), cwd=folder)
    assert done.code in {0, 1, 6}, done.err
    return (folder / ".mlci/out/monitor.html").read_text("utf-8")


def _in_production(row: Mapping[str, str], draws: dict[str, float]) -> dict[str, object]:
    """Return the cells of a row of the log: drift, a column that is new, and one that is empty in two weeks."""
    late = row["at"] >= str(FIRST + timedelta(weeks=7))
    middle = str(FIRST + timedelta(weeks=3)) <= row["at"] < str(FIRST + timedelta(weeks=5))
    return {
        **draws,
        LONG: draws[LONG] + 1.5 * (row["at"] >= str(FIRST + timedelta(weeks=5))),
        "new_since_last_week": draws["new_since_last_week"] if late else "",
        "feature1": "" if middle else draws["feature1"],
        "feature2": draws["feature2"] + 2 * late,
        "feature3": draws["feature3"] + 2,
    }


def _add_columns(path: Path, cells: Callable[[Mapping[str, str], dict[str, float]], Mapping[str, object]]) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    draws = np.random.default_rng(7).normal(size=(len(rows), len(COLUMNS))).round(3).tolist()
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], *COLUMNS])
        writer.writeheader()
        for row, drawn in zip(rows, draws, strict=True):
            writer.writerow({**row, **cells(row, dict(zip(COLUMNS, drawn, strict=True)))})


def experiment(folder: Path, units: int = 4_000, share: float = 0.24, days: int = 10) -> str:
    """Judge an experiment in which this share of the treatment buys, where 0.2 do in the control."""
    draws = np.random.default_rng(3)
    lines = [f"user,variant,day,country,bought,{LONG}"]
    for unit in range(units):
        arm, wanted = ("champion", 0.2) if unit % 2 == 0 else ("candidate", share)
        day, bought = 1 + unit * days // units, int(draws.random() < wanted)
        country = ("Germany", "the United Kingdom of Great Britain and Northern Ireland")[unit // 2 % 2]
        lines.append(f"u{unit},{arm},2026-11-{day:02d},{country},{bought},{draws.normal(9, 2):.3f}")
    files = small_files()
    write(folder, {**files, "mlci.yml": files["mlci.yml"] + EXPERIMENT, "log.csv": "\n".join(lines)})
    done = mlci("experiment", cwd=folder)
    assert done.code in {0, 1, 5}, done.err
    return (folder / ".mlci/experiment/experiment.html").read_text("utf-8")


def card(folder: Path, section: str = CARD) -> str:
    """Write the card of a promoted version with slices."""
    promote_scored(folder, CONFIG + section)
    done = mlci("card", "--format", "html", cwd=folder)
    assert done.code == 0, done.err
    return done.out


PAGES: Mapping[str, Callable[[Path], str]] = {
    "monitor-decay": monitor_decay,
    "monitor-first-window": monitor_first_window,
    "monitor-days": monitor_days,
    "monitor-columns": monitor_columns,
    "experiment-promote": experiment,
    "experiment-roll-back": lambda folder: experiment(folder, 3_000, 0.05),
    "experiment-one-day": lambda folder: experiment(folder, 300, 0.21, 1),
    "card": card,
    "card-nothing-stated": lambda folder: card(folder, ""),
}


def write_lifecycle_pages(target: Path, work: Path) -> None:
    """Write every page; its project is made in ``work`` and removed."""
    for name, build in PAGES.items():
        folder = work / name
        folder.mkdir(parents=True)
        (target / f"{name}.html").write_text(build(folder), encoding="utf-8")
        shutil.rmtree(folder)
