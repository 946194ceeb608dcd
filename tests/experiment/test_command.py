"""`mlci experiment` on logs and counts: documents, exit codes, errors with rows, and what `--apply` does."""

import json
import re
import shutil

import numpy as np
import pytest

from tests.support.project import mlci, predictions, small_files, write

SECTION = """\
experiment:
  data: log*.csv
  unit: user
  arm: variant
  control: champion
  treatment: candidate
  time: day
  metric: {rate: bought, max_drop: 0.02}
  guardrails: [{mean: spent, max_drop: 10%, covariate: before}]
  slices: [country]
"""
HEAD = "user,variant,day,country,bought,spent,before"


def rows(units, share, seed=3):
    """Lines of a log; in the treatment, this share buys, where 0.2 do in the control."""
    rng = np.random.default_rng(seed)
    for unit in range(units):
        arm, before = ("champion", "candidate")[unit % 2], rng.gamma(2, 5)
        bought = int(rng.random() < (share if unit % 2 else 0.2))
        day = 1 + unit * 10 // units
        spent, country = before + rng.normal(0, 2), "df"[unit // 2 % 2]
        yield f"u{unit},{arm},2026-11-{day:02d},{country},{bought},{spent:.3f},{before:.3f}"


def project(folder, lines, section=SECTION, name="log1.csv"):
    files = small_files()
    files["mlci.yml"] += section
    return write(folder, {**files, name: "\n".join([HEAD, *lines])})


def test_experiment__promote(tmp_path):
    folder = project(tmp_path, rows(4000, 0.24))
    ended = mlci("experiment", cwd=folder)
    assert ended.code == 0, ended.err
    assert "promote" in ended.out.splitlines()[0]
    document = json.loads((folder / ".mlci/experiment/experiment.json").read_text())
    assert (document["schema"], document["verdict"], document["applied"]) == ("mlci/experiment/1", "promote", None)
    assert document["metrics"][1]["change"]["variance_reduction"] > 0.8
    assert len(document["looks"]) == 10
    assert {one["group"] for one in document["groups"]} == {"d", "f"}
    page = (folder / ".mlci/experiment/experiment.html").read_text()
    assert "<polygon" in page
    assert "may fall by 0.020" in page
    assert "<script" not in page


def test_experiment__same_numbers_as_numpy(tmp_path):
    lines = list(rows(600, 0.24))
    document = mlci("experiment", "--json", cwd=project(tmp_path, lines)).report
    cells = [line.split(",") for line in lines]
    for arm in ("champion", "candidate"):
        bought = np.array([float(cell[4]) for cell in cells if cell[1] == arm])
        key = "control" if arm == "champion" else "treatment"
        assert document["metrics"][0]["change"][key] == pytest.approx(bought.mean())


def test_experiment__keep_going_says_how_long(tmp_path):
    ended = mlci("experiment", cwd=project(tmp_path, rows(800, 0.21)))
    assert ended.code == 5
    assert "more units if values stay as they are" in ended.out
    assert "at the rate so far" in ended.out


def test_experiment__roll_back(tmp_path):
    assert mlci("experiment", cwd=project(tmp_path, rows(3000, 0.05))).code == 1


def test_experiment__several_files_are_one_log(tmp_path):
    lines = list(rows(2000, 0.24))
    both = project(tmp_path / "both", lines[:900])
    (both / "log2.csv").write_text("\n".join([HEAD, *lines[900:]]))
    one = mlci("experiment", "--json", cwd=project(tmp_path / "one", lines)).report
    two = mlci("experiment", "--json", cwd=both).report
    assert two["looks"][-1]["units"] == one["looks"][-1]["units"] == 2000
    assert two["metrics"][1]["change"]["interval"] == pytest.approx(one["metrics"][1]["change"]["interval"])


def test_experiment__times_with_an_offset_are_read_in_utc(tmp_path):
    lines = [re.sub(r"(2026-11-0[12]),", r"\1T00:15:00+01:00,", line) for line in rows(40, 0.2)]
    looks = mlci("experiment", "--json", cwd=project(tmp_path / "days", lines)).report["looks"]
    assert [look["period"] for look in looks[:3]] == ["2026-10-31", "2026-11-01", "2026-11-03"]
    lines = [re.sub(r"2026-11-[0-9]+,", "2026-11-02T00:15:00+0100,", line) for line in rows(40, 0.2)]
    [look] = mlci("experiment", "--json", cwd=project(tmp_path / "hour", lines)).report["looks"]
    assert look["period"] == "2026-11-01T23:00"


def test_experiment__column_without_times(tmp_path):
    section = SECTION.replace("time: day", "time: country")
    ended = mlci("experiment", cwd=project(tmp_path, rows(40, 0.2), section))
    assert ended.code == 2
    assert "column 'country' has no times; write them as `2026-11-02 13:45:00`" in ended.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("u4,champion,2026-11-01,d,1,1,1", "unit 'u4' of 'user' is twice in one arm: row 5 and row 41"),
        ("u5,champion,2026-11-01,d,1,1,1", "unit 'u5' of 'user' is in both arms: row 6 and row 41"),
        ("x,candidat,2026-11-01,d,1,1,1", "arm 'variant' is 'candidat' in row 41 (key 'x'); the arms are"),
        ("x,candidate,yesterday,d,1,1,1", "'day' is 'yesterday', which is not a date or a time"),
        ("x,candidate,2026-11-01 08:00 EST,d,1,1,1", "'day' is '2026-11-01 08:00 EST', which is not a date or a time"),
        ("x,candidate,2026-11-01,d,yes,1,1", "is not a number: 'yes' in row 41 (key 'x'); a rate needs 0 or 1: write"),
        ("x,candidate,2026-11-01,d,2,1,1", "'bought' is 2, and a rate needs 0 or 1 in row 41"),
        ("x,candidate,2026-11-01,d,1,,1", "'spent' is null in row 41"),
        (",candidate,2026-11-01,d,1,1,1", "unit 'user' is null in row 41"),
    ],
)
def test_experiment__bad_row(tmp_path, line, message):
    ended = mlci("experiment", cwd=project(tmp_path, [*rows(40, 0.2), line]))
    assert ended.code == 2
    assert message in ended.err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("unit: user", "unit: usr", "has no column 'usr'; did you mean 'user'?"),
        ("  unit: user\n", "", "has `data` without `unit`"),
        ("max_drop: 0.02}", "max_drop: 0.02, max_rise: 1}", "keep exactly one of `max_drop` or `max_rise`"),
        ("mean: spent", "rate: bought", "names the metric `bought` twice"),
        ("covariate: before", "covariate: spent", "`covariate` of `spent` is the metric itself"),
        ("treatment: candidate", "treatment: champion", "`experiment.treatment` is `champion`, as the control"),
        ("treatment: candidate", "treatment: canary", "the arms are 'champion' and 'canary'"),
        ("guardrails", "guardrail", "did you mean `guardrails`?"),
        ("experiment:", "experiments:", "did you mean `experiment`?"),
    ],
)
def test_experiment__bad_section(tmp_path, old, new, message):
    ended = mlci("experiment", cwd=project(tmp_path, rows(40, 0.2), SECTION.replace(old, new)))
    assert ended.code == 2
    assert message in ended.err


