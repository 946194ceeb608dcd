"""Actions and whole workflows, run: `make e2e`."""
