"""Masks for credentials in texts of models: the forms that providers give to tokens and keys."""

import re

_FORMS = re.compile(
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\bhf_[A-Za-z0-9]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"
    r"|(?<=://)[^/\s:@]{1,100}:[^/\s@]{1,200}(?=@)"
    r"|(?i:(?<=bearer ))[A-Za-z0-9._~+/-]{16,}"
)
MASK = "[masked]"


def mask_secrets(text: str) -> str:
    """Return a text without what has the form of a token or key, or of a password in an address."""
    return _FORMS.sub(MASK, text)
