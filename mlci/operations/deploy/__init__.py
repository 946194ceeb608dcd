"""Delivery of a version: render its manifest, copy its files, apply, compare, roll back."""
