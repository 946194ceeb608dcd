"""`mlci reproduce` in a fresh environment from the version's own lock file, with real uv and real wheels."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.project import PYTHON, mlci
from tests.support.registry.lifecycle import DAMAGE, bodies, file_of, files, manifest, promote_run
from tests.support.repository import commit, git, init

UV = Path(sys.executable).parent / "uv"
HERE = ".".join(map(str, sys.version_info[:2]))
TRAIN = """\
import os, sys
try:
    from tiny import VERSION
except ImportError:
    VERSION = "none"
k = open("k.txt").read().strip()
open(os.environ["MLCI_MODEL"], "w").write(f"{k} {VERSION}")
"""
PREDICT = """\
import csv, os
k = int(open(os.environ["MLCI_MODEL"]).read().split()[0])
rows = list(csv.DictReader(open(os.environ["MLCI_DATA"])))
with open(os.environ["MLCI_PREDICTIONS"], "w") as out:
    out.write("id,p\\n")
    for row in rows:
        out.write(f"{row['id']},{1 - int(row['x']) if int(row['id']) % 10 < k else int(row['x'])}\\n")
"""
PROJECT = """\
[project]
name = "planted"
version = "1"
requires-python = ">=3.11"
dependencies = ["tiny==1.0"]
[tool.uv.sources]
tiny = {path = "wheels/tiny-1.0-py3-none-any.whl"}
"""


def wheel(folder: Path, version: str) -> Path:
    """Write a package that contains its version."""
    path = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    members = {
        "tiny.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in (*members, f"{info}/RECORD")))
    return path


def uv(folder: Path, *words) -> None:
    done = subprocess.run([UV, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def job(home: Path, version: str) -> dict[str, str]:
    """Make a job's environment with some release of the package in it."""
    place = home / f"job-{version}"
    if not place.exists():
        uv(home, "venv", "--python", HERE, place)
        uv(home, "pip", "install", "--python", place, wheel(home / "others", version))
    return {"PATH": f"{place / 'bin'}:{UV.parent}:{os.environ['PATH']}"}


def lock_package(folder: Path, kind: str) -> None:
    """Lock the package's release 1.0, which lies in the repository."""
    wheel(folder / "wheels", "1.0")
    if kind == "requirements.txt":
        (folder / kind).write_text("./wheels/tiny-1.0-py3-none-any.whl\n")
        return
    (folder / "pyproject.toml").write_text(PROJECT)
    uv(folder, "lock", "--python", HERE)
    if kind == "pylock.toml":
        uv(folder, "export", "--python", HERE, "--format", "pylock.toml", "--output-file", kind, "--no-emit-project")
        (folder / "uv.lock").unlink()


@pytest.fixture
def project(tmp_path):
    """Return a function that promotes a version with a lock file of some kind, made where that release is installed."""

    def promote(kind, below="."):
        folder = tmp_path / "project"
        init(folder)
        text = files(2)
        text["mlci.yml"] = text["mlci.yml"].replace(PYTHON, "exec python")
        for name, data in {**text, "train.py": TRAIN, "predict.py": PREDICT}.items():
            (folder / below / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / below / name).write_text(data)
        if kind is not None:
            lock_package(folder, kind)
        git(folder, "add", "--all")
        commit(folder, {".gitignore": ".mlci/\nmodel.txt\n__pycache__/\n*.egg-info/\nbuild/\n"})
        assert promote_run(folder / below, **job(tmp_path, "1.0")) == 1
        return folder / below

    return promote


def reproduce(folder, *more, **environment):
    ended = mlci("reproduce", "--json", *more, cwd=folder, **environment)
    assert ended.out, ended.err
    return json.loads(ended.out)


