"""Files that another program controls: pipes, links and endless files neither block mlci nor are read completely."""

import os
import shutil
import sys

import pytest

from mlci.util.safe_files import append_bounded, read_bounded
from tests.support.project import files, mlci, run, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes in folders are POSIX")


def test_read_bounded__one_byte_beyond_the_limit(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bounded(tmp_path / "file", 5) == b"12345"
    assert read_bounded(tmp_path / "file", 3) == b"1234"


@pytest.mark.parametrize("place", ["pipe", "folder", "/dev/zero", "none"])
def test_read_bounded__not_a_regular_file(tmp_path, place):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"not a regular file|Is a directory|No such file"):
        read_bounded(tmp_path / place, 10)


@pytest.mark.parametrize(
    ("name", "arguments", "environment"),
    [
        (".mlci/out/evaluation.json", ["gate"], {}),
        (".mlci/out/report.json", ["report", ".mlci/out/report.json"], {}),
        ("event.json", ["publish"], {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "event.json"}),
    ],
    ids=["gate", "report", "publish"],
)
def test_commands__pipe_instead_of_a_file(tmp_path, name, arguments, environment):
    write(tmp_path, {"mlci.yml": files(0)["mlci.yml"]})
    (tmp_path / ".mlci/out").mkdir(parents=True)
    os.mkfifo(tmp_path / name)
    done = mlci(*arguments, cwd=tmp_path, **environment)
    assert done.code == 2, done.err
    assert "not a regular file" in done.err


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_append__not_a_regular_file(tmp_path, kind):
    (tmp_path / "elsewhere").write_text("untouched\n")
    path = tmp_path / "output"
    make = {
        "link": lambda: path.symlink_to(tmp_path / "elsewhere"),
        "dangling link": lambda: path.symlink_to(tmp_path / "new"),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
    }
    make[kind]()
    with pytest.raises(OSError, match=r"not a regular file|[Ii]s a directory"):
        append_bounded(path, b"verdict=pass\n")
    assert (tmp_path / "elsewhere").read_text() == "untouched\n"
    assert not (tmp_path / "new").exists()


def test_append__new_file(tmp_path):
    append_bounded(tmp_path / "output", b"a=1\n")
    append_bounded(tmp_path / "output", b"b=2\n")
    assert (tmp_path / "output").read_bytes() == b"a=1\nb=2\n"


@pytest.mark.parametrize("link", [".mlci", ".mlci/out"])
def test_run__link_in_the_output_folder(tmp_path, link):
    outside, folder = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    (outside / "report.json").write_text("{}")
    write(folder, files(2, baseline="none"))
    (folder / link).parent.mkdir(exist_ok=True)
    (folder / link).symlink_to(outside)
    done = mlci("run", cwd=folder)
    assert done.code == 2
    assert f"{link} is a symbolic link, and mlci writes through no links; remove it: `rm {link}`" in done.err
    assert [path.name for path in outside.iterdir()] == ["report.json"]


@pytest.fixture(scope="module")
def with_bundle(tmp_path_factory):
    """A project with the bundle of a run, to be copied."""
    folder = write(tmp_path_factory.mktemp("bundled"), files(2, baseline="production"))
    assert run(folder).code == 0
    return folder


@pytest.mark.parametrize("name", ["bundle.json", "bundle.sha256", "report.json"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_promote__link_or_pipe_in_a_bundle(with_bundle, tmp_path, name, kind):
    shutil.copytree(with_bundle, tmp_path, dirs_exist_ok=True)
    path = tmp_path / ".mlci/out/bundle" / name
    path.rename(tmp_path / name)
    if kind == "link":
        path.symlink_to(tmp_path / name)
    else:
        os.mkfifo(path)
    done = mlci("promote", cwd=tmp_path)
    assert done.code == 2, done.err
    says = [
        f"{name} is a symbolic link, not a plain",
        f"{name} is a device, pipe or socket",
        "is missing from the bundle",
    ]
    assert any(words in done.err for words in says)
