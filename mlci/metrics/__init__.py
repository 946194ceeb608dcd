"""Metrics: sufficient statistics of a scope, and the catalogue of metrics computed from them."""
