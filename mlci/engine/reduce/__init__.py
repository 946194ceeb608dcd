"""Reductions of a frame to sufficient statistics."""
