"""The report: one frozen document, and the texts rendered from it."""
