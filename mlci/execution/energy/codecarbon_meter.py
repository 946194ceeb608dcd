"""Energy meter by CodeCarbon, offline: nothing is sent, and nothing is written to disk.

CodeCarbon reads the counters of the processor and of GPUs where it may, and estimates the power from the processor's
load and its model where it may not, as in most virtual machines. It reads the whole machine.
"""

import logging
import math
from dataclasses import dataclass, field
from typing import Any

from mlci.cost.energy import Energy, KnownEnergy, UnknownEnergy

_INTERVAL = 15
"""Seconds between two readings of a step that runs longer."""
_ANY_COUNTRY = "USA"
"""CodeCarbon needs a country; without a configured one its emissions are not used."""
_MEASURED = frozenset({"intel_rapl", "intel_power_gadget", "powermetrics"})
"""CodeCarbon's modes that read counters of the processor."""


@dataclass(kw_only=True)
class CodeCarbonMeter:
    """Implements :class:`mlci.execution.energy.metered_runner.EnergyMeter`.

    Attributes:
        country: ISO 3166 code of three letters, for emissions by CodeCarbon's table; ``None`` for no emissions.
        grams_per_kwh: Emissions of a kilowatt-hour; ``None`` for those of the country.
    """

    country: str | None = None
    grams_per_kwh: float | None = None
    _tracker: Any = field(default=None, init=False)
    _problem: str | None = field(default=None, init=False)

    def begin(self) -> None:
        """Begin a reading."""
        self._tracker = self._problem = None
        try:
            tracker = _make_tracker(self.country or _ANY_COUNTRY)
            tracker.start()
        except ImportError as error:
            self._problem = f"CodeCarbon can't be imported ({error}): pip install 'mlci[energy]'"
        except Exception as error:  # noqa: BLE001 - a meter that fails never fails a step
            self._problem = f"CodeCarbon did not start ({_describe(error)})"
        else:
            self._tracker = tracker

    def end(self) -> Energy:
        """End the reading and return it."""
        if self._tracker is None:
            return UnknownEnergy(reason=self._problem or "CodeCarbon did not start")
        try:
            self._tracker.stop()
            return self._reading(getattr(self._tracker, "final_emissions_data", None))
        except Exception as error:  # noqa: BLE001 - as above
            return UnknownEnergy(reason=f"CodeCarbon failed ({_describe(error)})")
        finally:
            self._tracker = None

    def _reading(self, data: Any) -> Energy:  # noqa: ANN401 - CodeCarbon's own type
        if data is None:
            return UnknownEnergy(reason="CodeCarbon left no result")
        kwh, of_processor = float(data.energy_consumed), float(data.cpu_energy)
        if not (math.isfinite(kwh) and of_processor > 0):
            return UnknownEnergy(reason="CodeCarbon could not read the power of this machine's processor")
        return KnownEnergy(kwh=kwh, grams_co2=self._emissions(kwh, data), method=_method(self._tracker))

    def _emissions(self, kwh: float, data: Any) -> float | None:  # noqa: ANN401 - as above
        """Return grams; CodeCarbon takes the world's average for a country that it does not know."""
        if self.grams_per_kwh is not None:
            return kwh * self.grams_per_kwh
        if self.country is None or not data.country_name:
            return None
        grams = float(data.emissions) * 1000
        return grams if math.isfinite(grams) else None


def _make_tracker(country: str) -> Any:  # noqa: ANN401 - as above
    from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415 (a second, and only with `cost: {energy: true}`)

    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
    return OfflineEmissionsTracker(
        country_iso_code=country,
        measure_power_secs=_INTERVAL,
        tracking_mode="machine",
        allow_multiple_runs=True,
        log_level="critical",
        output_methods=[],
    )


def _method(tracker: Any) -> str:  # noqa: ANN401 - as above
    """Return how the power of the processor was read."""
    modes = [str(mode) for one in getattr(tracker, "_hardware", ()) if (mode := getattr(one, "_mode", None))]
    if not modes:
        return "estimated"
    word = "measured" if set(modes) <= _MEASURED else "estimated"
    return f"{word} ({', '.join(dict.fromkeys(modes))})"


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
