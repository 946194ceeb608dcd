"""Comparison of two models in Python: `mlci.compare` and its result."""
