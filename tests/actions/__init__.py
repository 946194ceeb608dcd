"""Checks on actions, workflows, templates and documents' samples; `python -m tests.actions` runs them."""
