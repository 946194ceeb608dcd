"""Registries in known states, their servers, and the contract of every store."""
