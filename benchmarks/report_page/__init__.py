"""Benchmark of a large report: the size of its page, and its time beside a floor of the same run."""
