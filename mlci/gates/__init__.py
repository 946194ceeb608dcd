"""From estimates to outcomes, and from outcomes to the one verdict that a merge depends on."""
