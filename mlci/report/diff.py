"""What differs between two versions, as text for a terminal."""

from collections.abc import Mapping

from mlci.report import names, numbers, wide
from mlci.report.dialect import Dialect, Plain
from mlci.report.document import Lineage
from mlci.report.escape import without_commands
from mlci.report.origins import changes, sentence
from mlci.report.tables import Column, Table, table
from mlci.report.terminal import lay_out

Values = Mapping[str, tuple[float | None, float | None]]
_ELSEWHERE = "judged on other rows each: compare what changed, not the numbers"


def text(before: str, after: str, metrics: Values, lineage: Lineage, *, same_rows: bool, width: int) -> str:
    """Write what differs; ``before`` and ``after`` name the two."""
    d = Plain()
    parts = [
        "\n".join(wide.wrap(sentence(lineage), width)),
        lay_out(changes(d, lineage, ends=f"{before} → {after}"), width=width),
        *([lay_out(_metrics(d, before, after, metrics), width=width)] if metrics else []),
        *(["\n".join(wide.wrap(_ELSEWHERE, width))] if not same_rows else []),
    ]
    return without_commands("\n\n".join(parts) + "\n")


def _metrics(d: Dialect, before: str, after: str, metrics: Values) -> Table:
    rows = {name: (numbers.style(ends, unit=names.unit(name)), *ends) for name, ends in metrics.items()}
    changed = [
        style.change(new - old) if old is not None and new is not None else None for style, old, new in rows.values()
    ]
    columns = [
        Column(d.number("Metric"), [d.text(names.title(name)) for name in rows], name=True),
        Column(d.text(before), [d.number(style.value(old)) for style, old, _ in rows.values()], right=True),
        Column(d.text(after), [d.number(style.value(new)) for style, _, new in rows.values()], right=True),
        Column(d.number("Change"), [cell and d.number(cell) for cell in changed], right=True),
    ]
    return table(d, columns)
