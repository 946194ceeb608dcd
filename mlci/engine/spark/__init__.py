"""Spark engine: statistics computed where the rows are; only sums of them come back."""
