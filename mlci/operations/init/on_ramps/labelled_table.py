"""Answers about a table that has the label: task, positive class, key and slices."""

from mlci.engine.tables.column_summary import ColumnSummary, TableSummary
from mlci.operations.init.check_options import refuse_positive, refuse_unfit_positive, refuse_untold_task
from mlci.operations.init.columns import ProposedSlice, doubt_task, find_positive, find_slices, find_task
from mlci.operations.init.proposal import ConfigurationParts, InitOptions, SetupAnswers
from mlci.operations.init.repository import Repository


def describe_table(
    repository: Repository,
    answers: SetupAnswers,
    table: TableSummary,
    label: ColumnSummary,
    *,
    key: tuple[str, str] | None,
) -> tuple[ConfigurationParts, list[ProposedSlice]]:
    """Return the configuration of an evaluation set that is a table, and its proposed slices.

    Args:
        repository: The repository.
        answers: Answers so far, to which these are added.
        table: The table.
        label: Its column with the label.
        key: Proposed key with the reason; ``None`` if no column is one.

    Raises:
        InputError: if the labels do not show the task, or the positive class that the user named does not fit.
    """
    options = repository.options
    if options.task is None:
        refuse_untold_task(doubt_task(label, table))
    task = options.task or find_task(label)[0]
    refuse_unfit_positive(task, options.positive)
    refuse_positive(options.positive, label)
    model = answers.take("model", options.model, repository.model_name)
    answers.take("task", options.task, find_task(label))
    answers.take("data", options.data, (table.path, "its name is that of an evaluation set, and it has the label"))
    answers.take("label", options.label, (label.name, "its name is that of a label"))
    positive = answers.take("positive", options.positive, find_positive(label)) if task == "binary" else None
    chosen = answers.take("key", options.key, key)
    names, slices = _slices(answers, options, table, {label.name, chosen})
    parts = ConfigurationParts(model=model or "model", task=task, data=table.path, key=chosen, label=label.name,
                               positive=positive, slices=names)  # fmt: skip
    return parts, slices


def _slices(
    answers: SetupAnswers, options: InitOptions, rows: TableSummary, without: set[str | None]
) -> tuple[tuple[str, ...], list[ProposedSlice]]:
    """Return the names of the slices, and those that were proposed among them."""
    slices = find_slices(rows, frozenset(rows.names) - without, share=1.0)
    if options.slices is None:
        for item in slices:
            answers.take("slices", None, (item.column.name, item.reason))
        return tuple(item.column.name for item in slices), slices
    return options.slices, [item for item in slices if item.column.name in options.slices]


def count_positives(label: ColumnSummary, positive: str | None) -> int:
    """Return the rows of the positive class, by default 1 or true."""
    wanted = {positive} if positive is not None else {"1", "1.0", "true", "True"}
    return sum(count for value, count in label.counts if value in wanted)
