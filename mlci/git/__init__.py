"""Git: commits, references, worktrees, and baselines made from them."""
