"""Formats of evaluation logs: one module for each tool, listed in :mod:`mlci.scores.formats.detect`."""
