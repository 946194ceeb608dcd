"""Joins of predictions with the evaluation set."""
