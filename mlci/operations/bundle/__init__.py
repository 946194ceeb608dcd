"""The bundle: what a run leaves for a promotion."""
