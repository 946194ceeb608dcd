"""Energy of steps: CodeCarbon itself, its faults, sums, and readings that never become 0."""

import sys
from types import SimpleNamespace

import pytest

from mlci.cost.energy import KnownEnergy, UnknownEnergy, sum_energy
from mlci.errors import StepError
from mlci.execution.energy import codecarbon_meter
from mlci.execution.energy.codecarbon_meter import CodeCarbonMeter
from mlci.execution.energy.metered_runner import MeteredRunner
from mlci.execution.interface import Step, StepResult
from tests.support.meters import FixedMeter

STEP = Step(name="train", command="true", cwd=None)


def known(kwh, grams=None, method="measured (intel_rapl)"):
    return KnownEnergy(kwh=kwh, grams_co2=grams, method=method)


def test_codecarbon_meter__offline():
    """With CodeCarbon's own numbers: Germany's intensity by its table, and none for a country that it has not."""
    meters = [CodeCarbonMeter(), CodeCarbonMeter(country="DEU"), CodeCarbonMeter(country="XXX")]
    readings = []
    for meter in (*meters, CodeCarbonMeter(grams_per_kwh=250.0)):
        meter.begin()
        sum(range(200_000))
        readings.append(meter.end())
    assert all(isinstance(one, KnownEnergy) and 0 < one.kwh < 0.001 for one in readings), readings
    nowhere, germany, unknown, configured = readings
    assert (nowhere.grams_co2, unknown.grams_co2) == (None, None)
    assert 100 < germany.grams_co2 / germany.kwh < 700
    assert configured.grams_co2 == pytest.approx(250.0 * configured.kwh)
    assert nowhere.method.startswith(("measured (", "estimated ("))


def test_codecarbon_meter__not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    meter = CodeCarbonMeter()
    meter.begin()
    found = meter.end()
    assert isinstance(found, UnknownEnergy)
    assert "pip install 'mlci[energy]'" in found.reason


def data(**changes):
    fields = {"energy_consumed": 0.5, "cpu_energy": 0.4, "emissions": 0.1, "country_name": "Germany"}
    return SimpleNamespace(**{**fields, **changes})


def tracker(reading, *, start=None, modes=("cpu_load",)):
    """Return what CodeCarbon's tracker would be: it leaves a reading, or raises at its start."""

    def started():
        if start is not None:
            raise start

    hardware = [SimpleNamespace(_mode=mode) for mode in modes]
    return SimpleNamespace(start=started, stop=lambda: None, final_emissions_data=reading, _hardware=hardware)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (tracker(data(cpu_energy=0.0)), "could not read the power of this machine's processor"),
        (tracker(data(energy_consumed=float("nan"))), "could not read the power"),
        (tracker(None), "left no result"),
        (tracker(data(cpu_energy="?")), "CodeCarbon failed (ValueError"),
        (tracker(data(), start=PermissionError("no counters")), "did not start (PermissionError: no counters)"),
    ],
)
def test_codecarbon_meter__without_a_reading(monkeypatch, made, reason):
    monkeypatch.setattr(codecarbon_meter, "_make_tracker", lambda _country: made)
    meter = CodeCarbonMeter()
    meter.begin()
    found = meter.end()
    assert isinstance(found, UnknownEnergy)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("modes", "method"),
    [(["intel_rapl"], "measured (intel_rapl)"), (["constant"], "estimated (constant)"), ([None], "estimated")],
)
def test_codecarbon_meter__method(monkeypatch, modes, method):
    monkeypatch.setattr(codecarbon_meter, "_make_tracker", lambda _country: tracker(data(), modes=modes))
    meter = CodeCarbonMeter(country="DEU")
    meter.begin()
    assert meter.end() == known(0.5, 100.0, method)


def test_sum_energy__unknown_never_counts_as_nothing():
    assert sum_energy([None, known(1.0, 5.0), known(2.0, 6.0, "estimated")]) == known(
        3.0, 11.0, "measured (intel_rapl), estimated"
    )
    assert sum_energy([known(1.0, 5.0), known(2.0)]) == known(3.0)
    assert sum_energy([known(1.0), UnknownEnergy(reason="no counters")]) == UnknownEnergy(reason="no counters")
    assert sum_energy([None]) is sum_energy([]) is None


class Steps:
    """Runs steps of which the second fails."""

    def __init__(self):
        self.ran = 0

    def run(self, step):
        self.ran += 1
        if self.ran == 2:
            raise StepError(f"{step.name} failed")
        return StepResult(status=0, seconds=1.0)


def test_metered_runner__a_failed_step_counts():
    runner = MeteredRunner(Steps(), FixedMeter(known(0.25)))
    assert runner.total() is None
    assert runner.run(STEP).energy == known(0.25)
    with pytest.raises(StepError):
        runner.run(STEP)
    assert runner.total() == known(0.5)
