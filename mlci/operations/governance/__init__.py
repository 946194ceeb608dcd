"""Collect the evidence of a version, write its documents, verify them, and require an approval."""
