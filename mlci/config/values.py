"""Small values that a configuration is made of: limits, percentages, durations.

Interface (see the tests): ``Limit(value: float, relative: bool)`` from ``0.01`` or ``"10%"``; ``Duration`` (a number of
seconds) from ``"90s"``, ``"30m"``, ``"2h"`` or a bare number of seconds; ``Finite``, a float that is neither NaN nor infinite.
"""
