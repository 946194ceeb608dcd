"""Sealed labels: `mlci seal` and its files, keys that do not fit, and a gate that opens them."""

import base64
import json
import stat
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.errors import InputError
from mlci.lineage.rows import SCHEMA
from mlci.sealed.label_seal import (
    LabelSeal,
    dump_seal,
    new_private_key,
    open_seal,
    parse_private_key,
    parse_seal,
    public_key_of,
    seal_labels,
)
from tests.support.project import BY_FILE, config, holdout, mlci, predictions, write
from tests.support.registry.lifecycle import IGNORED, files, promote_run
from tests.support.repository import commit, init
from tests.support.sealed_scene import sealed_files

PRIVATE, OTHER = new_private_key(), new_private_key()
SEALED = seal_labels(b"id,y\n1,1\n", public_key_of(PRIVATE))


@pytest.fixture
def project(tmp_path):
    """A project with labels in its evaluation set, a key's place outside of it, and a table of an honest model."""
    made = write(tmp_path / "p", {"mlci.yml": config(baseline="none", **BY_FILE), "holdout.csv": holdout()})
    (made / "preds.csv").write_text(predictions(1))
    return made


def seal(folder, *more, **environment):
    return mlci("seal", "--key", folder.parent / "key", *more, cwd=folder, **environment)


def sealed_config(text):
    return text.replace("data: holdout.csv", "data: holdout_features.csv\n  labels: holdout_labels.sealed")


def key_of(folder):
    return (folder.parent / "key").read_text()


def test_seal__files_and_next_steps(project):
    done = seal(project)
    assert done.code == 0, done.err
    assert (project / "holdout.csv").read_text() == holdout()
    header = (project / "holdout_features.csv").read_text().split("\n", 1)[0]
    assert header == "id,x"
    file = (project / "holdout_labels.sealed").read_bytes()
    assert key_of(project).strip().encode() not in file
    assert stat.S_IMODE((project.parent / "key").stat().st_mode) == 0o600
    for line in ("data: holdout_features.csv", "labels: holdout_labels.sealed", "gh secret set MLCI_LABEL_KEY"):
        assert line in done.out
    assert key_of(project).strip() not in done.out + done.err


def test_seal__same_numbers_as_plain_labels(project):
    plain = mlci("run", "--json", cwd=project)
    seal(project)
    (project / "mlci.yml").write_text(sealed_config((project / "mlci.yml").read_text()))
    (project / "holdout.csv").unlink()
    opened = mlci("run", "--json", cwd=project, MLCI_LABEL_KEY=key_of(project))
    before, after = json.loads(plain.out), json.loads(opened.out)
    assert before["metrics"] == after["metrics"]
    assert before["evaluation"]["fingerprint"] == after["evaluation"]["fingerprint"]
    assert (before["evaluation"]["sealed"], after["evaluation"]["sealed"]) == (False, True)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (None, "holds sealed labels, and MLCI_LABEL_KEY, the key that opens them, is not set"),
        (OTHER, "these are sealed to another public key"),
        ("mlci-label-key-AAAA", "the label key is not one"),
        ("mlci-label-public-" + "A" * 44, "this is the public key"),
    ],
    ids=["none", "another", "cut", "public"],
)
def test_run__label_key_that_does_not_open(project, key, words):
    seal(project)
    (project / "mlci.yml").write_text(sealed_config((project / "mlci.yml").read_text()))
    done = mlci("run", cwd=project, **({"MLCI_LABEL_KEY": key} if key else {}))
    assert done.code == 2
    assert words in done.err
    assert key is None or key not in done.err


def test_seal__twice(project):
    seal(project)
    again = mlci("seal", "--key", project.parent / "other", cwd=project)
    assert (again.code, (project.parent / "other").exists()) == (2, False)
    assert "exists, and is not overwritten" in again.err
    (project / "mlci.yml").write_text(sealed_config((project / "mlci.yml").read_text()))
    assert "the labels are sealed already" in mlci("seal", "--key", project.parent / "other", cwd=project).err


def test_seal__key_in_the_repository(project):
    subprocess.run(["git", "init", "-q", "."], cwd=project, check=True)
    done = mlci("seal", "--key", "key", cwd=project)
    assert (done.code, (project / "key").exists()) == (2, False)
    assert "is in the repository" in done.err


