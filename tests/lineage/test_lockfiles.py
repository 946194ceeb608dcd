"""Packages of lock files of many tools."""

import pytest

from mlci.lineage.lock_files import locked_packages

REQUIREMENTS = """\
# comment
-r other.txt
--index-url https://x
numpy==1.26.4 \\
    --hash=sha256:aa
Scikit_Learn[x]>=1.4,<2 ; python_version > '3'
mine @ https://user:secret@example.org/mine.whl
pandas
"""
CONDA = """\
name: x
channels:
  - conda-forge
dependencies:
  - numpy=1.26
  - conda-forge::scipy
  - pip:
    - z==1
"""
FILES = {
    "requirements.txt": (
        REQUIREMENTS,
        {"numpy": "1.26.4", "scikit-learn": ">=1.4,<2", "pandas": "any version"},
    ),
    "uv.lock": ('version = 1\n[[package]]\nname = "numpy"\nversion = "2.0.1"\n', {"numpy": "2.0.1"}),
    "pylock.toml": ('lock-version = "1.0"\n[[packages]]\nname = "a.b"\nversion = "1"\n', {"a-b": "1"}),
    "poetry.lock": ('[[package]]\nname = "A"\nversion = "3"\n[[package]]\nname = "a"\nversion = "2"\n', {"a": "2, 3"}),
    "Pipfile.lock": ('{"_meta": {}, "default": {"x": {"version": "==1.0"}}, "develop": {"y": {}}}', {"x": "1.0"}),
    "renv.lock": ('{"R": {}, "Packages": {"dplyr": {"Package": "dplyr", "Version": "1.1.4"}}}', {"dplyr": "1.1.4"}),
    "conda-lock.yml": (
        "version: 1\npackage:\n- name: numpy\n  manager: conda\n  version: 1.26.4\n- name: zlib\n  version: '1.3'\n",
        {"numpy": "1.26.4", "zlib": "1.3"},
    ),
    "environment.yml": (
        CONDA,
        {"numpy": "1.26", "scipy": "any version", "z": "1"},
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_locked_packages__every_tool(name):
    text, pins = FILES[name]
    found = locked_packages({f"sub/{name}": text.encode()})
    assert {package: found[package] for package in pins} == pins
    assert "secret" not in str(found)
    assert not {"conda-forge", "pip", "hash"} & set(found)


@pytest.mark.parametrize("name", [*(name for name in FILES if name != "requirements.txt"), "pixi.lock"])
@pytest.mark.parametrize("data", [b"\xff", b"[", b"[[package]]\nversion = 1", b"{}", b'{"default": [1]}', b"null"])
def test_locked_packages__unreadable_file(name, data):
    assert not locked_packages({name: data})


def test_locked_packages__one_readable_file():
    assert locked_packages({"uv.lock": b"[", "requirements.txt": b"numpy==1"}) == {"numpy": "1"}
    assert locked_packages({}) is None
