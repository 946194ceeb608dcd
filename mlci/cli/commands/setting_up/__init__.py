"""Commands that set mlci up in a repository, check the setup, and plan evaluations."""
