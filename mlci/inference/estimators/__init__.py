"""Estimators: the value of each kind of metric, with its error, for both models and their change."""
