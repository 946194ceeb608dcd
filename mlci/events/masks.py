"""Masks: values of secret variables are replaced in every event, on the terminal as well as at a collector."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

MASK = "***"
_SECRET = re.compile(
    r".*(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|LABEL_?KEY|OTLP(_[A-Z]+)?_HEADERS)",
    re.IGNORECASE,
)
_SHORTEST = 8  # characters; a shorter value appears by chance


def mask_values(environment: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that replaces the values of variables whose name tells that they are secret."""
    values = {part for name, value in environment.items() if _SECRET.fullmatch(name) for part in _parts(name, value)}
    longest_first = sorted(values, key=lambda value: (-len(value), value))

    def mask(text: str) -> str:
        for value in longest_first:
            if value in text:
                text = text.replace(value, MASK)
        return text

    return mask


def _parts(name: str, value: str) -> set[str]:
    """Return the texts to mask: each line of a key, and of ``name=value`` pairs of headers each value, also decoded."""
    parts = {value, *value.splitlines()}
    if name.upper().endswith("_HEADERS"):
        secrets = [pair.partition("=")[2] for pair in value.split(",")]
        words = [word for secret in secrets for word in (secret, unquote(secret), *unquote(secret).split())]
        parts = {value, *words}
    return {part.strip() for part in parts if len(part.strip()) >= _SHORTEST}
