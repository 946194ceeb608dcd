"""Metrics of rankings: their names, and their values by query."""
