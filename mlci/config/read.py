"""The whole way from a file to a configuration that holds together; whatever is wrong is said in one go."""

from pathlib import Path

from mlci.config.checks import check
from mlci.config.context import Metrics
from mlci.config.load import Loaded, contents, draft, finish, refusal
from mlci.config.salvage import salvaged


def read(file: Path, catalogue: Metrics) -> Loaded:
    """Read and check a configuration file, its gates and metrics among the rest.

    Args:
        file: The file; problems name it as it is written here.
        catalogue: Where metrics are looked up: :mod:`mlci.metrics.catalogue`.

    Raises:
        InputError: The file is missing, can't be read, or holds problems; all of them at once, ordered by line.
    """
    return read_text(contents(file), catalogue, path=str(file))


def read_text(text: str | bytes, catalogue: Metrics, *, path: str) -> Loaded:
    """Check the text of a configuration file as :func:`read` does.

    Raises:
        InputError: Every problem found, ordered by line, each with a line.
    """
    tree, config = draft(text, path=path)
    if config is None:
        raise refusal([*tree.problems, *salvaged(tree, catalogue)])
    loaded = finish(tree, config)
    if problems := check(loaded, catalogue):
        raise refusal(problems)
    return loaded
