"""Publishing of a report on GitHub."""
