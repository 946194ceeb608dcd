"""Lineage of a comparison: what changed since the baseline, and how metrics developed."""
