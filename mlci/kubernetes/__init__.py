"""Adapter of a Kubernetes cluster; the only place that talks to its API server."""