def test_seal__labels_in_history(project):
    subprocess.run(["git", "init", "-q", "."], cwd=project, check=True)
    commit(project, {"holdout.csv": holdout()})
    done = seal(project, "--json")
    first = subprocess.run(["git", "log", "--format=%h"], cwd=project, check=True, capture_output=True, text=True)
    assert json.loads(done.out)["in_history"] == first.stdout.strip()
    (project / "mlci.yml").write_text(sealed_config((project / "mlci.yml").read_text()))
    report = json.loads(mlci("run", "--json", cwd=project, MLCI_LABEL_KEY=key_of(project)).out)
    assert report["evaluation"]["sealed"] is False
    assert f"commit {first.stdout.strip()} holds them in plain text" in mlci("seal", "--check", cwd=project).out


def test_seal__rotate(project):
    seal(project)
    (project / "mlci.yml").write_text(sealed_config((project / "mlci.yml").read_text()))
    old, before = key_of(project), (project / "holdout_labels.sealed").read_bytes()
    lost = mlci("seal", "--rotate", "--key", project.parent / "new", cwd=project, MLCI_LABEL_KEY=OTHER)
    assert (lost.code, (project.parent / "new").exists()) == (2, False)
    assert "If the key is lost" in lost.err
    assert (project / "holdout_labels.sealed").read_bytes() == before
    assert mlci("seal", "--rotate", "--key", project.parent / "new", cwd=project, MLCI_LABEL_KEY=old).code == 0
    assert mlci("seal", "--check", cwd=project, MLCI_LABEL_KEY=old).code == 2
    assert "opens them" in mlci("seal", "--check", cwd=project, MLCI_LABEL_KEY=(project.parent / "new").read_text()).out


def test_sealed_predict__sealed_labels_without_key(project):
    seal(project)
    (project / "mlci.yml").write_text(sealed_config((project / "mlci.yml").read_text()))
    assert mlci("sealed", "predict", cwd=project).code == 0


def test_promote__no_digests_of_sealed_rows(tmp_path):
    """A row's digest of key and label is found by trying both labels, so no file of bundle or registry has any."""
    folder = init(tmp_path / "p")
    write(folder, files(1))
    seal(folder)
    (folder / "mlci.yml").write_text(sealed_config((folder / "mlci.yml").read_text()))
    (folder / "holdout.csv").unlink()
    commit(folder, {".gitignore": IGNORED, **{path.name: path.read_text() for path in folder.glob("[!.]*.*")}})
    key = key_of(folder)
    assert promote_run(folder, MLCI_LABEL_KEY=key) == 1
    commit(folder, {"holdout_features.csv": (folder / "holdout_features.csv").read_text().replace("0,0\n", "0,1\n", 1)})
    assert promote_run(folder, MLCI_LABEL_KEY=key) == 2
    kept = [path for path in (folder / ".mlci").rglob("*") if path.is_file()]
    assert not [path for path in kept if SCHEMA.encode() in path.read_bytes() or path.suffix == ".parquet"]
    difference = mlci("diff", "1", "2", "--json", cwd=folder).report["lineage"]["evaluation"]
    assert difference["reason"] == "row digests were not kept, because the labels are sealed"


def test_report__no_rows_of_sealed_labels(project):
    text = config(baseline="{file: old.csv}", more="report: {rows: 20, public: true}\n", **BY_FILE)
    write(project, {"mlci.yml": text, "old.csv": predictions(2)})
    plain = mlci("run", "--json", cwd=project).report
    seal(project)
    (project / "mlci.yml").write_text(sealed_config(text))
    report = mlci("run", "--json", cwd=project, MLCI_LABEL_KEY=key_of(project)).report
    assert (plain["rows_changed"] is None, report["rows_changed"]) == (False, None)
    assert any("a row is shown with its label" in note for note in report["notes"])


@pytest.mark.parametrize("byte", [0, 1])
def test_seal__public_key_of_low_order(project, byte):
    text = base64.b64encode(bytes([byte]) + bytes(31)).decode()
    done = mlci("seal", "--public-key", f"mlci-label-public-{text}", cwd=project)
    assert (done.code, (project / "holdout_labels.sealed").exists()) == (2, False)
    assert "nothing can be sealed to this public key" in done.err


