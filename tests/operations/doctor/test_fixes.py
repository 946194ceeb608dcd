import json
import shutil
import sys
from pathlib import Path

import pytest

from mlci.operations.doctor.checks.finding import Finding, LineInsertion
from mlci.operations.doctor.doctor import apply_fixes, check_setup, insert_lines
from mlci.operations.doctor.workflows import WorkflowFile
from tests.support.project import mlci
from tests.support.setups import GATE, good_repository, pin, template, with_workflow

ALONE = {"GITHUB_TOKEN": "", "MLCI_TOKEN": "", "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
MISSING = [
    "  merge_group:\n",
    "    timeout-minutes: 60\n",
    "      checks: write # to write the check\n",
    "      pull-requests: write # to write the comment\n",
    "          fetch-depth: 0 # a baseline can be another commit\n",
]
PERMISSIONS = template()[template().index("    permissions:\n") : template().index("    steps:\n")]


def without(*lines):
    text = template()
    for line in lines:
        assert line in text
        text = text.replace(line, "")
    return text


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return good_repository(tmp_path_factory.mktemp("fixes") / "good", mlci=without(*MISSING))


@pytest.fixture
def repository(good, tmp_path):
    return shutil.copytree(good, tmp_path / "planted", symlinks=True)


def test_doctor__fix(repository):
    end = "\r\n"
    workflow, ignored = repository / GATE, repository / ".gitignore"
    before = without(*MISSING).replace("\n", end)
    workflow.write_bytes(before.encode())
    ignored.write_bytes(b"model.txt")
    ended = mlci("doctor", "--fix", "--json", cwd=repository, **ALONE)
    document = json.loads(ended.out)
    assert (ended.code, document["findings"], len(document["fixed"])) == (0, [], 6)
    after = workflow.read_bytes().decode()
    lines = after.splitlines(keepends=True)
    assert iter_contains(lines, before.splitlines(keepends=True))
    assert len(lines) == len(before.splitlines()) + len(MISSING)
    assert all(line.endswith(end) for line in lines)
    assert ignored.read_bytes() == b"model.txt\n.mlci/\n"


def iter_contains(lines, wanted):
    """Return whether the wanted lines stand among the lines, in their order."""
    rest = iter(lines)
    return all(line in rest for line in wanted)


def contents(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.parts)
    return {path: path.read_bytes() for path in files}


def test_doctor__without_fix_nothing_is_written(repository):
    before = contents(repository)
    ended = mlci("doctor", cwd=repository, **ALONE)
    assert ended.code == 1
    line = without(*MISSING).partition("- name: Check out")[0].count("\n") + 1
    assert f"✗ error: checkout-shallow   {GATE}:{line}" in ended.out
    assert ended.out.endswith("2 errors, 3 warnings\n")
    assert contents(repository) == before


def test_doctor__no_configuration(tmp_path):
    ended = mlci("doctor", cwd=tmp_path)
    assert (ended.code, "the file does not exist" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("on:\n  pull_request:\n  merge_group:\n", "on: [pull_request]\n", "trigger-merge-group-missing"),
        (
            PERMISSIONS,
            "    permissions: {contents: read, statuses: write, pull-requests: write}\n",
            "permission-checks-missing",
        ),
        ("checks: write", "checks: read", "permission-checks-missing"),
    ],
)
def test_fix__left_to_the_user_where_a_line_is_not_enough(old, new, name):
    assert old in template()
    found = check_setup(with_workflow(template().replace(old, new)))
    assert [(one.name, one.fix) for one in found] == [(name, None)]


def test_fix__checkout_without_inputs():
    step = f"- uses: {pin('actions/checkout')}"
    text = f"""{template().partition("      - name: Check out")[0]}      {step}
      - run: "true"
      - uses: {pin("mlci/mlci")}
"""
    found = check_setup(with_workflow(text))
    fix = next(one.fix for one in found if one.name == "checkout-shallow")
    assert fix is not None
    fixed = insert_lines(text, fix)
    assert fixed == text.replace(f"{step}\n", f"{step}\n        with:\n          fetch-depth: 0\n")
    assert {one.name for one in check_setup(with_workflow(fixed))} == {"checkout-keeps-token"}


@pytest.mark.parametrize(
    "insertion",
    [
        LineInsertion(path=GATE, after=1, lines=("b: 1",), place=("b",), value=2),
        LineInsertion(path=GATE, after=1, lines=("a: 1",), place=("a",), value=1),
        LineInsertion(path=GATE, after=1, lines=("b: 1", "c: 1"), place=("b",), value=1),
        LineInsertion(path=GATE, after=1, lines=("  b: 1",), place=("b",), value=1),
    ],
)
def test_insert_lines__refused_if_more_would_change(insertion):
    assert insert_lines("a: 0\nz: 0\n", insertion) is None


def test_workflow_file__anchors_and_hostile_text():
    shared = WorkflowFile(GATE, "on: push\njobs:\n  a: &job\n    steps: [{run: mlci run}]\n  b: *job\n")
    assert [job.evaluates for job in shared.jobs] == [True, True]
    bomb = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
    assert WorkflowFile(GATE, bomb).nodes.error is not None
    assert WorkflowFile(GATE, "a: [1\n").nodes.error is not None
    assert WorkflowFile(GATE, "").jobs == ()


def ignore(path):
    fix = LineInsertion(path=path, after=None, lines=(".mlci/",))
    return Finding(name="out-not-ignored", severity="warning", what="", why="", lines="", fix=fix)


def test_apply_fixes__keeps_the_mode_and_creates_a_missing_file(tmp_path):
    (tmp_path / "a").write_text("x", "utf-8")
    (tmp_path / "a").chmod(0o640)
    assert len(apply_fixes(tmp_path, [ignore("a"), ignore("b")])) == 2
    assert [(tmp_path / name).read_text("utf-8") for name in "ab"] == ["x\n.mlci/\n", ".mlci/\n"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_apply_fixes__file_that_is_left_as_it_is(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * (1 << 20) + b"y")
    (tmp_path / "latin").write_bytes(b"\xe9\n")
    (tmp_path / "target").write_bytes(b"t")
    (tmp_path / "link").symlink_to("target")
    before = contents(tmp_path)
    assert apply_fixes(tmp_path, [ignore("large"), ignore("latin"), ignore("link")]) == []
    assert contents(tmp_path) == before
