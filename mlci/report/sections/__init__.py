"""Sections of a report below its gates: findings first, then every number."""
