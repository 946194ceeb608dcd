"""Checks of a setup: configuration, data, baseline, environment, workflow files, and the repository on GitHub."""
