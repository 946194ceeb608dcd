"""Simulated tables whose rows belong together: coverage of the intervals by cluster, and of those without."""
