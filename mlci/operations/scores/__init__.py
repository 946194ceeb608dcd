"""Runs on evaluation logs: items of both models are paired, compared and judged."""
