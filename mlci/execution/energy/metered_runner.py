"""Runner that reads the machine's energy while a step runs."""

from dataclasses import replace
from typing import Protocol

from mlci.cost.energy import Energy, sum_energy
from mlci.execution.interface import Runner, Step, StepResult


class EnergyMeter(Protocol):
    """Port that reads energy. It never raises: a meter that fails returns the reason, and the step goes on."""

    def begin(self) -> None:
        """Begin a reading."""
        ...

    def end(self) -> Energy:
        """End the reading and return it."""
        ...


class MeteredRunner:
    """Implements :class:`mlci.execution.interface.Runner`: runs steps by another runner, with their energy."""

    def __init__(self, runner: Runner, meter: EnergyMeter) -> None:
        """Run by ``runner``, and read by ``meter``."""
        self._runner, self._meter = runner, meter
        self._readings: list[Energy] = []

    def run(self, step: Step) -> StepResult:
        """Run the step to its end; the energy of one that fails counts in :meth:`total`, too.

        Raises:
            StepError: if the other runner raises it.
        """
        self._meter.begin()
        try:
            ran = self._runner.run(step)
        finally:
            self._readings.append(self._meter.end())
        return replace(ran, energy=self._readings[-1])

    def total(self) -> Energy | None:
        """Return the energy of all steps so far; ``None`` if none ran."""
        return sum_energy(self._readings)
