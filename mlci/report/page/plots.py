"""Plots of both models on the page: ROC, precision and recall, calibration, confusion matrices, and what moved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlci.report.document import AgreementRow, CalibrationRow, ConfusionRow, LabelMovesRow, ModelCurvesRow, Report
from mlci.report.text import number_format
from mlci.report.text.markup import Markup

LEFT, RIGHT, TOP, BOTTOM = 40.0, 290.0, 10.0, 246.0
Point = tuple[float, float]
Ticks = tuple[tuple[float, str], ...]
Models = Sequence[tuple[str, ModelCurvesRow]]
At = dict[str, tuple[float, float, float | None]]
_SHARES = ((0.0, "0"), (0.25, ""), (0.5, "0.5"), (0.75, ""), (1.0, "1"))
_DARKEST = 38.0  # per cent of the accent in a cell that holds all rows of its label


@dataclass(frozen=True, kw_only=True)
class CurveLine:
    """One model's curve in a figure.

    Attributes:
        model: ``baseline`` or ``candidate``: its class.
        points: Points of the line, ``x,y`` in the figure's pixels.
        marks: Points with a mark: the decision threshold, or the bins of a calibration curve.
    """

    model: str
    points: str
    marks: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A square figure.

    Attributes:
        anchor: Its id on the page.
        title, numbers: Its name, and a value of both models.
        x, y: Names of the axes.
        described: The drawing in a sentence.
        across, up: Grid lines of either axis: position and label, empty for a line without one.
        inside: Whether the labels of the vertical axis are inside the drawing, because they may be long.
        radius: Size of the marks.
        reference: Ends of the dotted line.
        lines: The baseline's curve below the candidate's.
    """

    anchor: str
    title: str
    numbers: str
    x: str
    y: str
    described: str
    reference: tuple[Point, Point]
    lines: tuple[CurveLine, ...]
    across: Ticks = ()
    up: Ticks = ()
    inside: bool = False
    radius: int = 5


@dataclass(frozen=True, kw_only=True)
class CurveSection:
    """All figures, and the calibration bins as rows of a table: model, mean score, observed share, rows."""

    figures: tuple[Figure, ...]
    bins: tuple[tuple[str, str, str, str], ...]
    both: bool


def curve_section(d: Markup, report: Report) -> CurveSection | None:
    """Draw both models' curves; ``None`` without scores."""
    curves = report.curves
    if curves is None:
        return None
    models = [("baseline", curves.baseline), ("candidate", curves.candidate)]
    known = [(name, model) for name, model in models if model is not None]
    at = _operating_points(report.confusion)
    return CurveSection(
        figures=(
            _roc(d, report, known, at),
            _precision_recall(d, report, known, at, curves.prevalence),
            *_calibration(d, report, known),
        ),
        bins=tuple(row for name, model in known for row in _bin_rows(d, name, model.calibration)),
        both=curves.baseline is not None,
    )


def _operating_points(confusion: ConfusionRow | None) -> At:
    """Return false-positive rate, recall and precision of each model at its threshold."""
    if confusion is None or len(confusion.classes) != 2:
        return {}
    found: At = {}
    for name, matrix in (("baseline", confusion.baseline), ("candidate", confusion.candidate)):
        if matrix is not None:
            (kept, alarms), (misses, hits) = matrix
            decided = hits + alarms
            rates = alarms / max(alarms + kept, 1), hits / max(hits + misses, 1)
            found[name] = (*rates, hits / decided if decided else None)
    return found


def _roc(d: Markup, report: Report, models: Models, at: At) -> Figure:
    lines = [_line(name, model.roc, [at[name][:2]] if name in at else []) for name, model in models]
    said = "; ".join(f"{name}: recall {_short(at[name][1])}" for name, _ in models if name in at)
    return Figure(
        anchor="roc",
        title="ROC",
        numbers=_values(d, report, "roc_auc", "AUC"),
        x="False-positive rate",
        y="Recall",
        described=f"ROC curves. At the decision threshold: {said}." if said else "ROC curves.",
        reference=(_place((0, 0)), _place((1, 1))),
        lines=tuple(lines),
        across=_ACROSS,
        up=_UP,
    )


def _precision_recall(d: Markup, report: Report, models: Models, at: At, prevalence: float) -> Figure:
    marks = {name: [(recall, precision)] for name, (_, recall, precision) in at.items() if precision is not None}
    return Figure(
        anchor="precision-recall",
        title="Precision and recall",
        numbers=_values(d, report, "average_precision", "Average precision"),
        x="Recall",
        y="Precision",
        described=f"Precision–recall curves. The dotted line is the share of positives, {_short(prevalence)}.",
        reference=(_place((0, prevalence)), _place((1, prevalence))),
        lines=tuple(_line(name, model.precision_recall, marks.get(name, [])) for name, model in models),
        across=_ACROSS,
        up=_UP,
    )


def _calibration(d: Markup, report: Report, models: Models) -> list[Figure]:
    lines = []
    for name, model in models:
        points = [(row.score, row.observed) for row in model.calibration]
        if points:
            lines.append(_line(name, points, points))
    if not lines:
        return []
    return [
        Figure(
            anchor="calibration",
            title="Calibration",
            numbers=_values(d, report, "expected_calibration_error", "Calibration error"),
            x="Mean score of the rows in a bin",
            y="Share of positives",
            described="Calibration curves. On the dotted line scores equal the share of positives.",
            reference=(_place((0, 0)), _place((1, 1))),
            lines=tuple(lines),
            across=_ACROSS,
            up=_UP,
            radius=3,
        )
    ]


def _values(d: Markup, report: Report, metric: str, name: str) -> str:
    """Write both models' values of a metric; empty if it was not measured."""
    row = next((row for row in report.metrics if row.slice is None and row.metric == metric), None)
    if row is None or row.candidate is None:
        return d.number("")
    style = number_format.number_style((row.baseline, row.candidate), unit="fraction")
    shown = style.value(row.candidate)
    return d.number(f"{name} {shown}" if row.baseline is None else f"{name} {style.value(row.baseline)} → {shown}")


def _line(name: str, points: Iterable[Point], marks: Iterable[Point]) -> CurveLine:
    path = " ".join(f"{x},{y}" for x, y in map(_place, points))
    return CurveLine(model=name, points=path, marks=tuple(map(_place, marks)))


def _place(point: Point) -> Point:
    x, y = (min(max(value, 0.0), 1.0) for value in point)
    return round(LEFT + (RIGHT - LEFT) * x, 1), round(BOTTOM - (BOTTOM - TOP) * y, 1)


_ACROSS: Ticks = tuple((_place((share, 0))[0], label) for share, label in _SHARES)
_UP: Ticks = tuple((_place((0, share))[1], label) for share, label in _SHARES)


def _short(value: float) -> str:
    return number_format.number_style((value,), unit="fraction").value(value)


def _bin_rows(d: Markup, model: str, bins: Iterable[CalibrationRow]) -> list[tuple[str, str, str, str]]:
    return [
        (
            d.number(model.capitalize()),
            d.number(_short(row.score)),
            d.number(_short(row.observed)),
            d.number(number_format.format_count(row.rows)),
        )
        for row in bins
    ]


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
    """Both matrices, the moves by label, and a sentence on how often the models disagree."""

    finding: str | None
    classes: tuple[str, ...]
    matrices: tuple[MatrixView, ...]
    moves: tuple[MovesView, ...]


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
    return MatrixCell(
        d.number(number_format.format_count(count)), d.number(style.value(share)), round(_DARKEST * share, 1)
    )


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
