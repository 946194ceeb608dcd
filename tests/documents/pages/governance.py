"""Projects for the pages about model cards: a promoted model with a model file and a lock file."""

from collections.abc import Iterator

from tests.documents.pages.registry import IGNORED, succeed
from tests.support.page_shell import PageShell
from tests.support.project import files
from tests.support.repository import commit, init


def publish_a_model_card(shell: PageShell) -> Iterator[None]:
    project = files(1, baseline="production", more="card: {owners: [risk-team], license: apache-2.0}\n")
    commit(init(shell.folder), {**project, **IGNORED, "requirements.txt": "numpy==2.1.0\n"})
    succeed(shell, "run")
    succeed(shell, "promote")
    yield
    assert "pkg:pypi/numpy@2.1.0" in (shell.folder / "governance" / "bom.json").read_text("utf-8")


def verify_a_model(shell: PageShell) -> Iterator[None]:
    commit(init(shell.folder), {**files(1, baseline="production"), **IGNORED})
    succeed(shell, "run")
    succeed(shell, "promote")
    yield
    yield
    yield
    yield
    yield
