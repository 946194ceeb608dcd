"""Lineage of a comparison: changes since the baseline, and the trend of metrics."""
