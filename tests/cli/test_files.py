"""What lies in the place of a file that somebody else leaves: nothing is waited for or read without end."""

import os
import sys

import pytest

from mlci.cli.files import read_bounded
from tests.publish.test_command import CONFIG
from tests.usecases.project import mlci

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes in folders are POSIX")


def test_a_file_is_read_no_further_than_one_byte_too_many(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bounded(tmp_path / "file", 5) == b"12345"
    assert read_bounded(tmp_path / "file", 3) == b"1234"


@pytest.mark.parametrize("place", ["pipe", "folder", "/dev/zero", "none"])
def test_what_is_no_file_is_an_error(tmp_path, place):
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
def test_no_command_waits_for_a_pipe(tmp_path, name, arguments, environment):
    (tmp_path / "mlci.yml").write_text(CONFIG.replace("POLICY", "always"))
    (tmp_path / ".mlci/out").mkdir(parents=True)
    os.mkfifo(tmp_path / name)
    done = mlci(*arguments, cwd=tmp_path, **environment)
    assert done.code == 2, done.err
    assert "not a regular file" in done.err
