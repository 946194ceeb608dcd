"""Anchors: an older copy of the whole registry is noticed by what was kept outside of it."""

import shutil

import pytest

from mlci.recovery.anchor import Anchor, parse_anchor, parse_anchor_file
from mlci.registry.registry import Registry
from tests.support.project import mlci
from tests.support.registry import lifecycle
from tests.support.registry.histories import promote_versions, sha, stamp, verdict


@pytest.fixture
def project(tmp_path):
    """A repository with two entries in its registry."""
    folder = lifecycle.repository(tmp_path / "project", 3)
    promote_versions(lifecycle.store(folder), tmp_path)
    append(folder)
    return folder


def append(folder):
    return Registry(lifecycle.store(folder), stamp()).append(lambda _: verdict()).number


def newest(folder):
    store = lifecycle.store(folder)
    return f"{store.tail()}:{sha(store.read(store.tail()))}"


def test_ledger_verify__older_copy_of_the_whole_registry(project, tmp_path):
    anchor = tmp_path / "outside" / "anchor.json"
    first = mlci("ledger", "verify", "--anchor", anchor, cwd=project)
    assert (first.code, f"anchor: {newest(project)}" in first.out) == (0, True)
    older = shutil.copytree(project / ".mlci/registry", tmp_path / "older")
    append(project)
    assert mlci("ledger", "verify", "--anchor", anchor, "--json", cwd=project).report["anchor"] == newest(project)
    assert parse_anchor_file(anchor.read_text()).text == newest(project)
    shutil.rmtree(project / ".mlci/registry")
    shutil.copytree(older, project / ".mlci/registry")
    assert mlci("ledger", "verify", cwd=project).code == 0
    for command in (("ledger", "verify"), ("backup", tmp_path / "backup")):
        found = mlci(*command, "--anchor", anchor, cwd=project)
        assert found.code == 4
        assert "ends at entry 2, and the anchor names entry 3" in found.err
    assert not (tmp_path / "backup").exists()


def test_ledger_verify__rewritten_ledger(project):
    word = newest(project)
    for pasted in (word, f"anchor: {word}", f"`{word}`"):
        assert mlci("ledger", "verify", "--anchor", pasted, cwd=project).code == 0
    assert sorted(path.name for path in project.iterdir() if word in path.name) == []
    other = f"2:{'0' * 64}"
    found = mlci("ledger", "verify", "--anchor", other, cwd=project)
    assert (found.code, "entry 2 is not the one that the anchor names" in found.err) == (4, True)
    assert not (project / other).exists()


def test_backup__anchor_is_updated(project, tmp_path):
    anchor = tmp_path / "anchor.json"
    assert mlci("backup", tmp_path / "backup", "--anchor", anchor, cwd=project).code == 0
    assert parse_anchor_file(anchor.read_text()).text == newest(project)


def test_ledger_verify__file_is_not_an_anchor(project, tmp_path):
    (tmp_path / "notes").write_text("entry 2")
    found = mlci("ledger", "verify", "--anchor", tmp_path / "notes", cwd=project)
    assert (found.code, "is not an anchor" in found.err) == (2, True)
    assert (tmp_path / "notes").read_text() == "entry 2"


@pytest.mark.parametrize("given", ["2:0b5e", "2:0b5e…", "anchor: 2:" + "A" * 64, "0:" + "a" * 64])
def test_ledger_verify__cut_or_mistyped_entry(project, given):
    before = sorted(project.iterdir())
    for command in (["ledger", "verify"], ["backup", "../unused"]):
        found = mlci(*command, "--anchor", given, cwd=project)
        assert (found.code, "is not an entry of a ledger" in found.err) == (2, True)
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize("text", ["", "12", "0:" + "a" * 64, "1:abc", "x:" + "a" * 64, "1:" + "A" * 64, "[1]", "{}"])
def test_parse_anchor__other_text(text):
    assert parse_anchor(text) is parse_anchor_file(text) is None


def test_parse_anchor__round_trip():
    anchor = Anchor(number=12, digest="ab" * 32)
    assert parse_anchor(anchor.text) == parse_anchor_file(anchor.document) == parse_anchor_file(anchor.text) == anchor
