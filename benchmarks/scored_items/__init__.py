"""Simulated evaluation runs: wrong verdicts on few items, and coverage of means over clusters."""
