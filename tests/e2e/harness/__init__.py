"""Runs composite actions: GitHub's own parser and evaluator decide, real bash, Python and Node do the work."""
