"""The report: one frozen document, and every text that is rendered from it."""
