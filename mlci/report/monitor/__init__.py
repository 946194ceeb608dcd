"""Renderings of ``monitor.json``: terminal text, page, GitHub issue."""
