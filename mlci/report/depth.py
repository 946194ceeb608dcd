"""How deep brackets nest in JSON that nobody trusts, told in one pass before any parser sees it."""

import re

_STRING = re.compile(r'"[^"]*"?')
_BRACKET = re.compile(r"[\[\]{}]")


def nests_deeper(text: str, most: int) -> bool:
    """Say whether brackets outside of strings are nested more than ``most`` deep.

    Escapes are taken away first, so that a string is whatever lies between two quotes, ended or not: one pass, no
    backtracking, and no memory beyond copies of the text.
    """
    depth = 0
    for match in _BRACKET.finditer(_STRING.sub("", text.replace("\\\\", "").replace('\\"', ""))):
        depth += 1 if match[0] in "[{" else -1
        if depth > most:
            return True
    return False
