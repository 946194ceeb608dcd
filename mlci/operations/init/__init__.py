"""`mlci init`: look at a repository, and propose its configuration, workflow and additions to its scripts."""
