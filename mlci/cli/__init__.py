"""Command line of mlci."""
