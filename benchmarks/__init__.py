"""Benchmarks: what mlci's decisions are worth, and what they cost. ``python -m benchmarks`` runs them all."""
