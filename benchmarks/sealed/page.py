"""The table, and the section of the documentation that contains it."""

import os
import platform
import statistics

from benchmarks.sealed.measure import ModeCosts
from benchmarks.section import write_section

BEGIN, END = "<!-- sealed:begin -->", "<!-- sealed:end -->"
MOST_REQUESTS = {"one job": 24, "sealed": 32}
_INTRO = """\
## What sealed mode costs

Written by `make bench`, measured in one run on {processors} processors ({machine}, Python {python}), the median of
{times} pull requests of each mode, in turns. Both judge the same change of a model against the version in production,
which is kept in the repository, on a fake of GitHub that counts requests. Seconds are those of mlci's commands,
training of a small model included; a network and GitHub's own time to start a job are not in them. *To train* is what
the job with the pull request's code takes. Each job also [sets mlci up](#what-setting-up-costs-in-a-job): sealed mode
has two jobs more, one that opens the check while training starts, and one that judges when it has ended."""


def section(found: dict[str, ModeCosts], times: int) -> str:
    """Return the section of the documentation."""
    intro = _INTRO.format(
        processors=os.cpu_count(), machine=platform.machine(), python=platform.python_version(), times=times
    )
    one, sealed = found["one job"], found["sealed"]
    rows = [_row("one job", one, ("run",)), _row("sealed", sealed, ("predict",))]
    more = [
        "sealed mode adds",
        str(sealed.jobs - one.jobs),
        f"{sealed.seconds() - one.seconds():+.2f}",
        f"{sealed.seconds('predict') - one.seconds('run'):+.2f}",
        f"{_requests(sealed) - _requests(one):+d}",
    ]
    head = [["", "jobs", "seconds", "to train", "requests"], [":--", *["--:"] * 4]]
    return f"{intro}\n\n{_lines([*head, *rows, more])}"


def list_misses(found: dict[str, ModeCosts]) -> list[str]:
    """Return a line for each mode that asks GitHub more often than its bound."""
    return [
        f"missed: {name}: {_requests(costs)} requests, at most {MOST_REQUESTS[name]}"
        for name, costs in found.items()
        if _requests(costs) > MOST_REQUESTS[name]
    ]


def write(text: str) -> None:
    """Write the section into the page of benchmarks."""
    write_section(text, BEGIN, END)


def _requests(costs: ModeCosts) -> int:
    return round(statistics.median(costs.requests))


def _row(shown: str, costs: ModeCosts, trains: tuple[str, ...]) -> list[str]:
    seconds = (costs.seconds(), costs.seconds(*trains))
    return [shown, str(costs.jobs), *(f"{value:.2f}" for value in seconds), str(_requests(costs))]


def _lines(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
