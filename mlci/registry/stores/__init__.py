"""Adapters of the registry's port."""
