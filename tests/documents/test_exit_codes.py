import re
from pathlib import Path

from mlci import errors
from mlci.cli import error_handler

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md").read_text("utf-8")


def test_exit_codes__page_lists_each_once():
    known = [value for value in vars(errors).values() if isinstance(value, type)]
    codes = {kind.exit_code for kind in known if issubclass(kind, errors.MlciError)}
    codes |= set(map(int, errors.ProductionCode))
    handled = {error_handler.BUG, error_handler.INPUT, error_handler.INTERRUPTED, error_handler.PIPE}
    assert sorted(map(int, re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE))) == sorted(
        {0} | codes | handled | set(errors.ProductionCode)
    )
