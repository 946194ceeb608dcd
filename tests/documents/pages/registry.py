"""Projects for the pages about production and the registry: a model that is wrong on k rows of ten, promoted often."""

import json
from collections.abc import Iterator

from tests.support.deployments import serve
from tests.support.page_shell import PageShell
from tests.support.project import BY_FILE, config, files, predictions
from tests.support.repository import commit, init

IGNORED = {".gitignore": ".mlci/\nmodel.txt\ntrained.log\n"}


def promoted(shell: PageShell, *numbers: int, more: str = "") -> None:
    """Promote models that are wrong on these many rows of ten, from committed files of predictions."""
    text = config(baseline="production", more=more, **BY_FILE).replace("model: planted", "model: churn")
    commit(init(shell.folder), {**files(0), "mlci.yml": text, **IGNORED})
    for wrong in numbers:
        candidate(shell, wrong)
        succeed(shell, "promote")


def candidate(shell: PageShell, wrong: int) -> None:
    """Commit and evaluate predictions that are wrong on these many rows of ten."""
    commit(shell.folder, {"preds.csv": predictions(wrong)}, f"wrong on {wrong} of ten")
    succeed(shell, "run")


def succeed(shell: PageShell, *words: str) -> str:
    """Run mlci and return what it printed."""
    code, printed = shell.mlci(*words)
    assert code == 0, printed
    return printed


def champion(shell: PageShell) -> int:
    """Return the number of the version in production."""
    return json.loads(succeed(shell, "versions", "--json"))["champion"]


def deploy_a_model(shell: PageShell) -> Iterator[None]:
    serve(shell.folder)
    yield
    yield
    assert (shell.folder / "deploy" / "model.yaml").is_file()
    yield
    assert shell.output.endswith("no difference\n")


def see_what_changed(shell: PageShell) -> Iterator[None]:
    promoted(shell, 4, 3, 2, 1)
    candidate(shell, 0)
    yield
    yield
    assert "accuracy" in shell.output


def import_a_model(shell: PageShell) -> Iterator[None]:
    text = files(1, baseline="production")
    commit(init(shell.folder), {**text, **IGNORED, "models/churn.onnx": "2"})
    yield
    assert champion(shell) == 1


def promote_a_model(shell: PageShell) -> Iterator[None]:
    promoted(shell, 2)
    commit(shell.folder, {"preds.csv": predictions(1)})
    yield
    yield
    assert champion(shell) == 2
    assert "release 2026-11" in succeed(shell, "ledger", "log")


def back_up_and_restore(shell: PageShell) -> Iterator[None]:
    commit(init(shell.folder), {**files(2, baseline="production"), **IGNORED})
    succeed(shell, "run")
    succeed(shell, "promote")
    yield
    assert "backed up 1 entry and " in shell.output
    yield
    assert "anchor: 1:" in shell.output
    yield
    assert "backed up 0 entries and 0 files" in shell.output
    (shell.folder / ".mlci/registry").rename(shell.folder / ".mlci/lost")
    yield
    assert "the predictions are identical" in shell.output
    yield
    assert champion(shell) == 1
    yield
    assert "the ledger is whole" in shell.output


def remove_files(shell: PageShell) -> Iterator[None]:
    promoted(shell, 2, 1)
    yield
    assert "would remove 0 unused files and 0 files of predictions" in shell.output
    yield
    assert "removed 0 unused files" in shell.output


def repair_a_registry(shell: PageShell) -> Iterator[None]:
    promoted(shell, 3, 2)
    for path in shell.folder.glob(".mlci/registry/*/files/*/*"):
        if path.read_bytes() == predictions(3).encode():
            path.unlink()
    candidate(shell, 1)
    assert shell.mlci("promote")[0] == 4
    yield
    assert champion(shell) == 3


def reproduce_a_version(shell: PageShell) -> Iterator[None]:
    for wrong in (3, 2):
        commit(init(shell.folder), {**files(wrong, baseline="production"), **IGNORED})
        succeed(shell, "run")
        succeed(shell, "promote")
    yield
    assert "Version 2 is reproduced: the same bytes" in shell.output
    yield
    yield
    assert "version 2, trained again: identical (5 trainings; entry 3)" in shell.output, shell.output


def roll_back(shell: PageShell) -> Iterator[None]:
    promoted(shell, 4, 3, 2, 1, 0)
    yield
    assert champion(shell) == 4
    yield
    assert champion(shell) == 3


def verify_a_registry(shell: PageShell) -> Iterator[None]:
    promoted(shell, 1)
    yield
    yield
