"""Columns as integer codes: slices, classes and their combinations."""
