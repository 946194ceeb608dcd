"""Options that several commands share."""

from pathlib import Path

import click

from mlci.cli.defaults import DEFAULT_OUT

config = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=Path("mlci.yml"),
    show_default=True,
    help="The configuration.",
)
out = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder for report.json and everything rendered from it.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the document instead of tables.")
changed_since = click.option(
    "--changed-since",
    metavar="COMMIT",
    default="",
    help="What the change is merged into; nothing is trained if it touches none of `paths:`. Empty always trains.",
)
fetched = click.option(
    "--fetched",
    metavar="DIGEST",
    default="",
    help="Read the registry's copy that `mlci fetch` left, if this is its digest; empty reads the registry itself.",
)
