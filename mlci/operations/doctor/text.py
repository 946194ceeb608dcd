"""Findings as text for a terminal."""

from collections.abc import Iterable, Iterator

from mlci.execution.sanitize import sanitize
from mlci.operations.doctor.facts import RepositoryFacts
from mlci.operations.doctor.false_blocks import FalseBlocks, LimitBlocks
from mlci.operations.doctor.findings import SEVERITIES, Finding

_SIGNS = {"error": "✗", "warning": "!", "note": "·"}


def findings_text(
    findings: list[Finding],
    fixed: list[Finding],
    repository: RepositoryFacts | None,
    blocks: FalseBlocks | None = None,
) -> str:
    """Return the findings with their remedies, what was fixed, and a line that counts them."""
    parts = [*(_finding(one) for one in findings)]
    parts += [f"✓ fixed: {one.what}\n    {one.fix.path if one.fix else ''}" for one in fixed]
    if repository is not None:
        parts.append(_required(repository))
    if blocks is not None:
        parts.append(false_blocks_text(blocks))
    parts.append(count_findings(findings))
    return "\n".join(sanitize(line) for line in "\n\n".join(parts).split("\n"))


def count_findings(findings: Iterable[Finding]) -> str:
    """Return a line such as ``1 error, 2 warnings``."""
    found = [one.severity for one in findings]
    counts = [(found.count(severity), severity) for severity in SEVERITIES]
    words = [f"{number} {severity}{'s' if number > 1 else ''}" for number, severity in counts if number]
    return ", ".join(words) or "Nothing to correct."


def _finding(one: Finding) -> str:
    place = ":".join(str(part) for part in (one.path, one.line) if part is not None)
    return "\n".join(
        [
            f"{_SIGNS[one.severity]} {one.severity}: {one.name}{f'   {place}' if place else ''}",
            f"    {one.what}",
            f"    {one.why}",
            *_remedy(one),
        ]
    )


def _remedy(one: Finding) -> Iterator[str]:
    yield ""
    yield from (f"        {line}" for line in one.lines.splitlines())
    if one.fix is not None:
        yield "    `mlci doctor --fix` adds this."


def _required(repository: RepositoryFacts) -> str:
    apps = {None: "any App", 15368: "GitHub Actions"}
    lines = [
        f"    {one.name}: {one.source}, reported by {apps.get(one.app, f'App {one.app}')}"
        for one in repository.required
    ]
    head = f"Required on `{repository.branch}` of {repository.name}:"
    return "\n".join([head, *(lines or ["    no check"])])


def false_blocks_text(found: FalseBlocks) -> str:
    """Return the result of an A/A simulation."""
    head = (
        f"A/A: {found.pairs:,} simulated pull requests with a model of equal quality that decides "
        f"{found.disagreement:.1%} of {found.rows:,} rows differently (seed {found.seed})"
    )
    width = max(len(one.name) for one in found.limits)
    lines = [f"    {'false blocks in 100: ':<{width + 2}}{found.in_hundred:.1f}"]
    lines += [f"    {'inconclusive in 100: ':<{width + 2}}{100 * found.inconclusive / found.pairs:.1f}", ""]
    lines += [f"    {'limit':<{width + 2}}blocks  inconclusive  under one in 100 by"]
    lines += [
        f"    {one.name:<{width + 2}}{100 * one.blocked / found.pairs:>5.1f}%  "
        f"{100 * one.inconclusive / found.pairs:>11.1f}%  {_under_one(one)}"
        for one in found.limits
    ]
    lines += [f"    not simulated: {', '.join(found.left_out)}"] if found.left_out else []
    return "\n".join(line.rstrip() for line in [head, *lines])


def _under_one(one: LimitBlocks) -> str:
    rows = f"about {one.rows:,} rows" if one.rows else None
    return ", or ".join(filter(None, (one.limit, rows)))
