"""`mlci costs`, recorded runs, and the budget in the report, through the command line."""

import json

import pytest

from mlci.cli import wiring
from mlci.cli.commands.lifecycle import costs
from mlci.errors import OutsideError
from mlci.operations.cost import records
from mlci.operations.holdout import holdout_uses
from tests.support.project import config, files, mlci, run, write
from tests.support.registry.lifecycle import bodies, promote

GATE = "  - {metric: accuracy, min: 0.5}\n"
LOCAL = "cost: {runners: {local: 0.09}, budget_usd_per_month: 0.25, over: OVER}\n"

UNMETERED = {"kwh": None, "metered": 0}


def project(folder, more):
    return write(folder, {**files(2), "mlci.yml": config(baseline="production", more=GATE + more)})


@pytest.fixture
def day(monkeypatch):
    """Return a function that sets today."""

    def set_today(value):
        monkeypatch.setattr(wiring, "today", lambda: value)
        monkeypatch.setattr(costs, "today", lambda: value)

    set_today("2026-11-30")
    return set_today


def gates(ended):
    return {one["id"]: one["outcome"] for one in ended.report["gates"]}


def listed(folder, *more):
    (model,) = json.loads(mlci("costs", "--json", *more, cwd=folder).out)["models"]
    return model


def test_costs__budget_that_blocks(tmp_path, day):
    folder = project(tmp_path, LOCAL.replace("OVER", "block").replace("0.09", "0.2"))
    first = run(folder, "--record")
    assert (first.code, gates(first)["cost_usd_per_month.max"]) == (0, "passed")
    text = (folder / ".mlci/out/comment.md").read_text()
    assert "Warning: In 2026-11: 0.20 USD with this run, 80 % of the budget of 0.25 USD (0 recorded runs)." in text
    second = run(folder)  # not recorded
    assert (second.code, gates(second)["cost_usd_per_month.max"]) == (1, "failed")
    text = (folder / ".mlci/out/comment.md").read_text()
    assert "Warning: In 2026-11: 0.40 USD with this run, 160 % of the budget of 0.25 USD (1 recorded run)." in text
    assert "Cost of the month is 0.40 USD" in text
    assert "wait for the next month, or have an owner raise the budget in `mlci.yml`, line" in text
    assert listed(folder)["months"] == [
        {"month": "2026-11", "runs": 1, "minutes": 1, "usd": 0.2, "unpriced": 0, "share_of_budget": 0.8} | UNMETERED
    ]
    day("2026-12-01")
    third = run(folder)
    assert (third.code, third.report["cost"]["month"]["month"]) == (0, "2026-12")
    assert third.report["cost"]["month"]["usd"] == 0.2


def test_costs__budget_that_warns(tmp_path, day):
    folder = project(tmp_path, LOCAL.replace("OVER", "warn").replace("0.25", "0.05"))
    ended = run(folder)
    assert (ended.code, "cost_usd_per_month.max" in gates(ended)) == (0, False)
    assert ended.report["cost"]["month"]["near"] is True
    shown = mlci("report", ".mlci/out/report.json", cwd=folder)
    assert "Warning: In 2026-11: 0.090 USD with this run, 180 % of the budget" in " ".join(shown.out.split())


def test_costs__unknown_price_blocks_where_the_budget_does(tmp_path, day):
    folder = project(tmp_path, LOCAL.replace("OVER", "block").replace("local", "self-hosted"))
    ended = run(folder, "--record")
    assert (ended.code, gates(ended)["cost_usd_per_month.max"]) == (1, "error")
    assert (
        listed(folder)["months"][0] | {"share_of_budget": 0}
        == {
            "month": "2026-11",
            "runs": 1,
            "minutes": 1,
            "usd": 0.0,
            "unpriced": 1,
            "share_of_budget": 0,
        }
        | UNMETERED
    )
    assert "1 run without a known price: not in the sums" in mlci("costs", cwd=folder).out
    log = mlci("ledger", "log", cwd=folder).out
    assert "counted a run in 2026-11: 1 minute on local for an unknown price" in log
    text = (folder / "mlci.yml").read_text()
    (folder / "mlci.yml").write_text(text.replace("self-hosted", "local"))
    priced = run(folder)  # the sum still lacks the first run
    found = next(one for one in priced.report["gates"] if one["id"] == "cost_usd_per_month.max")
    assert (priced.code, found["outcome"], found["candidate"]) == (1, "error", None)
    assert "sum of 2026-11 is not known, because the price of 1 of 1 recorded run is unknown" in found["reason"]
    assert "`cost: {runners: {'*': 0.05}}`" in found["reason"]
    comment = (folder / ".mlci/out/comment.md").read_text()
    assert "In 2026-11: at least 0.090 USD with this run, at least 36 % of the budget" in comment
    (folder / "mlci.yml").write_text(text.replace("self-hosted", "local").replace("0.25", "0.05"))
    assert gates(run(folder))["cost_usd_per_month.max"] == "failed"  # beyond it without that run
    day("2026-12-01")
    (folder / "mlci.yml").write_text(text.replace("self-hosted", "local"))
    assert gates(run(folder))["cost_usd_per_month.max"] == "passed"


