"""Cost of runs in the report and in the registry."""
