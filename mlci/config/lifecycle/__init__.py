"""Sections of ``mlci.yml`` for a model in production, a file each."""
