"""A version in production as a Kubernetes manifest: rendered, validated, compared. Pure."""
