"""Checks of `mlci doctor`, one file for each area; each check is a pure function from facts to findings."""
