"""Evaluation in shards: what each job does, and what may not be split."""
