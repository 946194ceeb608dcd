"""Where a baseline comes from when it has to be made: a git reference in a worktree of its own, cached."""
