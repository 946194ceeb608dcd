"""``mlci demo --lifecycle`` after the merge."""
