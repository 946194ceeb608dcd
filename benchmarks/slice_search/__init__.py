"""Error rate, power and cost of the search for the worst slices."""
