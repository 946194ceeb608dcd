"""Experiments: logs and tables of counts, reduced to moments of each arm."""
