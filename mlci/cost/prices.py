"""Price table of GitHub's runners: USD per minute, by the billing SKU.

Source: GitHub's documentation, "Actions runner pricing" (billing/reference/actions-runner-pricing), with the prices
that hold from :data:`PRICES_FROM`. GitHub rounds the minutes of each job up to a whole minute. Standard runners are
free for public repositories; larger runners never are. Self-hosted runners cost what their owner pays, which no table
has.
"""

PRICES_FROM = "2026-01-01"
"""Day from which the prices hold."""

LINUX = {2: 0.006, 4: 0.012, 8: 0.022, 16: 0.042, 32: 0.082, 64: 0.162, 96: 0.252}
LINUX_ARM = {2: 0.005, 4: 0.008, 8: 0.014, 16: 0.026, 32: 0.050, 64: 0.098}
WINDOWS = {4: 0.022, 8: 0.042, 16: 0.082, 32: 0.162, 64: 0.322, 96: 0.552}
WINDOWS_ARM = {2: 0.008, 4: 0.014, 8: 0.026, 16: 0.050, 32: 0.098, 64: 0.194}

PRICES: dict[str, float] = {
    "linux_slim": 0.002,
    "linux": 0.006,
    "windows": 0.010,
    "macos": 0.062,
    "linux_2_core_advanced": LINUX[2],
    **{f"linux_{cores}_core": price for cores, price in LINUX.items() if cores > 2},
    **{f"linux_{cores}_core_arm": price for cores, price in LINUX_ARM.items()},
    **{f"windows_{cores}_core": price for cores, price in WINDOWS.items()},
    **{f"windows_{cores}_core_arm": price for cores, price in WINDOWS_ARM.items()},
    "macos_l": 0.077,
    "macos_xl": 0.102,
    "linux_4_core_gpu": 0.052,
    "windows_4_core_gpu": 0.102,
}
"""USD per minute by billing SKU."""
