"""Renderings of an experiment: terminal text and page."""
