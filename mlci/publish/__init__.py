"""Content of checks, statuses and comments, chosen without requests. Pure."""
