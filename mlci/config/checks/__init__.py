"""Checks of a configuration against the metric catalogue, its slices and its sources."""
