"""Project for the page about costs: a model with a price on this machine, whose month the page shows."""

import re
from collections.abc import Iterator

from tests.support.page_shell import PageShell
from tests.support.project import config, files, write

COST = "cost: {runners: {local: 0.09}, budget_usd_per_month: 50}\n"


def watch_costs(shell: PageShell) -> Iterator[None]:
    text = config(baseline="production", more=f"  - {{metric: accuracy, min: 0.5}}\n{COST}")
    write(shell.folder, {**files(2), "mlci.yml": text})
    yield
    yield
    assert re.search(r"planted  20\d\d-\d\d +1 +1  0\.090 USD +0 %\nat most 13 months a model\n", shell.output)
