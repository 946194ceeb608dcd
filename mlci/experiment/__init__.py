"""Experiments: two arms in production, compared by intervals that hold at every look."""
