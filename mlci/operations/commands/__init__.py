"""Commands of a pull request's comments, and `mlci waive`."""
