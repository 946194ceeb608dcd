"""Repositories with several models: which of them a change can affect, and what their jobs found."""
