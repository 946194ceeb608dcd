from pathlib import Path

import pytest

from tests.documents.error_index import PAGE, page, split
from tests.documents.message_texts import Module, Texts

PACKAGE = {
    "config/a.py": """
from mlci.errors import InputError, Problem
from pack.words import AGAIN, describe

def check(path, value):
    if value:
        raise InputError(Problem(f"{path} is not a {'list' if value == 1 else describe(value)}; {AGAIN}"))
    for where, message in findings(value):
        raise InputError(message)
    fail("the table is empty")
    fail(f"arm {path} is {{value!r}} in {{count}} rows; correct it")

def findings(value):
    yield "a", f"unknown key {value!r}; remove it"

def fail(message):
    raise InputError(message)
""",
    "words.py": """
AGAIN = "write it again"

def describe(value):
    if value > 3:
        return "number of three or more digits"
    return str(value)
""",
    "registry/b.py": """
from mlci.registry.errors import UnknownOutcomeError

def lose(entry):
    raise UnknownOutcomeError(f"entry {entry} was sent without an answer")
""",
}


@pytest.fixture
def package(tmp_path):
    for name, text in PACKAGE.items():
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_page__messages_of_a_package(package):
    text = page(package, "pack")
    assert "## Exit code 2: configuration or input\n\n### `mlci.yml`\n" in text
    assert "#### … is not a number of three or more digits\n\nWrite it again.\n" in text
    assert "#### unknown key …\n\nRemove it.\n" in text
    assert "#### the table is empty\n" in text
    assert "#### arm … is … in … rows\n\nCorrect it.\n" in text
    assert "## Exit code 4: GitHub, a registry, a data store or the network\n\n### Registry\n" in text
    assert "#### entry … was sent without an answer\n\nRun the command again: it reads the ledger first" in text


def test_texts__parameter_without_a_call(package):
    texts = Texts(package, "pack")
    module = Module(Path("x.py"), "def f(a):\n    return g(a)\n")
    [call] = module.calls["g"]
    assert texts.of(call.args[0], module) == ["…"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("`a; b` is wrong here; remove it; or not", ("`a; b` is wrong here", "remove it; or not")),
        ("the file is empty", ("the file is empty", "")),
        ("the token lacks rights. Add to the job:\nx: y", ("the token lacks rights", "Add to the job:\nx: y")),
        ("is …; save it as UTF-8", ("is …; save it as UTF-8", "")),
    ],
)
def test_split__first_clause_and_the_rest(text, parts):
    assert split(text) == parts


def test_page__messages_that_users_meet():
    text = PAGE.read_text("utf-8")
    for known in (
        "unknown key `…`",
        "has no column …",
        "`registry: …` is a folder that this runner loses",
        "no file matches",
    ):
        assert f"#### {known}" in text