def test_seal__key_twice(project):
    (project / "holdout.csv").write_text(holdout() + "3,1,1\n")
    done = seal(project)
    assert (done.code, (project.parent / "key").exists()) == (2, False)
    assert "'id' has the same value in several rows" in done.err


def test_seal__pattern(project):
    (project / "mlci.yml").write_text((project / "mlci.yml").read_text().replace("holdout.csv", "'hold*.csv'"))
    assert "labels of several files can't be sealed" in seal(project).err


def test_seal__lines_of_a_path_with_blanks(project):
    (project / "holdout.csv").rename(project / "my set.csv")
    (project / "mlci.yml").write_text((project / "mlci.yml").read_text().replace("holdout.csv", "my set.csv"))
    done = seal(project)
    assert "git rm --cached --ignore-unmatch 'my set.csv' && echo 'my set.csv' >> .gitignore" in done.out, done.err


def test_parse_seal__windows_line_ends():
    assert parse_seal(dump_seal(SEALED).replace(b"\n", b"\r\n")) == SEALED


def test_run__opened_labels_that_are_not_a_table(project):
    seal(project)
    (project / "mlci.yml").write_text(sealed_config((project / "mlci.yml").read_text()))
    (project / "holdout_labels.sealed").write_bytes(dump_seal(SEALED))
    done = mlci("run", cwd=project, MLCI_LABEL_KEY=PRIVATE)
    assert (done.code, "holds something else than `mlci seal` writes" in done.err) == (2, True)


@pytest.fixture
def sealed_scene(scene):
    """The default branch with sealed labels."""
    folder = scene.folder
    assert seal(folder).code == 0
    (folder / "mlci.yml").write_text(sealed_config((folder / "mlci.yml").read_text()))
    (folder / "holdout.csv").unlink()
    return scene


def test_gate__sealed_labels(sealed_scene):
    done = sealed_scene.gate(sealed_scene.train(sealed_files(1)), MLCI_LABEL_KEY=key_of(sealed_scene.folder))
    report = json.loads((sealed_scene.folder / ".mlci/out/report.json").read_text())
    assert (done.code, sealed_scene.check()["conclusion"]) == (0, "success"), done.err
    assert report["evaluation"]["sealed"] is False  # the first commit of the scene holds them
    assert any("holds them in plain text" in note for note in report["notes"])
    assert key_of(sealed_scene.folder).strip() not in done.out + done.err + sealed_scene.comments()[0]["body"]


def test_gate__sealed_labels_without_key(sealed_scene):
    done = sealed_scene.gate(sealed_scene.train(sealed_files(1)))
    assert (done.code, sealed_scene.check()["conclusion"]) == (2, "failure")
    assert "MLCI_LABEL_KEY" in sealed_scene.check()["output"]["summary"]


def test_gate__public_labels(scene):
    scene.gate(scene.train(sealed_files(1)))
    report = json.loads((scene.folder / ".mlci/out/report.json").read_text())
    assert any("can read the labels of the evaluation set" in note for note in report["notes"])


@given(st.binary(max_size=300))
def test_parse_seal__any_bytes(data):
    try:
        parse_seal(data)
    except InputError:
        return
    raise AssertionError(data)


@given(st.integers(0, len(dump_seal(SEALED)) - 1), st.integers(0, 255))
def test_open_seal__one_changed_byte(at, byte):
    file = bytearray(dump_seal(SEALED))
    same = file[at] == byte
    file[at] = byte
    try:
        opened = open_seal(parse_seal(bytes(file)), PRIVATE)
    except InputError:
        assert not same
        return
    assert opened == b"id,y\n1,1\n"  # a changed byte of the text that stands for the same bytes


def test_parse_seal__round_trip():
    seal_ = LabelSeal(public=public_key_of(PRIVATE), box=b"x" * 500, leaked="0a1b2c3", source="my set.csv")
    assert parse_seal(dump_seal(seal_)) == seal_
    assert parse_private_key(f" {PRIVATE}\n") == parse_private_key(PRIVATE)
