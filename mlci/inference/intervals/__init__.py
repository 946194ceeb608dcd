"""Interval methods."""