@pytest.mark.parametrize("kind", ["requirements.txt", "uv.lock", "pylock.toml"])
def test_reproduce__trains_with_the_locked_release(project, tmp_path, kind):
    """The job that reproduces has another release installed; only the lock file leads to the same bytes."""
    folder = project(kind)
    assert kind in [item["name"] for item in manifest(folder)["environment"]["lock"]]
    elsewhere = job(tmp_path, "2.0")
    found = reproduce(folder, "-k", 2, **elsewhere)
    assert (found["outcome"], found["identical"]) == ("identical", "bytes")
    assert found["notes"] == [f"trained in a fresh environment from its `{kind}`"]
    other = reproduce(folder, "--environment", "job", **elsewhere)
    assert (other["outcome"], other["identical"]) == ("identical", "predictions")
    assert other["notes"] == ["trained in the environment of this job"]
    first, again = (item["reruns"][0]["model"] for item in (found, other))
    assert first == manifest(folder)["files"][0]["digest"] == hashlib.sha256(b"2 1.0").hexdigest()
    assert again == hashlib.sha256(b"2 2.0").hexdigest()


def test_reproduce__lock_file_beside_the_configuration_includes_another(project, tmp_path):
    folder = project("requirements.txt", below="models/a")
    assert reproduce(folder, **job(tmp_path, "2.0"))["identical"] == "bytes"


def test_reproduce__no_lock_file(project, tmp_path):
    folder = project(None)
    found = reproduce(folder, **job(tmp_path, "2.0"))
    assert (found["identical"], found["notes"]) == ("predictions", ["trained in the environment of this job"])


def test_reproduce__uv_not_installed(project):
    folder = project("requirements.txt")
    ended = mlci("reproduce", cwd=folder, PATH="/usr/bin:/bin", RUNNER_TEMP="")
    assert (ended.code, ended.out) == (2, "")
    assert (
        "fresh environment from its `requirements.txt`, and uv, which makes it, is not on PATH: `pip install uv`"
        in ended.err
    )
    assert [body.kind for body in bodies(folder)] == ["promotion"]


def test_reproduce__package_not_installable(project, tmp_path):
    folder = project("requirements.txt")
    commit(folder, {"requirements.txt": "./wheels/tiny-9.0-py3-none-any.whl\n"})
    assert promote_run(folder, **job(tmp_path, "1.0")) == 2
    ended = mlci("reproduce", cwd=folder, **job(tmp_path, "2.0"))
    assert (ended.code, ended.out) == (3, "")
    assert "rerun 1 environment" in ended.err
    assert "tiny-9.0" in ended.err
    assert "`requirements.txt` of version 2, or `--environment job`" in ended.err


def test_reproduce__damaged_lock_file(project, tmp_path):
    folder = project("requirements.txt")
    DAMAGE["altered"](file_of(folder, manifest(folder)["environment"]["lock"][0]["digest"]))
    ended = mlci("reproduce", cwd=folder, **job(tmp_path, "2.0"))
    assert (ended.code, ended.out) == (4, "")
    assert "`requirements.txt` of version 1 was altered" in ended.err


def test_drill__scores_with_the_locked_release(project, tmp_path):
    """The champion's predict step needs the locked release, and the job has another one."""
    folder = project("requirements.txt")
    uses = "import tiny\nassert tiny.VERSION == '1.0', tiny.VERSION\n"
    commit(folder, {"predict.py": f"{uses}{PREDICT}"})
    assert promote_run(folder, **job(tmp_path, "1.0")) == 2
    assert mlci("backup", tmp_path / "backup", cwd=folder).code == 0
    elsewhere = job(tmp_path, "2.0")
    ended = mlci("drill", tmp_path / "backup", "--json", cwd=folder, **elsewhere)
    assert ended.code == 0, ended.err
    assert ended.report["scored"]["agreement"] == "identical"
    assert ended.report["scored"]["where"] == "in a fresh environment from its `requirements.txt`"
    other = mlci("drill", tmp_path / "backup", "--environment", "job", cwd=folder, **elsewhere)
    assert (other.code, "AssertionError: 2.0" in other.err) == (3, True)
