"""Load and check ``mlci.yml``, its gates and metrics included; all problems are reported at once."""

from pathlib import Path

from mlci.config.check_context import Metrics
from mlci.config.checks import check_configuration
from mlci.config.loader import CheckedConfig, Loaded, config_error, parse_draft, read_bounded_config, with_lines
from mlci.config.models import checked_config
from mlci.config.recovery import recover_and_check


def load(file: Path, catalogue: Metrics) -> CheckedConfig:
    """Read and check a configuration file, including its gates and metrics.

    Args:
        file: The file; problems name it by this path.
        catalogue: The metric catalogue: :mod:`mlci.metrics.catalogue`.

    Raises:
        InputError: if the file is missing, can't be read, or has problems; all of them at once, ordered by line.
    """
    return load_text(read_bounded_config(file), catalogue, path=str(file))


def load_text(text: str | bytes, catalogue: Metrics, *, path: str) -> CheckedConfig:
    """Check the text of a configuration file as :func:`load` does.

    Raises:
        InputError: if the text has problems; all of them, ordered by line, each with a line.
    """
    tree, config = parse_draft(text, path=path)
    if config is None:
        raise config_error([*tree.problems, *recover_and_check(tree, catalogue)])
    loaded = with_lines(tree, config)
    if problems := check_configuration(loaded, catalogue):
        raise config_error(problems)
    return Loaded(checked_config(loaded.config), loaded.lines, loaded.path)
