"""Energy of steps: a reading, or the reason why there is none, and their sum. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

ENERGY = "energy_kwh"
"""Name of the metric."""
MILLIWATT_HOURS = 1_000_000
"""Milliwatt-hours of a kilowatt-hour, in which the registry records energy, so that sums are exact."""


@dataclass(frozen=True, kw_only=True)
class KnownEnergy:
    """Energy of the machine while steps ran.

    Attributes:
        kwh: Kilowatt-hours.
        grams_co2: Emissions in grams of CO₂ equivalents; ``None`` without a country or an intensity.
        method: How power was read: ``measured (intel_rapl)``, ``estimated (cpu_load)``.
    """

    kwh: float
    grams_co2: float | None = None
    method: str


@dataclass(frozen=True, kw_only=True)
class UnknownEnergy:
    """Energy that could not be read, and why."""

    reason: str


Energy = KnownEnergy | UnknownEnergy


def sum_energy(parts: Iterable[Energy | None]) -> Energy | None:
    """Return the energy of several steps; unknown if one of them is, ``None`` if none was to be read."""
    asked = [one for one in parts if one is not None]
    known = [one for one in asked if isinstance(one, KnownEnergy)]
    unknown = [one for one in asked if isinstance(one, UnknownEnergy)]
    if unknown:
        return unknown[0]
    if not known:
        return None
    grams = [one.grams_co2 for one in known]
    return KnownEnergy(
        kwh=sum(one.kwh for one in known),
        grams_co2=None if None in grams else sum(one for one in grams if one is not None),
        method=", ".join(dict.fromkeys(one.method for one in known)),
    )
