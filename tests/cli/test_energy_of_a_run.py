"""Energy through the command line: gate, report, registry and `mlci costs`, with and without a reading."""

import json

import pytest

from mlci.cost.energy import KnownEnergy, UnknownEnergy
from mlci.execution.energy import codecarbon_meter
from tests.support.meters import FixedMeter
from tests.support.project import config, files, mlci, run, write

GATES = "  - {metric: accuracy, min: 0.5}\n  - {metric: energy_kwh, max: 0.6}\n"
COST = "cost: {runners: {local: 0.09}, energy: true}\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project whose steps each have this energy."""

    def make(energy, more=GATES + COST):
        monkeypatch.setattr(codecarbon_meter, "CodeCarbonMeter", lambda **_: FixedMeter(energy))
        return write(tmp_path, {**files(2), "mlci.yml": config(baseline="none", more=more)})

    return make


def gate(ended):
    (found,) = [one for one in ended.report["gates"] if one["metric"] == "energy_kwh"]
    return found["outcome"], found["candidate"], found["reason"]


def test_run__energy_of_both_steps(project):
    folder = project(KnownEnergy(kwh=0.25, grams_co2=95.0, method="estimated (cpu_load)"))
    ended = run(folder, "--record")
    assert (ended.code, gate(ended)[:2]) == (0, ("passed", 0.5)), ended.err
    assert ended.report["cost"]["energy"] == {
        "kwh": 0.5,
        "grams_co2": 190.0,
        "method": "estimated (cpu_load)",
        "reason": None,
    }
    text = (folder / ".mlci/out/comment.md").read_text()
    assert "; energy 0.50 kWh." in text
    assert "Energy of this run's steps: 0.50 kWh, 190.0 g of CO₂ equivalents, estimated (cpu_load)" in text
    project(UnknownEnergy(reason="no counters"), more="  - {metric: accuracy, min: 0.5}\n" + COST)
    assert run(folder, "--record").code == 0
    (model,) = json.loads(mlci("costs", "--json", cwd=folder).out)["models"]
    assert {name: model["months"][0][name] for name in ("runs", "metered", "kwh")} == {
        "runs": 2,
        "metered": 1,
        "kwh": 0.5,
    }
    shown = mlci("costs", cwd=folder).out
    assert "0.50 kWh" in shown
    assert "1 run without a known energy: not in the sums" in shown


def test_run__unknown_energy_is_a_gate_in_error(project):
    folder = project(UnknownEnergy(reason="no counters"))
    ended = run(folder)
    assert (ended.code, gate(ended)) == (1, ("error", None, "no counters"))
    assert ended.report["cost"]["energy"]["kwh"] is None
    text = (folder / ".mlci/out/comment.md").read_text()
    assert "Energy of this run's steps: unknown. Reason: no counters." in text


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (GATES, "`energy_kwh` needs `cost: {energy: true}`"),
        (GATES + "cost: {country: DEU}\n", "has `country` without `energy: true`"),
        (GATES + "cost: {energy: true, country: DEU, g_co2_per_kwh: 3}\n", "has both `country` and `g_co2_per_kwh`"),
        (GATES + "cost: {energy: true, country: Germany}\n", "country"),
    ],
)
def test_run__energy_wrong_configuration(project, more, problem):
    ended = mlci("run", cwd=project(UnknownEnergy(reason="unused"), more=more))
    assert (ended.code, problem in ended.err) == (2, True), ended.err
