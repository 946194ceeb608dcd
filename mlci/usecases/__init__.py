"""Use cases: lists of calls that join the pure core with the adapters that they are handed."""
