"""`mlci doctor`: run every check on the facts, order and show what they find, and apply fixes."""

import copy
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from mlci.errors import count_noun
from mlci.execution.sanitize import sanitize
from mlci.operations.doctor.checks import (
    commands,
    conditions,
    configuration,
    environment,
    evaluation_set,
    handoff,
    jobs,
    models,
    required_check,
    sealed,
    security,
    training,
)
from mlci.operations.doctor.checks.finding import SEVERITIES, Finding, LineInsertion, order_findings
from mlci.operations.doctor.facts import RepositoryFacts, SetupFacts
from mlci.operations.doctor.false_blocks import FalseBlocks, LimitBlocks
from mlci.operations.doctor.yaml_nodes import read_nodes
from mlci.util.atomic_files import replace_file
from mlci.util.safe_files import read_bounded

Check = Callable[[SetupFacts], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    *configuration.CHECKS,
    *evaluation_set.CHECKS,
    *models.CHECKS,
    *training.CHECKS,
    *commands.CHECKS,
    *environment.CHECKS,
    *jobs.CHECKS,
    *conditions.CHECKS,
    *security.CHECKS,
    *handoff.CHECKS,
    *sealed.CHECKS,
    *required_check.CHECKS,
)
_SIGNS = {"error": "✗", "warning": "!", "note": "·"}
_MOST_BYTES = 1 << 20


def check_setup(facts: SetupFacts) -> list[Finding]:
    """Return the findings of all checks, errors first."""
    return order_findings([finding for check in CHECKS for finding in check(facts)])


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
    environments = [f"Environment `{one.name}`: {one.protection}" for one in repository.environments]
    return "\n".join([head, *(lines or ["    no check"]), *environments])


def false_blocks_text(found: FalseBlocks) -> str:
    """Return the result of an A/A simulation."""
    differ = ""
    if found.disagreement is not None:
        differ = f"{found.disagreement:.1%} of {found.rows:,} {found.unit} differently"
    share = differ and f" that {'decides' if found.unit == 'rows' else 'scores'} {differ}"
    past = "" if found.versions is None else f", as {count_noun(found.versions, 'promoted version')} did"
    head = (
        f"A/A: {found.pairs:,} simulated pull requests with a model of equal quality{share}{past} (seed {found.seed})"
        if found.retrainings is None
        else f"A/A: {found.retrainings:,} retrainings of {_commit(found)}, {count_noun(found.pairs, 'pair')} of models"
        f"{differ and f', which decide {differ}'}"
    )
    width = max(len(one.name) for one in found.limits)
    lines = [f"    {'false blocks in 100: ':<{width + 2}}{found.in_hundred:.1f}"]
    lines += [f"    {'inconclusive in 100: ':<{width + 2}}{100 * found.inconclusive / found.pairs:.1f}", ""]
    lines += [f"    {'limit':<{width + 2}}blocks  inconclusive  under one in 100 by"]
    lines += [
        f"    {one.name:<{width + 2}}{100 * one.blocked / found.pairs:>5.1f}%  "
        f"{100 * one.inconclusive / found.pairs:>11.1f}%  {_under_one(one, found.unit)}"
        for one in found.limits
    ]
    lines += [f"    not simulated: {', '.join(found.left_out)}"] if found.left_out else []
    return "\n".join(line.rstrip() for line in [head, *lines])


def _commit(found: FalseBlocks) -> str:
    name = "this commit" if found.commit is None else f"commit {found.commit[:12]}"
    return f"{name} without the uncommitted changes" if found.dirty else name


def _under_one(one: LimitBlocks, unit: str) -> str:
    rows = f"about {one.rows:,} {unit}" if one.rows else None
    return ", or ".join(filter(None, (one.limit, rows)))


def apply_fixes(top: Path, findings: Iterable[Finding]) -> list[Finding]:
    """Write the insertions below the top of the repository; return the findings that were fixed."""
    fixed = []
    for path in dict.fromkeys(one.fix.path for one in findings if one.fix):
        wanted = [one for one in findings if one.fix and one.fix.path == path]
        wanted.sort(
            key=lambda one: _after(one.fix), reverse=True
        )  # from the end, so that earlier lines keep their numbers
        fixed += _write(top / path, wanted)
    return fixed


def _after(insertion: LineInsertion | None) -> float:
    return float("inf") if insertion is None or insertion.after is None else insertion.after


def _write(path: Path, findings: list[Finding]) -> list[Finding]:
    """Write the insertions into one file; a link, a large file and one that is not UTF-8 are left as they are."""
    try:
        data = read_bounded(path, _MOST_BYTES, links=False)
        before = data.decode()
    except FileNotFoundError:
        data, before = b"", ""
    except (OSError, UnicodeDecodeError):
        return []
    if len(data) > _MOST_BYTES:
        return []
    text, fixed = before, []
    for finding in findings:
        if finding.fix is not None and (new := insert_lines(text, finding.fix)) is not None:
            text = new
            fixed.append(finding)
    if text != before:
        replace_file(path, text.encode())
    return fixed


def insert_lines(text: str, insertion: LineInsertion) -> str | None:
    """Return the text with the lines inserted; ``None`` if YAML would not gain exactly the wanted key."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    after = len(lines) if insertion.after is None else insertion.after
    above, below = "".join(lines[:after]), "".join(lines[after:])
    gap = end if above and not above.endswith("\n") else ""
    new = "".join((above, gap, *(f"{line}{end}" for line in insertion.lines), below))
    return new if not insertion.place or _gains_key(text, new, insertion) else None


def _gains_key(before: str, after: str, insertion: LineInsertion) -> bool:
    """Whether the new content is the old one with the key, and nothing else."""
    old, new = read_nodes(before), read_nodes(after)
    if old.error is not None or new.error is not None:
        return False
    expected = copy.deepcopy(old.data)
    found: Any = expected
    for part in insertion.place[:-1]:
        found = found[part]
    key = insertion.place[-1]
    if not isinstance(found, dict) or key in found:
        return False
    found[key] = insertion.value
    return bool(new.data == expected)
