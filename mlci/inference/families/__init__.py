"""Evidence for each family of metrics."""
