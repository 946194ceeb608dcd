"""`mlci card` and `mlci verify` on a registry: documents of a promoted version, and one changed byte."""

import json

import pytest

from tests.support.project import mlci
from tests.support.registry.lifecycle import champion, file_of, promote_run, store

CARD = "card: {intended_use: Rank applications., owners: [risk-team], license: mit}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return champion(tmp_path_factory.mktemp("governed"), 1, more=CARD)


def test_card__documents_of_the_version_in_production(folder):
    done = mlci("card", "--folder", "governance", cwd=folder)
    assert done.code == 0, done.err
    written = {path.name: path.read_text("utf-8") for path in (folder / "governance").iterdir()}
    assert set(written) == {"card.md", "card.html", "bom.json", "summary.json", "subjects.sha256"}
    assert "Rank applications." in written["card.md"]
    assert written["subjects.sha256"].endswith("  model/model.txt\n")
    assert mlci("card", "1", cwd=folder).out == written["card.md"]
    mlci(
        "card", "--bom", "own/bom.json", "--summary", "own/s.json", "--format", "html", "--output", "c.html", cwd=folder
    )
    assert (folder / "own" / "bom.json").read_text("utf-8") == written["bom.json"]
    assert (folder / "own" / "s.json").read_text("utf-8") == written["summary.json"]
    assert (folder / "c.html").read_text("utf-8") == written["card.html"]
    assert "retrain" not in written["card.md"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["card", "7"], "has no version 7; `mlci versions` lists them"),
        (["verify", "7"], "has no version 7; `mlci versions` lists them"),
        (["card", "--folder", "x", "--bom", "y"], "--folder writes all documents"),
        (["verify", "--model", "missing.bin"], "missing.bin: the model to verify does not exist"),
        (["verify", "--documents", "."], "has none of card.md"),
    ],
)
def test_commands__wrong_input(folder, arguments, words):
    done = mlci(*arguments, cwd=folder)
    assert done.code == 2
    assert words in done.err


def test_verify__same_bytes(folder):
    mlci("card", "--folder", "same", cwd=folder)
    done = mlci("verify", "1", "--model", "model.txt", "--documents", "same", cwd=folder)
    assert done.code == 0, done.out
    assert done.out.count("same  ") == 6
    (folder / "same" / "bom.json").unlink()
    done = mlci("verify", "1", "--documents", "same", cwd=folder)
    assert (done.code, "MISSING  bom.json" in done.out) == (1, True)


@pytest.mark.parametrize("name", ["card.md", "card.html", "bom.json", "summary.json", "subjects.sha256"])
def test_verify__one_changed_byte_of_a_document(folder, name):
    mlci("card", "--folder", name.replace(".", "-"), cwd=folder)
    path = folder / name.replace(".", "-") / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = mlci("verify", "--documents", path.parent, "--json", cwd=folder)
    assert done.code == 1
    changed = [one for one in json.loads(done.out)["compared"] if not one["same"]]
    assert [one["name"] for one in changed] == [name]
    assert changed[0]["difference"] == f"line {bytes(data[: len(data) // 2]).count(10) + 1}"


def test_verify__one_changed_byte_of_the_model(folder, tmp_path):
    (tmp_path / "model.txt").write_text("2")
    done = mlci("verify", "--model", tmp_path / "model.txt", cwd=folder)
    assert done.code == 1
    assert "CHANGED  model/model.txt: byte 1 differs; its sha256 is d4735e3a265e16ee" in done.out
    assert "the version has 6b86b273ff34fce1" in done.out


def test_verify__files_of_a_folder(folder, tmp_path):
    (tmp_path / "extra.py").write_text("print()")
    done = mlci("verify", "--model", tmp_path, cwd=folder)
    assert done.code == 1
    assert "MISSING  model/model.txt" in done.out
    assert "FOREIGN  model/extra.py" in done.out


def test_card__after_another_promotion(tmp_path):
    folder = champion(tmp_path, 2)
    mlci("card", "--folder", "governance", cwd=folder)
    (folder / "k.txt").write_text("1")
    assert promote_run(folder, "--note", "better") == 2
    text = mlci("card", "1", cwd=folder).out
    assert "It is not in production." in text
    assert "replaced by version 2" in text
    done = mlci("verify", "1", "--documents", "governance", cwd=folder)
    assert done.code == 1
    assert "CHANGED  card.md" in done.out
    assert "same  bom.json" in done.out
    file_of(
        folder,
        store(folder) and json.loads(mlci("show", "1", "--json", cwd=folder).out)["manifest"]["files"][0]["digest"],
    ).write_text("9")
    damaged = mlci("verify", "1", cwd=folder)
    assert damaged.code == 4
    assert "`model.txt` of version 1 was altered" in damaged.err


def test_verify__attestation_that_is_not_a_bundle(folder):
    (folder / "bundle.json").write_text("{}")
    done = mlci("verify", "--attestation", "bundle.json", "--identity", "https://github.com/o/r", cwd=folder)
    assert done.code == 1
    assert "REFUSED  bundle.json: its signature does not count" in done.out
    assert "--attestation needs --identity" in mlci("verify", "--attestation", "bundle.json", cwd=folder).err