def test_costs__record_of_a_report_once(tmp_path, day):
    folder = project(tmp_path, "cost: {runners: {local: 0.09}}\n")
    assert run(folder).code == 0
    assert "no costs are recorded" in mlci("costs", cwd=folder).out
    recorded = mlci("costs", "--record", ".mlci/out/report.json", cwd=folder)
    assert (recorded.code, recorded.err.strip()) == (0, "recorded as entry 1")
    again = mlci("costs", "--record", ".mlci/out/report.json", cwd=folder)
    assert (again.code, again.err.strip()) == (0, "recorded before")
    promoted = mlci("promote", "--record", cwd=folder)  # the same report once more
    assert promoted.code == 0, promoted.err
    assert listed(folder, "--month", "2026-11")["months"][0]["runs"] == 1
    assert listed(folder, "--month", "2026-10")["months"] == []
    assert mlci("ledger", "verify", cwd=folder).code == 0
    other = json.loads((folder / ".mlci/out/report.json").read_text()) | {"model": "other"}
    (folder / "other.json").write_text(json.dumps(other))
    refused = mlci("costs", "--record", "other.json", cwd=folder)
    assert (refused.code, "about the model other" in refused.err) == (2, True)


@pytest.mark.parametrize("claim", [{"usd": -5.0}, {"minutes": -1}, {"minutes": 10**6}, {"usd": 1e300}])
def test_costs__report_with_an_impossible_cost(tmp_path, day, claim):
    folder = project(tmp_path, "cost: {runners: {local: 0.09}}\n")
    assert run(folder).code == 0
    path = folder / ".mlci/out/report.json"
    report = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(report | {"cost": report["cost"] | claim}), "utf-8")
    refused = mlci("costs", "--record", path, cwd=folder)
    assert (refused.code, "the report's cost can't be that of a run" in refused.err) == (2, True), refused.err
    assert bodies(folder) == []


def test_costs__several_models(tmp_path, day):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        text = config(baseline="production", more=GATE + "cost: {runners: {local: 0.09}}\n")
        write(tmp_path / name, {**files(2), "mlci.yml": text.replace("model: planted", f"model: {name}")})
    assert run(tmp_path / "b", "--record").code == 0
    out = mlci("costs", "a/mlci.yml", "b/mlci.yml", cwd=tmp_path).out
    assert [line.split()[:3] for line in out.splitlines() if "2026-11" in line] == [["b", "2026-11", "1"]]
    models = json.loads(mlci("costs", "a/mlci.yml", "b/mlci.yml", "--json", cwd=tmp_path).out)["models"]
    assert [(one["model"], len(one["months"])) for one in models] == [("a", 0), ("b", 1)]


@pytest.mark.parametrize(("month", "code"), [("2026-13", 2), ("november", 2), ("2026-01", 0)])
def test_costs__month(tmp_path, month, code):
    assert mlci("costs", "--month", month, cwd=project(tmp_path, "")).code == code


def test_costs__budget_needs_production(tmp_path):
    text = config(baseline="none", more=GATE + LOCAL.replace("OVER", "warn"))
    ended = run(write(tmp_path, {**files(2), "mlci.yml": text}))
    assert ended.code == 2
    assert "compared with the registry's records; it needs `baseline: production`" in ended.err


def refuse(*_args, **_named):
    raise OutsideError("the registry did not answer")


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        ("", ["verdict", "promotion"]),
        ("  - {metric: cost_usd, max: 1}\ncost: {runners: {local: 0.09}}\n", ["verdict", "cost", "promotion"]),
    ],
)
def test_run_record__cost_if_asked(tmp_path, more, kinds):
    folder = project(tmp_path, more)
    assert run(folder, "--record").code == 0
    assert promote(folder, "--record").code == 0
    assert [body.kind for body in bodies(folder)] == kinds


def test_run_record__cost_not_written(tmp_path, monkeypatch):
    folder = project(tmp_path, "cost: {runners: {local: 0.09}}\n")
    with monkeypatch.context() as patch:
        patch.setattr(records, "record_cost", refuse)
        ended = run(folder, "--record")
    assert ended.code == 0
    assert "warning: the cost of this run was not recorded: the registry did not answer" in ended.err
    assert [body.kind for body in bodies(folder)] == ["verdict"]
    assert "`mlci costs --record .mlci/out/report.json` records it later" in ended.err
    assert mlci("costs", "--record", ".mlci/out/report.json", cwd=folder).code == 0
    assert [body.kind for body in bodies(folder)] == ["verdict", "cost"]


def test_promote_record__verdict_not_written(tmp_path, monkeypatch):
    folder = project(tmp_path, "")
    assert run(folder).code == 0
    with monkeypatch.context() as patch:
        patch.setattr(holdout_uses, "record_use", refuse)
        ended = promote(folder, "--record")
        assert (ended.code, ended.report["promoted"]) == (0, True)
        assert "the verdict was not recorded: the registry did not answer" in ended.report["notes"][-1]
        assert promote(folder, "--record").code == 4  # nothing but the record was asked for
    assert [body.kind for body in bodies(folder)] == ["promotion"]
    assert promote(folder, "--record").code == 0
    assert [body.kind for body in bodies(folder)] == ["promotion", "verdict"]
