import subprocess
import sys

import pytest

from tests.language import CHECKED, EXCLUDED, ROOT, findings

PLANTED = {
    "a.py": (
        '"""Whether a file is there."""\n\n\ndef read(otherwise_name):\n    """Read.\n\n    Raises:\n'
        '        OSError: It is not.\n        ValueError: if it is empty.\n    """\n    # There is\n    # no file.\n'
        '    x_told = "a folder of"\n    return "this is no " "file", x_told, "of " f"ours"\n'
    ),
    "b.md": 'He said "nobody is no one", `is no` and\nthat somebody is\nno longer here; it is\nno use.\n',
    "test_d.py": (
        "def test_good__empty_file(): ...\n\n\nclass TestD:\n    def test_a_bad_one(self): ...\n"
        "    def test__bad(self): ...\n"
    ),
    "c.yml": "description: Whoever runs it, is no longer unlucky; luckily\n",
}
FOUND = {
    "a.py": [
        (1, "question word"),
        (4, "otherwise_name"),
        (8, "OSError"),
        (11, "is # no"),
        (13, "told"),
        (14, "is no"),
        (14, "of ours"),
        (14, "told"),
    ],
    "b.md": [(2, "somebody"), (3, "is no")],
    "test_d.py": [(5, "test_a_bad_one"), (6, "test__bad")],
    "c.yml": [(1, "Whoever"), (1, "luckily")],
}


def test_language__this_checkout():
    assert all((ROOT / place).exists() for place in CHECKED)
    assert list(findings(ROOT)) == []


@pytest.mark.parametrize("name", EXCLUDED)
def test_language__exclusion_is_needed(name):
    assert list(findings(ROOT, (name,))) != []


@pytest.mark.parametrize("name", PLANTED)
def test_language__planted(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_text(PLANTED[name], "utf-8")
    found = list(findings(tmp_path, ("folder",)))
    assert len(found) == len(FOUND[name]), found
    for line, (number, what) in zip(found, FOUND[name], strict=True):
        assert line.startswith(f"folder/{name}:{number}: ")
        assert what in line.replace('" f"', ""), line


@pytest.mark.parametrize(("arguments", "status"), [(("README.md",), 0), (("tests/test_language.py",), 1)])
def test_language__exit_status(arguments, status):
    command = [sys.executable, "-m", "tests.language", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert bool(done.stderr) is bool(status)
