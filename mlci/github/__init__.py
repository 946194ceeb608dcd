"""GitHub's REST API behind a port."""
