"""Edits of a change to its own judging, by git: named in the report, whatever the verdict."""

import pytest

from tests.support import project
from tests.support.project import run
from tests.support.repository import commit, init, start_branch


@pytest.fixture(scope="module")
def lowered(tmp_path_factory):
    """A branch that raises its own limit, beside an evaluation set and a workflow of its own."""
    folder = tmp_path_factory.mktemp("lowered")
    init(folder)
    commit(folder, project.files(1, train="", predict="predict: {file: p.csv, decision: p}\n") | {
        "p.csv": project.predictions(1)})  # fmt: skip
    start_branch(folder, "topic")
    text = (folder / "mlci.yml").read_text()
    commit(folder, {"mlci.yml": text.replace("0.05", "0.50"), "p.csv": project.predictions(3),
                    ".github/workflows/ci.yml": "on: push\n"})  # fmt: skip
    return folder


def test_run__change_that_lowers_its_limits(lowered):
    ended = run(lowered, "--changed-since", "main")
    assert ended.code == 0, ended.err
    changes = [{"path": ".github/workflows/ci.yml", "what": "workflow"}, {"path": "mlci.yml", "what": "limits"}]
    assert ended.report["judging"] == {"used": True, "changes": changes, "more": 0, "unlisted": 0}
    text = (lowered / ".mlci/out/comment.md").read_text("utf-8")
    assert "They were used for this report" in text
    assert "(limits)" in text
    assert run(lowered).report["judging"] is None
