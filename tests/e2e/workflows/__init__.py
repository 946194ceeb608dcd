"""Whole workflows, run by act in host mode against the fake of GitHub."""
