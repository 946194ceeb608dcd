"""API servers of Kubernetes: a real one as processes, and a stand-in."""
