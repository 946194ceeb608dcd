"""Content of checks, statuses and comments, decided without requests. Pure."""
