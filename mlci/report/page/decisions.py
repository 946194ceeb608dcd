"""Decisions of both models on the page: confusion matrices, and what moved between right and wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlci.report.curve_rows import LabelMovesRow
from mlci.report.document import AgreementRow, Report
from mlci.report.text import number_format
from mlci.report.text.markup import Markup

MANY = 5
"""Classes above which both matrices stand below each other, with small cells."""
_DARKEST = 38.0  # per cent of the accent in a cell that holds all rows of its label


@dataclass(frozen=True)
class MatrixCell:
    """A cell: its rows, its share of the label's rows, and how dark it is, in per cent."""

    count: str
    share: str
    shade: float


@dataclass(frozen=True, kw_only=True)
class MatrixView:
    """One model's confusion matrix; each row is a label with its cells."""

    model: str
    rows: tuple[tuple[str, tuple[MatrixCell, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class MovesView:
    """Rows of one label; ``worse`` and ``better`` are the widths of their bars in per cent."""

    label: str
    rows: str
    both: str
    now_wrong: str
    now_right: str
    neither: str
    worse: float
    better: float


@dataclass(frozen=True, kw_only=True)
class DecisionSection:
    """Both matrices, the moves by label, and a sentence on how often the models disagree; ``many`` for small cells."""

    finding: str | None
    classes: tuple[str, ...]
    matrices: tuple[MatrixView, ...]
    moves: tuple[MovesView, ...]
    many: bool = False


def decision_section(d: Markup, report: Report) -> DecisionSection | None:
    """Show the decisions of both models; ``None`` without decisions, or for many classes."""
    found = report.confusion
    if found is None:
        return None
    models = [("Baseline", found.baseline), ("Candidate", found.candidate)]
    names = [d.text(name) for name in found.classes]
    largest = max((max(row.baseline_only, row.candidate_only) for row in found.moves), default=0)
    return DecisionSection(
        finding=None if report.agreement is None else _finding(d, report.agreement),
        classes=tuple(names),
        matrices=tuple(_matrix(d, model, names, matrix) for model, matrix in models if matrix is not None),
        many=len(names) > MANY,
        moves=tuple(_moves(d, row, largest) for row in found.moves),
    )


def _finding(d: Markup, row: AgreementRow) -> str:
    count = number_format.format_count
    moved = row.baseline_only + row.candidate_only
    total = moved + row.both + row.neither
    words = (
        f"{count(moved)} of {number_format.pluralize(total, 'row')} went from right to wrong or back: "
        f"{count(row.baseline_only)} are wrong now, {count(row.candidate_only)} are right now "
        f"(McNemar's exact test {number_format.format_p_value(row.exact_p)})."
    )
    return d.number(words)


def _matrix(d: Markup, model: str, names: Sequence[str], matrix: Sequence[Sequence[int]]) -> MatrixView:
    return MatrixView(
        model=d.number(model),
        rows=tuple(
            (name, tuple(_cell(d, count, sum(row)) for count in row)) for name, row in zip(names, matrix, strict=True)
        ),
    )


def _cell(d: Markup, count: int, total: int) -> MatrixCell:
    share = count / total if total else 0.0
    style = number_format.number_style((share,), unit="percent")
    shown = d.number(style.value(share))
    return MatrixCell(d.number(number_format.format_count(count)), shown, round(_DARKEST * share, 1))


def _moves(d: Markup, row: LabelMovesRow, largest: int) -> MovesView:
    counts = (row.both, row.baseline_only, row.candidate_only, row.neither)
    both, wrong, right, neither = (d.number(number_format.format_count(number)) for number in counts)
    return MovesView(
        label=d.text(row.label),
        rows=d.number(number_format.pluralize(sum(counts), "row")),
        both=both,
        now_wrong=wrong,
        now_right=right,
        neither=neither,
        worse=round(100 * row.baseline_only / largest, 1) if largest else 0.0,
        better=round(100 * row.candidate_only / largest, 1) if largest else 0.0,
    )
