"""Labels by whose names the expressions of workflows decide."""

from collections.abc import Iterable, Iterator

from mlci.operations.doctor.expressions import (
    ContextAccess,
    Expression,
    ExpressionError,
    Literal,
    Operation,
    parse_expression,
    parts_of,
    written_expressions,
)
from mlci.operations.doctor.workflows import WorkflowFile

_LABEL, _LABELS = ("label", "name"), ("labels", "*", "name")


def find_labels(workflows: Iterable[WorkflowFile]) -> dict[str, tuple[str, ...]]:
    """Return the labels by whose names workflows of mlci decide, with the names of the files.

    Such as in `contains(github.event.pull_request.labels.*.name, 'mlci:train')`.
    """
    found: dict[str, dict[str, None]] = {}
    for workflow in workflows:
        for name in _labels_read(workflow) if workflow.uses_mlci else ():
            found.setdefault(name, {})[workflow.path.rpartition("/")[2]] = None
    return {name: tuple(files) for name, files in found.items()}


def _labels_read(workflow: WorkflowFile) -> Iterator[str]:
    """Yield the labels that expressions compare with, or look for among those of a pull request."""
    for written in written_expressions(workflow.data):
        try:
            parts = list(parts_of(parse_expression(written)))
        except ExpressionError:
            continue
        for one in parts:
            if isinstance(one, Operation) and len(one.operands) == 2:
                yield from _compared_label(one.name, *one.operands)


def _compared_label(name: str, left: Expression, right: Expression) -> Iterator[str]:
    if name in {"==", "!="}:
        for label, text in ((left, right), (right, left)):
            if isinstance(text, Literal) and isinstance(label, ContextAccess) and label.path[-2:] == _LABEL:
                yield str(text.value)
    elif (
        name == "contains"
        and isinstance(right, Literal)
        and isinstance(left, ContextAccess)
        and left.path[-3:] == _LABELS
    ):
        yield str(right.value)


def _is_labels(expression: Expression) -> bool:
    return isinstance(expression, ContextAccess) and expression.path[-3:] == _LABELS
