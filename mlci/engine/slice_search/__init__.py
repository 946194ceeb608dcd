"""Search for the worst slices: columns by code, sums over their combinations, the choice of what to confirm."""
