"""Workflows after the merge: delivery, monitoring, experiments, recovery, costs."""
