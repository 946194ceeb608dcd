"""``report.html``: a self-contained page that is rendered from ``report.json``."""
