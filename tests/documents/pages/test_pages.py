"""Every block of commands on every page is carried out, by a test or by ``make examples``, or marked with a reason."""

import pytest

from tests.documents.pages.catalogue import LONG_PROJECTS, PROJECTS, REASONS, Page, problem_of_mark, read_pages
from tests.support.project import config
from tests.support.shell_blocks import Block, Command, read_blocks

PAGES = {page.name: page for page in read_pages()}


@pytest.mark.parametrize("name", PROJECTS)
def test_page__commands(name, tmp_path):
    PAGES[name].run(tmp_path)


def test_blocks__carried_out_or_marked():
    assert [page.name for page in PAGES.values() if not page.place and any(b.reason is None for b in page.blocks)] == []
    marked = {(page.name, block.reason): problem_of_mark(block) for page in PAGES.values() for block in page.blocks
              if block.reason is not None}  # fmt: skip
    assert {where: problem for where, problem in marked.items() if problem} == {}
    assert {reason for _, reason in marked} == set(REASONS)


def test_projects__of_existing_pages():
    runnable = {name for name, page in PAGES.items() if any(block.reason is None for block in page.blocks)}
    assert set(PROJECTS) | set(LONG_PROJECTS) <= runnable


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (Block((Command("mlci run"),), "too slow"), "is not among the reasons"),
        (Block((Command("mlci run"),), "installs software"), "no command is of that kind"),
        (Block((Command("python -m pip install mlci"),), "installs software"), None),
    ],
)
def test_problem_of_mark__planted(block, problem):
    found = problem_of_mark(block)
    assert found is None if problem is None else problem in found


MARKED = (
    "<!-- not run: installs software -->\n```sh\npip install x\n```\n\n```bash\ncat <<'EOF'\na b\nEOF\nmlci x\n```\n"
)


def test_read_blocks__marks_and_here_documents():
    assert read_blocks(MARKED) == [
        Block((Command("pip install x"),), "installs software"),
        Block((Command("cat <<'EOF'\na b\nEOF"), Command("mlci x"))),
    ]


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (["mlci versions", "mlci versions", "mlci versions"], "has no step for"),
        (["mlci versions"], "has a step without a command"),
        (["mlci versions", "mlci versoins"], "exit code 2, and the page says 0"),
        (["mlci versions", "false"], "exit code 1, and the page says 0"),
    ],
)
def test_run__page_and_project_differ(commands, message, tmp_path, monkeypatch):
    def project(shell):
        (shell.folder / "mlci.yml").write_text(config(baseline="production"))
        yield
        yield

    monkeypatch.setitem(PROJECTS, "planted.md", project)
    with pytest.raises(AssertionError, match=message):
        Page("planted.md", (Block(tuple(Command(line) for line in commands)),)).run(tmp_path)
