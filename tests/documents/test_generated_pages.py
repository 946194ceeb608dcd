import re

import click
import pytest

from mlci.report.document import Report
from tests.documents import command_line, error_index, report_fields


@pytest.mark.parametrize("module", [command_line, error_index, report_fields], ids=lambda module: module.PAGE.name)
def test_page__up_to_date(module):
    assert module.PAGE.read_text("utf-8") == module.page(), "stale; run `make docs`"


def test_command_line__every_command_and_option():
    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    def tool(): ...

    @tool.group()
    def box(): ...

    @box.command()
    @click.argument("name")
    @click.option("--size", default=3, show_default=True, help="Of a|b.")
    def fill():
        """Fill a box.

        \b
        Example:
          tool box fill x
        """

    inner = list(command_line.contexts(tool, "tool"))[1]
    assert inner.command_path == "tool box fill"
    assert list(command_line.description(inner.command)) == [
        "Fill a box.\n",
        "```text\nExample:\ntool box fill x\n```\n",
    ]
    assert command_line.options(inner) == (
        "```text\ntool box fill [OPTIONS] NAME\n```\n\n| option | meaning |\n|---|---|\n"
        "| `--size INTEGER` | Of a\\|b. [default: 3] |\n"
    )


def test_report_fields__every_field():
    page = report_fields.page()
    documented = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert {field.alias or name for name, field in Report.model_fields.items()} <= documented
    assert documented >= {"rows_needed", "exact_p", "null_rates", "train", "waivable", "until"}
