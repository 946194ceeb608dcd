"""The artifact of a fork's training run: an archive, a table and a manifest that anyone may have written."""

import io
import json
import struct
import zipfile
from functools import partial

from mlci.config.read import load_text
from mlci.errors import InputError
from mlci.metrics import catalogue
from mlci.sealed.archive import read_archive
from mlci.sealed.manifest import read_manifest
from mlci.sealed.predictions import SealedColumns, parse_predictions
from mlci.sealed.refusals import find_refusals
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.support.project import config, predictions

MANIFEST = json.dumps({"schema": 1, "model": "m"}).encode()
FILES = {"predictions.csv": predictions(3).encode(), "manifest.json": MANIFEST}
LIMITS = {"predictions.csv": 1 << 20, "manifest.json": 1 << 16}
COLUMNS = SealedColumns(key="id", names=("id", "p"), numbers=frozenset({"p"}))


def _zip(
    members: dict[str, bytes], *, mode: int = 0o100644, comment: bytes = b"", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = 3, mode << 16, method
            archive.writestr(info, data)
        archive.comment = comment
    return buffer.getvalue()


def _read(scene: Scene, *, data: bytes) -> None:
    """Read every file of the archive, as the gate does."""

    def read() -> None:
        found = read_archive(data, LIMITS)
        for name in found.entries:
            assert sum(map(len, found.read(name))) <= LIMITS[name]

    scene.call(read)


def _twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", MANIFEST)
        archive.writestr("x" * 13, MANIFEST)
    return buffer.getvalue().replace(b"x" * 13, b"manifest.json")


def _patched(place: int, form: str, value: int, *, data: bytes = b"") -> bytes:
    """An archive with one number of its first directory entry replaced."""
    made = bytearray(data or _zip(FILES))
    struct.pack_into(form, made, made.index(b"PK\x01\x02") + place, value)
    return bytes(made)


def _overlapping() -> bytes:
    """Two entries of the directory with the same content."""
    made = bytearray(_zip(FILES, method=zipfile.ZIP_STORED))
    first = made.index(b"PK\x01\x02")
    second = made.index(b"PK\x01\x02", first + 4)
    struct.pack_into("<I", made, second + 42, 4)
    return bytes(made)


def _between() -> bytes:
    """Bytes between two entries, where another reader may find a third one."""
    made = _zip(FILES, method=zipfile.ZIP_STORED)
    at = made.index(b"PK\x03\x04", 4)
    made = bytearray(made[:at] + b"JUNK" + made[at:])
    second = made.index(b"PK\x01\x02", made.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", made, second + 42, at + 4)
    end = made.index(b"PK\x05\x06")
    struct.pack_into("<I", made, end + 16, struct.unpack_from("<I", made, end + 16)[0] + 4)
    return bytes(made)


def _bomb() -> bytes:
    """A header that announces little, and content that inflates to much more."""
    made = bytearray(_zip({"predictions.csv": b"0" * (8 << 20), "manifest.json": MANIFEST}))
    struct.pack_into("<I", made, made.index(b"PK\x01\x02") + 24, 100)
    return bytes(made)


def _table(scene: Scene, *, data: bytes) -> None:
    scene.call(lambda: list(parse_predictions([data], [COLUMNS], rows=5)))


def _claim(scene: Scene, *, data: bytes, shown: bool = False) -> None:
    """What the manifest claims is shown at most, and never acts."""
    found = scene.call(read_manifest, data)
    scene.say(f"{found.model} {found.commit}")
    assert shown or (found.model, found.commit) == (None, None)


def _setting(scene: Scene, *, swap: tuple[str, str], more: str = "") -> None:
    """A configuration of the default branch that would run code, or believe a number, of the pull request."""
    text = config(baseline="production", train="", more=more)
    loaded = load_text(text.replace(*swap), catalogue, path="mlci.yml")

    def judge() -> None:
        if found := find_refusals(loaded):
            raise InputError(*found)

    scene.call(judge)


def _one(name: str, **more: object) -> bytes:
    return _zip({"manifest.json": MANIFEST, name: b"id,p\n"}, **more)


ATTACKS = (
    Attack("zip slip", "names in the artifact", partial(_read, data=_one("../../victim.txt")), "leads out of the archive"),
    Attack("absolute name in the artifact", "names in the artifact", partial(_read, data=_one("/etc/passwd")), "leads out of the archive"),
    Attack("backslashes in the artifact", "names in the artifact", partial(_read, data=_one("..\\..\\victim.txt")), "leads out|only"),
    Attack("drive in the artifact", "names in the artifact", partial(_read, data=_one("C:victim.txt")), "leads out of the archive"),
    Attack("name in other letters", "names in the artifact", partial(_read, data=_one("MANIFEST.json")), "twice"),
    Attack("file twice in the artifact", "names in the artifact", partial(_read, data=_twice()), "twice"),
    Attack("code in the artifact", "names in the artifact", partial(_read, data=_one("conftest.py")), "only"),
    Attack("archive in the artifact", "names in the artifact", partial(_read, data=_one("more.zip")), "only"),
    Attack("command as a name in the artifact", "names in the artifact", partial(_read, data=_one("x\n::set-output name=verdict::pass")), "only"),
    Attack("link in the artifact", "regular entries", partial(_read, data=_one("predictions.csv", mode=0o120777)), "is a link"),
    Attack("folder in the artifact", "regular entries", partial(_read, data=_one("predictions.csv/")), "not a regular file"),
    Attack("device in the artifact", "regular entries", partial(_read, data=_one("predictions.csv", mode=0o020666)), "not a regular file"),
    Attack("encrypted artifact", "regular entries", partial(_read, data=_patched(8, "<H", 1)), "encrypted"),
    Attack("artifact in another compression", "regular entries", partial(_read, data=_zip(FILES, method=zipfile.ZIP_BZIP2)), "compressed by method"),
    Attack("three files in the artifact", "end of the artifact", partial(_read, data=_zip({**FILES, "x": b""})), "entries"),
    Attack("comment after the artifact", "end of the artifact", partial(_read, data=_zip(FILES, comment=b"PK\x05\x06")), "comment"),
    Attack("bytes before the artifact", "end of the artifact", partial(_read, data=b"#!/bin/sh\n" + _zip(FILES)), "not where its end record says"),
    Attack("bytes between files of the artifact", "places in the artifact", partial(_read, data=_between()), "belong to no entry"),
    Attack("files that overlap in the artifact", "headers in the artifact", partial(_read, data=_overlapping()), "header|overlap"),
    Attack("header of another file in the artifact", "headers in the artifact", partial(_read, data=_patched(42, "<I", 7)), "no header|another name"),
    Attack("content that inflates beyond its header", "sizes in the artifact", partial(_read, data=_bomb()), "inflates to more"),
    Attack("size beyond its file's limit", "sizes in the artifact", partial(_read, data=_zip({**FILES, "manifest.json": b" " * 70_000})), "are the most"),
    Attack("size that is not the content's", "sizes in the artifact", partial(_read, data=_patched(24, "<I", 9_000)), "size or checksum"),
    Attack("checksum that is not the content's", "sizes in the artifact", partial(_read, data=_patched(16, "<I", 1)), "size or checksum"),
    Attack("artifact of too many bytes", "bytes of the artifact", lambda scene: _read(scene, data=bytes((64 << 20) + 1)), "are the most"),
    Attack("predictions with another column", "form of sealed predictions", partial(_table, data=b"id,p,verdict\n1,0.5,pass\n"), "expected id,p"),
    Attack("predictions with a cell more", "form of sealed predictions", partial(_table, data=b"id,p\n1,0.5,9\n"), "3 cells"),
    Attack("sealed score that is NaN", "form of sealed predictions", partial(_table, data=b"id,p\n1,nan\n"), "not a finite number"),
    Attack("sealed score that overflows", "form of sealed predictions", partial(_table, data=b"id,p\n1,1e999\n"), "not a finite number"),
    Attack("sealed score with another script's digits", "form of sealed predictions", partial(_table, data="id,p\n1,٠.٥\n".encode()), "not a finite number"),
    Attack("sealed cell of 2 KiB", "form of sealed predictions", partial(_table, data=b"id,p\n" + b"x" * 2_000 + b",1\n"), "more than"),
    Attack("more rows than the evaluation set", "rows of sealed predictions", partial(_table, data=b"id,p\n" + b"1,0.5\n" * 6), "more rows"),
    Attack("sealed line without an end", "lines of sealed predictions", partial(_table, data=b"id,p\n" + b"1" * 200_000), "characters"),
    Attack("carriage return in sealed predictions", "lines of sealed predictions", partial(_table, data=b"id,p\n1\r::set-output name=verdict::pass,0.5\n"), "carriage return"),
    Attack("sealed predictions in Latin-1", "lines of sealed predictions", partial(_table, data=b"id,p\n\xe9,0.5\n"), "not UTF-8"),
    Attack("manifest with commands", "sanitized manifest", partial(_claim, data=json.dumps({"model": "##[set-output name=verdict]pass", "commit": "\u202e::error::x"}).encode(), shown=True)),
    Attack("manifest nested without end", "size of the manifest", partial(_claim, data=b'{"model": "m", "x": ' + b"[" * 30 + b"]" * 30 + b"}")),
    Attack("custom metric in sealed mode", "refusals of sealed mode", partial(_setting, swap=("metric: accuracy", "metric: 'mine:f'")), "calls no function"),
    Attack("run time in sealed mode", "refusals of sealed mode", partial(_setting, swap=("", ""), more="  - {metric: predict_seconds_per_1k_rows, max: 1}\n"), "measures no run time"),
    Attack("baseline of the pull request in sealed mode", "refusals of sealed mode", partial(_setting, swap=("baseline: production", "baseline: {ref: main}")), "runs no commands"),
    Attack("no key in sealed mode", "refusals of sealed mode", partial(_setting, swap=("  key: id\n", "")), "joins predictions by key"),
    Attack("address in sealed mode", "refusals of sealed mode", partial(_setting, swap=("data: holdout.csv", "data: 'https://x.example/h.csv'")), "can change unseen"),
)  # fmt: skip
