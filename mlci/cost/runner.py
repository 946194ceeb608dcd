"""Price of a minute on the runner of a job: known with its source, or unknown with the reason and a remedy. Pure.

GitHub's runner does not name its price. A standard runner is recognized by its name ("GitHub Actions 12"); a larger one
has the name that its organization chose. Operating system, architecture, cores and a GPU then give the billing SKU.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mlci.cost.prices import PRICES, PRICES_FROM
from mlci.errors import yaml_value

LOCAL, SELF_HOSTED = "local", "self-hosted"
_STANDARD = re.compile(r"(GitHub Actions|Hosted Agent)( [0-9]{1,20})?")
_STANDARD_LINUX = {1: "linux_slim", 2: "linux"}
_LONGEST = 80
_UNKNOWN = "the price of a minute is unknown"


@dataclass(frozen=True, kw_only=True)
class RunnerFacts:
    """The runner of a job, as its environment describes it.

    Attributes:
        environment: ``RUNNER_ENVIRONMENT``: ``github-hosted`` or ``self-hosted``.
        name: ``RUNNER_NAME``.
        system: ``RUNNER_OS``: ``Linux``, ``Windows`` or ``macOS``.
        architecture: ``RUNNER_ARCH``: ``X64`` or ``ARM64``.
        cores: Number of processors.
        gpu: Whether it has a GPU.
        private: Whether the repository is private; ``None`` if the event does not say so.
    """

    environment: str
    name: str
    system: str
    architecture: str
    cores: int
    gpu: bool = False
    private: bool | None = None

    @property
    def is_standard(self) -> bool:
        """Whether it is a standard runner of GitHub."""
        return self.environment == "github-hosted" and _STANDARD.fullmatch(self.name) is not None


@dataclass(frozen=True, kw_only=True)
class KnownRate:
    """The price of a minute.

    Attributes:
        runner: Billing SKU, ``self-hosted`` or ``local``.
        usd_per_minute: The price; 0 only if the minutes are free.
        source: Where it comes from.
    """

    runner: str
    usd_per_minute: float
    source: str


@dataclass(frozen=True, kw_only=True)
class UnknownRate:
    """A minute without a known price.

    Attributes:
        runner: Billing SKU, ``self-hosted``, ``local`` or ``unknown``.
        reason: Why no price is known, with the line of ``mlci.yml`` that adds it.
    """

    runner: str
    reason: str


Rate = KnownRate | UnknownRate


def find_rate(facts: RunnerFacts | None, overrides: Mapping[str, float]) -> Rate:
    """Return the price of a minute.

    Args:
        facts: The runner; ``None`` outside of a workflow.
        overrides: USD per minute by billing SKU, ``self-hosted``, ``local``, or a pattern of runner names; the first
            that matches counts.
    """
    runner, reason = _classify(facts)
    names = {runner, facts.name} if facts is not None else {runner}
    for pattern, price in overrides.items():
        if any(fnmatchcase(name, pattern) for name in names):
            return KnownRate(
                runner=runner, usd_per_minute=price, source=f"cost.runners of the configuration: {pattern}"
            )
    if facts is not None and facts.is_standard and facts.private is False:
        return KnownRate(runner=runner, usd_per_minute=0.0, source="standard runners are free for public repositories")
    if reason is None:
        return KnownRate(runner=runner, usd_per_minute=PRICES[runner], source=f"GitHub's prices from {PRICES_FROM}")
    return UnknownRate(runner=runner, reason=f"{reason}; {_remedy(runner)}")


def _classify(facts: RunnerFacts | None) -> tuple[str, str | None]:
    """Return the SKU of a runner, or another word for it and why its price is unknown."""
    if facts is None:
        return LOCAL, f"{_UNKNOWN}, because this is not a job of GitHub Actions"
    if facts.environment == SELF_HOSTED:
        return SELF_HOSTED, f"{_UNKNOWN}, because the runner `{facts.name[:_LONGEST]}` is self-hosted"
    if facts.environment != "github-hosted":
        return "unknown", f"{_UNKNOWN}, because RUNNER_ENVIRONMENT names no kind of runner"
    sku, reason = (_standard_sku if facts.is_standard else _larger_sku)(facts), None
    if sku not in PRICES:
        kind = "standard" if facts.is_standard else "larger"
        about = f"{kind} {facts.system} runner with {facts.cores} cores ({facts.architecture})"
        reason = f"{_UNKNOWN}, because GitHub's table of {PRICES_FROM} has no {about}"
    elif facts.is_standard and facts.private is None:
        reason = f"{_UNKNOWN}, because the event does not say if the repository is private"
    return sku, reason


def _standard_sku(facts: RunnerFacts) -> str:
    arm = facts.architecture.upper().startswith("ARM")
    match facts.system, arm:
        case "Linux", False:
            return _STANDARD_LINUX.get(facts.cores, f"linux_{facts.cores}_core_standard")
        case "Windows", False:
            return "windows" if facts.cores == 2 else f"windows_{facts.cores}_core_standard"
        case "macOS", _:
            return "macos"
        case "Linux" | "Windows", _:
            return f"{facts.system.lower()}_{facts.cores}_core_arm"
    return "unknown"


def _larger_sku(facts: RunnerFacts) -> str:
    arm = facts.architecture.upper().startswith("ARM")
    if facts.system == "macOS":
        return "macos_xl" if arm else "macos_l"
    if facts.system == "Linux" and facts.cores == 2 and not (arm or facts.gpu):
        return "linux_2_core_advanced"
    if facts.system in {"Linux", "Windows"}:
        return f"{facts.system.lower()}_{facts.cores}_core{'_gpu' if facts.gpu else '_arm' if arm else ''}"
    return "unknown"


def _remedy(runner: str) -> str:
    """Return the line that adds a price for this kind of runner."""
    key = "*" if runner == "unknown" else runner
    return f"add your price in USD per minute: `cost: {{runners: {{{yaml_value(key)}: 0.05}}}}`"


NO_RATE: Rate = find_rate(None, {})
"""The price of a minute where nothing is known about the runner."""