def test_experiment__no_section(tmp_path):
    ended = mlci("experiment", cwd=project(tmp_path, [], ""))
    assert ended.code == 2
    assert "metric: {rate: converted, max_drop: 0.005}" in ended.err


COUNTS = """\
experiment:
  counts: counts.csv
  metric: {rate: bought, max_drop: 0.01}
  guardrails: [{mean: ms, max_rise: 5}]
"""
TABLE = """\
arm,metric,units,events,mean,variance,time
control,bought,{units},{control},,,2026-11-01
treatment,bought,{units},{treatment},,,2026-11-01
control,ms,{units},,100,400,2026-11-01
treatment,ms,{units},,101,400,2026-11-01
control,ignored,9,,1,1,2026-11-01
"""


def counts(folder, table, section=COUNTS):
    files = small_files()
    return write(folder, {**files, "mlci.yml": files["mlci.yml"] + section, "counts.csv": table})


@pytest.mark.parametrize(("treatment", "code"), [(900, 0), (200, 1), (560, 5)])
def test_experiment__counts(tmp_path, treatment, code):
    table = TABLE.format(units=6000, control=600, treatment=treatment)
    ended = mlci("experiment", "--json", cwd=counts(tmp_path, table))
    assert ended.code == code, ended.err
    assert ended.report["metrics"][0]["change"]["treatment"] == treatment / 6000


