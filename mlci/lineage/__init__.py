"""Provenance of two models, and the differences between them. Pure."""
