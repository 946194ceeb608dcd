"""Command blocks of every document: commands, options and targets exist, and no program is misspelt."""

import re
import shlex
from pathlib import Path

import click
import pytest

from mlci.cli.main import group
from tests.support.shell_blocks import read_blocks

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "examples").rglob("README.md"))
PROGRAMS = {
    ".",
    "cd",
    "cp",
    "export",
    "folder=$(mktemp",
    "gh",
    "git",
    "pip",
    "pipx",
    "python",
    ".venv/bin/python",
    ".ci/run",
}
PROGRAMS |= {"MLCI_GOLDEN=write"}


PREFIX = re.compile(r"^[A-Z_]+=\$\([^)]*\) |\s+#\s.*")


def lines(page):
    """Yield the single commands of a page."""
    for command in (command for block in read_blocks(page.read_text("utf-8")) for command in block.commands):
        line = re.sub(r"\s+#\s.*", "", command.line.partition("<<'")[0])
        yield from (part.strip() for part in re.split(r"\s&&\s|\s\|\s", line))


def problem(line):
    """Return why a command cannot be carried out as it stands; ``None`` if no reason is known."""
    words = shlex.split(line)
    if words[0] == "make":
        known = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        return None if words[1] in known else f"no target {words[1]}"
    if words[0] != "mlci":
        return None if words[0] in PROGRAMS else f"{words[0]} is not among the programs of the documents"
    return misspelt(group, words[1:])


def misspelt(command, words):
    """Return what click does not know of a command line of mlci."""
    settings = {
        **group.context_settings,
        **command.context_settings,
    }  # click keeps the option of help that it makes here
    context = click.Context(command, **settings)
    try:
        _, rest, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        return error.format_message()
    if not isinstance(command, click.Group):
        return None
    words = rest
    inner = command.get_command(context, words[0]) if words else None
    return misspelt(inner, words[1:]) if inner else f"mlci has no command {words[:1]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands__known_to_click_and_make(page):
    found = [(line, why) for line in lines(page) if (why := problem(line))]
    assert found == []


def test_commands__examples_of_the_help():
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")
    blocks = re.findall(r"^```text\nExamples?:\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    examples = [part.strip() for block in blocks for line in block.splitlines() for part in line.split(" && ")]
    assert [(line, why) for line in examples if (why := problem(PREFIX.sub("", line)))] == []
    assert len(examples) > 30


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("mlci run --confg mlci.yml", "--confg"),
        ("mlci registry chek", "chek"),
        ("mlci --lgo json run", "--lgo"),
        ("mlci --log json rn", "rn"),
        ("mlci ledger log --limit 3", None),
        ("make sit", "no target"),
        ("pyhton train.py", "not among"),
    ],
)
def test_problem__planted(line, why):
    found = problem(line)
    assert found is None if why is None else why in found
