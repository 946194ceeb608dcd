"""Prices of runners: GitHub's standard and larger ones, self-hosted ones, none, and what is never a number."""

import itertools

import pytest

from mlci.cost.prices import PRICES
from mlci.cost.runner import KnownRate, RunnerFacts, UnknownRate, find_rate


def runner(cores=2, **changes):
    facts = {"environment": "github-hosted", "name": "GitHub Actions 12", "system": "Linux", "architecture": "X64"}
    return RunnerFacts(**{**facts, "cores": cores, "private": True, **changes})


LARGER = {"name": "ubuntu-20.04-16core-64gb_e5be460c9b40"}


@pytest.mark.parametrize(
    ("facts", "sku", "price"),
    [
        (runner(1), "linux_slim", 0.002),
        (runner(2), "linux", 0.006),
        (runner(2, architecture="ARM64"), "linux_2_core_arm", 0.005),
        (runner(2, system="Windows"), "windows", 0.010),
        (runner(3, system="macOS", architecture="ARM64"), "macos", 0.062),
        (runner(2, **LARGER), "linux_2_core_advanced", 0.006),
        (runner(16, **LARGER), "linux_16_core", 0.042),
        (runner(64, **LARGER, architecture="ARM64"), "linux_64_core_arm", 0.098),
        (runner(4, **LARGER, gpu=True), "linux_4_core_gpu", 0.052),
        (runner(8, **LARGER, private=False), "linux_8_core", 0.022),  # not free in public either
        (runner(8, **LARGER, private=None), "linux_8_core", 0.022),
        (runner(12, **LARGER, system="macOS"), "macos_l", 0.077),
        (runner(32, **LARGER, system="Windows"), "windows_32_core", 0.162),
    ],
)
def test_find_rate__table(facts, sku, price):
    found = find_rate(facts, {})
    assert found == KnownRate(runner=sku, usd_per_minute=price, source="GitHub's prices from 2026-01-01")


@pytest.mark.parametrize("cores", [1, 2, 4, 7])
def test_find_rate__standard_runner_of_a_public_repository(cores):
    found = find_rate(runner(cores, private=False), {})
    assert isinstance(found, KnownRate)
    assert (found.usd_per_minute, found.source) == (0.0, "standard runners are free for public repositories")


@pytest.mark.parametrize(
    ("facts", "kind", "says", "line"),
    [
        (None, "local", "not a job of GitHub Actions", "{local: 0.05}"),
        (runner(environment="self-hosted", name="gpu-box-1"), "self-hosted", "`gpu-box-1`", "{self-hosted: 0.05}"),
        (runner(environment=""), "unknown", "RUNNER_ENVIRONMENT", '{"*": 0.05}'),
        (runner(environment="", name=""), "unknown", "RUNNER_ENVIRONMENT", '{"*": 0.05}'),
        (runner(private=None), "linux", "if the repository is private", "{linux: 0.05}"),
        (runner(4), "linux_4_core_standard", "no standard Linux runner with 4 cores (X64)", ""),
        (runner(6, **LARGER), "linux_6_core", "no larger Linux runner with 6 cores", "{linux_6_core: 0.05}"),
        (runner(8, **LARGER, gpu=True), "linux_8_core_gpu", "no larger Linux runner with 8 cores", ""),
        (runner(4, **LARGER, system="Plan9"), "unknown", "no larger Plan9 runner", ""),
    ],
)
def test_find_rate__unknown_with_reason_and_line(facts, kind, says, line):
    found = find_rate(facts, {})
    assert isinstance(found, UnknownRate)
    assert found.runner == kind
    assert says in found.reason
    assert "`cost: {runners: {" in found.reason
    assert line in found.reason


@pytest.mark.parametrize(
    ("facts", "key", "price"),
    [
        (runner(environment="self-hosted", name="gpu-box-1"), "self-hosted", 0.09),
        (runner(environment="self-hosted", name="gpu-box-1"), "gpu-*", 1.1),
        (runner(2), "linux", 0.001),
        (runner(6, **LARGER), "ubuntu-*", 0.03),
        (None, "local", 0.0),
        (None, "*", 0.2),
    ],
)
def test_find_rate__configured(facts, key, price):
    found = find_rate(facts, {"no-such": 9.0, key: price, "?*": 8.0})
    assert isinstance(found, KnownRate)
    assert found.usd_per_minute == price
    assert key in found.source


def test_find_rate__never_free_without_a_reason():
    axes = {
        "environment": ("github-hosted", "self-hosted", "", "other"),
        "name": ("GitHub Actions 1", "Hosted Agent", "my runner", "", "GitHub Actions x"),
        "system": ("Linux", "Windows", "macOS", "", "BSD"),
        "architecture": ("X64", "ARM64", "ARM", ""),
        "cores": (0, 1, 2, 4, 5, 96, 1000),
        "gpu": (False, True),
        "private": (True, False, None),
    }
    for values in itertools.product(*axes.values()):
        facts = RunnerFacts(**dict(zip(axes, values, strict=True)))
        found = find_rate(facts, {})
        if isinstance(found, UnknownRate):
            assert found.reason
        elif facts.is_standard and facts.private is False:
            assert found.usd_per_minute == 0
        else:
            assert facts.environment == "github-hosted"
            assert found.usd_per_minute == PRICES[found.runner] > 0
