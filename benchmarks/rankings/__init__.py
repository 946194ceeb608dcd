"""Intervals of ranking metrics over queries, by simulation."""
