"""Wiring and steps of the trusted side of sealed mode."""
