"""``python -m tests.attacks.threats_page``: write docs/explanation/threats.md from the attacks and the mitigations."""

from pathlib import Path

from tests.attacks.families import ATTACKS, FAMILIES
from tests.attacks.mitigations import MITIGATIONS

PAGE = Path(__file__).parents[2] / "docs/explanation/threats.md"
_INTRODUCTION = """\
# Threats

Every attack that the tests carry out, the mitigation that stops it, and the place in the code where it is.
[Trust](trust.md) says who is trusted with what, and why; [bounds](../reference/bounds.md) lists the limits.

<!-- Written by `make docs` from tests/attacks; change that. -->

{attacks} attacks in {families} families are played against {mitigations} mitigations. After each of them, five
invariants hold:

1. Nothing outside of the work folder was written.
2. No secret is in any output: standard output and error, files, published texts, the ledger.
3. GitHub's runner finds no command in the output, by its own two parsers.
4. Time and memory were bounded.
5. No report, output, check or status is a pass.

`tests/attacks/test_attacks.py` plays them. `tests/attacks/test_mitigations.py` removes one mitigation at a time, and at
least one of its attacks succeeds then. To play
one attack: `python -m pytest tests/attacks -k "zip-slip"`.

What is out of reach is named in the [security policy](../../SECURITY.md#what-is-not-promised).
"""


def page() -> str:
    """Return the page."""
    counts = {"attacks": len(ATTACKS), "families": len(FAMILIES), "mitigations": len(MITIGATIONS)}
    return "\n".join([_INTRODUCTION.format(**counts), *map(_family, FAMILIES)])


def _family(name: str) -> str:
    attacks = FAMILIES[name]
    rows = ["| mitigation | attacks | in |", "|---|---|---|"]
    for key in dict.fromkeys(one.mitigation for one in attacks):
        played = "; ".join(_cell(one.name) for one in attacks if one.mitigation == key)
        rows.append(f"| {_cell(MITIGATIONS[key].does)} | {played} | `{MITIGATIONS[key].where}` |")
    return "\n".join([f"## {name[0].upper()}{name[1:]}\n", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
