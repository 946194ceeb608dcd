"""The bundle: the files that a run writes for a promotion."""
