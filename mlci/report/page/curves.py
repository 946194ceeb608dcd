"""Curves of both models on the page: ROC, precision and recall, calibration; of one class against all others, too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlci.report.curve_rows import CalibrationRow, ClassCurvesRow, ConfusionRow, CurvesRow, ModelCurvesRow
from mlci.report.document import Report
from mlci.report.text import number_format
from mlci.report.text.markup import Markup

LEFT, RIGHT, TOP, BOTTOM = 40.0, 290.0, 10.0, 246.0
Point = tuple[float, float]
Ticks = tuple[tuple[float, str], ...]
Models = Sequence[tuple[str, ModelCurvesRow]]
At = dict[str, tuple[float, float, float | None]]
_SHARES = ((0.0, "0"), (0.25, ""), (0.5, "0.5"), (0.75, ""), (1.0, "1"))


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
    """All figures, and the calibration bins as rows of a table: model, mean score, observed share, rows.

    ``note`` says which classes have curves; ``None`` for a binary task.
    """

    figures: tuple[Figure, ...]
    bins: tuple[tuple[str, str, str, str], ...]
    both: bool
    note: str | None = None


def curve_section(d: Markup, report: Report) -> CurveSection | None:
    """Draw both models' curves; ``None`` without scores."""
    curves = report.curves
    if curves is None:
        return _class_section(d, report)
    known, at = _models(curves), _operating_points(report.confusion, 1)
    return CurveSection(
        figures=_figures(d, report, curves, at),
        bins=tuple(row for name, model in known for row in _bin_rows(d, d.number(name.capitalize()), model)),
        both=curves.baseline is not None,
    )


def _class_section(d: Markup, report: Report) -> CurveSection | None:
    """Draw the curves of classes against all others; ``None`` without probabilities."""
    found = report.class_curves
    if not found:
        return None
    bins = [
        row
        for one in found
        for name, model in _models(one)
        for row in _bin_rows(d, d.words("{}, {}", d.text(one.label), d.number(name)), model)
    ]
    figures = [figure for index, one in enumerate(found, start=1) for figure in _class_figures(d, report, one, index)]
    both = any(one.baseline is not None for one in found)
    return CurveSection(figures=tuple(figures), bins=tuple(bins), both=both, note=_class_note(d, report, both=both))


def _class_figures(d: Markup, report: Report, one: ClassCurvesRow, index: int) -> list[Figure]:
    classes = report.confusion.classes if report.confusion is not None else ()
    at = _operating_points(report.confusion, classes.index(one.label)) if one.label in classes else {}
    style = number_format.number_style((one.baseline_auc, one.candidate_auc), unit="fraction")
    before = "" if one.baseline_auc is None else f"{style.value(one.baseline_auc)} → "
    numbers = {
        "roc": f"AUC {before}{style.value(one.candidate_auc)}",
        "precision-recall": f"{number_format.pluralize(one.rows, 'row')} of the class",
        "calibration": f"at least {number_format.pluralize(_fewest(one), 'row')} in a bin",
    }
    return [
        replace(
            figure,
            anchor=f"{figure.anchor}-class-{index}",
            title=d.words("{}: {}", d.text(one.label), d.number(figure.title)),
            numbers=d.number(numbers[figure.anchor]),
            described=d.words("Class {} against all others. {}", d.text(one.label), d.number(figure.described)),
        )
        for figure in _figures(d, report, one, at)
    ]


def _fewest(one: ClassCurvesRow) -> int:
    return min((row.rows for _, model in _models(one) for row in model.calibration), default=0)


def _class_note(d: Markup, report: Report, *, both: bool) -> str:
    shown = len(report.class_curves)
    total = len(report.confusion.classes) if report.confusion is not None else None
    order = "whose AUC fell most" if both else "with the lowest AUC"
    which = "" if total == shown else f", for {number_format.pluralize(shown, 'class', 'classes')} {order}"
    return d.number(f"Each class against all others, by its probability{which}.")


def _models(curves: CurvesRow) -> Models:
    models = [("baseline", curves.baseline), ("candidate", curves.candidate)]
    return [(name, model) for name, model in models if model is not None]


def _figures(d: Markup, report: Report, curves: CurvesRow, at: At) -> tuple[Figure, ...]:
    known = _models(curves)
    drawn = (_roc(d, report, known, at), _precision_recall(d, report, known, at, curves.prevalence))
    return (*drawn, *_calibration(d, report, known))


def _operating_points(confusion: ConfusionRow | None, positive: int) -> At:
    """Return false-positive rate, recall and precision of each model's decisions for a class."""
    if confusion is None or positive >= len(confusion.classes):
        return {}
    found: At = {}
    for name, matrix in (("baseline", confusion.baseline), ("candidate", confusion.candidate)):
        if matrix is not None:
            hits, labelled = matrix[positive][positive], sum(matrix[positive])
            decided, total = sum(row[positive] for row in matrix), sum(map(sum, matrix))
            rates = (decided - hits) / max(total - labelled, 1), hits / max(labelled, 1)
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


def _bin_rows(d: Markup, model: str, curves: ModelCurvesRow) -> list[tuple[str, str, str, str]]:
    return [_bin_row(d, model, row) for row in curves.calibration]


def _bin_row(d: Markup, model: str, row: CalibrationRow) -> tuple[str, str, str, str]:
    score, observed, rows = _short(row.score), _short(row.observed), number_format.format_count(row.rows)
    return model, d.number(score), d.number(observed), d.number(rows)