def test_experiment__few_events_are_judged_exactly(tmp_path):
    table = TABLE.format(units=400, control=2, treatment=60)
    document = mlci("experiment", "--json", cwd=counts(tmp_path, table)).report
    assert document["metrics"][0]["outcome"] == "passed"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("control,bought,6000,600", "control,bought,600,6000", "row 1: 6,000 events of 600 units"),
        ("treatment,ms,6000,,101,400", "treatment,ms,6000,,101,-4", "a variance cannot be negative"),
        ("treatment,ms,6000,,101,400", "treatment,ms,6000,,,400", "row 4: `mean` is empty"),
        (
            "control,bought,6000,600,,",
            "control,bought,6000,,10,9",
            "row 1: `mean` is 10, and a rate is between 0 and 1",
        ),
        ("treatment,ms,6000", "treatmnt,ms,6000", "row 4: arm is 'treatmnt'"),
        ("treatment,ms", "treatment,msec", "has no row of `ms` in arm 'treatment'"),
        ("treatment,ms,6000,,101,400", "control,ms,6000,,100,400", "row 4: repeats row 3"),
        (
            "treatment,ms,6000,,101,400,2026-11-01",
            "control,ms,6000,,100,400,2026-11-01T01:00:00+01:00",
            "row 4: repeats row 3",
        ),
        ("metric,units", "metrik,units", "has no column `metric`"),
        ("101,400,2026-11-01", "101,400,noon", "`time` is 'noon', which is not a date"),
    ],
)
def test_experiment__bad_counts(tmp_path, old, new, message):
    table = TABLE.format(units=6000, control=600, treatment=900).replace(old, new)
    ended = mlci("experiment", cwd=counts(tmp_path, table))
    assert ended.code == 2
    assert message in ended.err


def test_experiment__group_with_more_units_than_the_whole_set(tmp_path):
    lines = TABLE.format(units=6000, control=600, treatment=900).splitlines()
    slices = [",region,north" if line.startswith("control,ms,") else ",," for line in lines]
    table = "\n".join(line + end for line, end in zip(lines, [",slice,group", *slices[1:]], strict=True))
    whole = "control,ms,5999,,100,400,2026-11-01,,"
    ended = mlci("experiment", cwd=counts(tmp_path, f"{table}\n{whole}\n"))
    assert ended.code == 2
    assert "has 6,000 units of 'ms' in arm 'control' for region=north, and 5,999 in the whole set" in ended.err


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory):
    """A project with two versions, the second of another model, and a third one that is evaluated only."""
    folder = tmp_path_factory.mktemp("experiment")
    for k, note in ((2, "first"), (1, "second"), (0, None)):
        write(folder, {**scored(k), "counts.csv": TABLE.format(units=6000, control=600, treatment=900)})
        assert mlci("run", "--record", cwd=folder).code == 0
        if note:
            assert mlci("promote", "--note", note, cwd=folder).code == 0
    return folder


def scored(k):
    """A project with the predictions of a model that is wrong on k rows of ten."""
    return {**small_files(baseline="production"), "new.csv": predictions(k)}


@pytest.fixture
def evaluated(two_versions, tmp_path):
    return shutil.copytree(two_versions, tmp_path / "project")


def apply(folder, *, treatment, version=None):
    """Append the section, and run `mlci experiment --apply`; return exit code, what was done, and the version."""
    base = (folder / "mlci.yml").read_text().split("experiment:")[0]
    (folder / "mlci.yml").write_text(base + COUNTS + (f"  version: {version}\n" if version else ""))
    (folder / "counts.csv").write_text(TABLE.format(units=6000, control=600, treatment=treatment))
    ended = mlci("experiment", "--apply", "--json", cwd=folder)
    done = ended.report["applied"]
    return ended.code, done["action"], done["version"]


def test_apply__promotes_the_bundle_once(evaluated):
    assert apply(evaluated, treatment=900) == (0, "promoted", 3)
    assert apply(evaluated, treatment=900) == (0, "nothing", 3)
    assert "experiment: bought and ms are within the limit" in mlci("ledger", "log", "--json", cwd=evaluated).out


def test_apply__rolls_the_treatment_back_once(evaluated):
    assert apply(evaluated, treatment=200, version=2) == (1, "rolled back", 1)
    assert apply(evaluated, treatment=200, version=2) == (1, "nothing", 1)
    assert "experiment: bought is beyond the limit" in mlci("ledger", "log", "--json", cwd=evaluated).out


def test_apply__undecided_changes_nothing(evaluated):
    assert apply(evaluated, treatment=560, version=2) == (5, "nothing", None)
    assert apply(evaluated, treatment=200) == (1, "nothing", 2)
    assert apply(evaluated, treatment=900, version=2) == (0, "nothing", 2)
    assert apply(evaluated, treatment=900, version=1) == (0, "nothing", 2)


def test_apply__refused_promotion(evaluated):
    write(evaluated, scored(4))
    assert mlci("run", cwd=evaluated).code == 1
    assert apply(evaluated, treatment=900) == (1, "refused", 2)
