"""Prices of runners, the cost of a run and of a month, and budgets. Pure."""
