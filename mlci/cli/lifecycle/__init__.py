"""Environment of commands for a model in production."""
