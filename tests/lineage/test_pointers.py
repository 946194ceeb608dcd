"""Data pointers in a repository. The files below ``dvc/`` were written by DVC 3.67.1."""

import shutil
from pathlib import Path

from mlci.git.data_pointers import data_pointers
from mlci.git.git import changed_files
from tests.support.repository import commit, git, init, open_git

HERE = Path(__file__).parent / "dvc"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n"
RAW, TRAIN, AFTER = (
    "ef072a150d9ebe94f3243cdd818fa601.dir",
    "e5ebd4c02cefbe7955977c67ada242b7",
    "1919efab7e3f5c4cc7e9e96f26663db9",
)

PIPELINE = """\
schema: '2.0'
stages:
  get:
    deps: [{path: get.py, md5: a}]
    outs: [{path: d.csv, md5: b}]
  fit:
    deps: [{path: d.csv, md5: b}]
    outs: [{path: m.bin, md5: c}]
"""


def repository(folder: Path) -> Path:
    init(folder)
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("after"))
    git(folder, "add", "--all", "--force")
    commit(folder, {"train.py": "x", "metrics.json": "{}"})
    return folder


def test_data_pointers__dvc_without_code_and_outputs(tmp_path):
    assert data_pointers(open_git(repository(tmp_path))) == {
        "data/raw": f"md5:{RAW}",
        "data/train.csv": f"md5:{TRAIN}",
        "sub/deep/ext.csv": "md5:fbade9e36a3f36d3d676c1b808451dd7",
    }


def test_data_pointers__changed_data(tmp_path):
    folder = repository(tmp_path)
    before = git(folder, "rev-parse", "HEAD")
    # written now, as an editor would: with the old times of files that are as long, git looks no further
    shutil.copytree(HERE / "after", folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    assert data_pointers(open_git(folder))["data/train.csv"] == f"md5:{AFTER}"
    assert changed_files(open_git(folder), before) == {"data/train.csv.dvc": "changed", "dvc.lock": "changed"}


def test_data_pointers__stage_without_dependencies(tmp_path):
    commit(init(tmp_path), {"sub/dvc.lock": PIPELINE, "sub/get.py": ""})
    assert data_pointers(open_git(tmp_path)) == {"sub/d.csv": "md5:b"}


def test_data_pointers__git_lfs(tmp_path):
    commit(
        init(tmp_path), {".gitattributes": "*.bin filter=lfs\n", "a.bin": LFS.format("1" * 64), "b.bin": "no pointer"}
    )
    assert data_pointers(open_git(tmp_path)) == {"a.bin": f"sha256:{'1' * 64}"}


def test_data_pointers__other_files(tmp_path):
    files = {"a.dvc": "outs: [1, {path: 2}, {path: x}, {md5: y}]", "b.dvc": "[", "c.dvc": "- 1", "d.dvc": "&a [*a]"}
    commit(init(tmp_path), {**files, "dvc.lock": "stages: {a: 1, b: {deps: {}}}"})
    assert data_pointers(open_git(tmp_path)) == {}


def test_data_pointers__outside_of_git(tmp_path):
    assert data_pointers(open_git(tmp_path)) == {}


def test_changed_files__between_two_commits(tmp_path):
    odd = "a\tb 'ü.py"
    first = commit(init(tmp_path), {"a.py": "1", "b.py": "1", "c.py": "1"})
    git(tmp_path, "rm", "--quiet", "b.py")
    second = commit(tmp_path, {"a.py": "2", odd: "1"})
    assert changed_files(open_git(tmp_path), first, second) == {"a.py": "changed", "b.py": "removed", odd: "added"}
    assert changed_files(open_git(tmp_path), second, second) == {}
    assert changed_files(open_git(tmp_path), "0" * 40, second) is None
