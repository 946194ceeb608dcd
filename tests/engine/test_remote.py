"""Remote tables; pyarrow's local file system takes the place of a store."""

import io
import subprocess
import sys

import pytest

from mlci.engine.tables import files
from mlci.errors import InputError, OutsideError, Problem
from tests.engine.tables import text


def test_copy__files_and_globs(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt"):
        text(tmp_path, name, name)
    target = tmp_path / "copies"
    target.mkdir()
    found = files._copy(f"file://{tmp_path}/*.csv", target)
    assert [url for url, _ in found] == [f"file://{tmp_path}/a.csv", f"file://{tmp_path}/b.csv"]
    assert [path.read_text() for _, path in found] == ["a.csv", "b.csv"]
    assert files._copy(f"file://{tmp_path}/c.txt", target)[0][1].read_text() == "c.txt"


def test_copy__not_found(tmp_path):
    with pytest.raises(InputError, match="no file matches this glob"):
        files._copy(f"file://{tmp_path}/*.csv", tmp_path)
    with pytest.raises(OutsideError, match=r"missing\.csv"):
        files._copy(f"file://{tmp_path}/missing.csv", tmp_path)


def test_copy__size_limit():
    too_large, out = Problem("is too large", "https://example.org/t.csv"), io.BytesIO()
    files.copy_bounded(io.BytesIO(b"x" * 10), out, 10, too_large)
    assert out.getvalue() == b"x" * 10
    with pytest.raises(InputError, match=r"t\.csv: is too large"):
        files.copy_bounded(io.BytesIO(b"x" * 11), io.BytesIO(), 10, too_large)


def test_download__unreachable_server(tmp_path):
    with pytest.raises(OutsideError, match="could not be downloaded"):
        files.download("https://127.0.0.1:9/t.csv", tmp_path / "t", timeout=2)


def test_copy__pyarrow_not_installed():
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\nfrom mlci.engine.tables import files\n"
        "files._copy('s3://bucket/t.csv', Path())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith(
        "s3://bucket/t.csv: reading s3:// and gs:// needs pyarrow: pip install 'mlci[remote]'\n"
    )


def test_engine__imports_duckdb_and_numpy_only():
    code = (
        "import sys, mlci.engine.duckdb_engine\n"
        "heavy = {'pandas', 'pyarrow', 'sklearn', 'scipy', 'urllib.request', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
