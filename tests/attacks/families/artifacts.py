"""Artifacts: bundles, reports and copies of a registry that another job left, and that something wrote to since."""

import atexit
import functools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mlci.operations.bundle import DIGEST, MANIFEST, read_bundle, seals_labels
from mlci.registry.stores.snapshot import INDEX, SnapshotReader, SnapshotWriter
from mlci.report.serialization import dump_report, parse_report
from mlci.util.digests import sha256_of
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.support.project import mlci, predictions, small_files, write
from tests.support.publish.scene import bad
from tests.support.registry.histories import history


@functools.cache
def _bundled() -> Path:
    """Return the output of a run with a bundle, made once."""
    folder = Path(tempfile.mkdtemp(prefix="mlci-attacks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write(folder, {**small_files(), "new.csv": predictions(0)})
    assert mlci("run", "--bundle", cwd=folder).code == 0
    return folder / ".mlci/out"


def _bundle(scene: Scene, *, change: Callable[[Path], None]) -> None:
    with scene.paused():
        made = _bundled()
        shutil.copytree(made, scene.work / "out")
    change(scene.work / "out/bundle")
    for path in (scene.work / "out").rglob("*.*"):
        if path.is_file():
            scene.planted[path] = path.read_bytes()
    scene.call(read_bundle, scene.work / "out")


def _altered(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(bytes([data[0] ^ 1]) + data[1:])

    return change


def _shorter(folder: Path) -> None:
    path = next(folder.glob("*.csv"))
    path.write_bytes(path.read_bytes()[:-9])


def _linked(name: str) -> Callable[[Path], None]:
    """The file's own bytes, behind a link: what is read later may be something else."""

    def change(folder: Path) -> None:
        (folder / name).rename(folder.parent / "other")
        (folder / name).symlink_to(folder.parent / "other")

    return change


def _pipe(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    os.mkfifo(folder / MANIFEST)


def _gone(folder: Path) -> None:
    (folder / DIGEST).unlink()


def _sealed(change: Callable[[dict], None]) -> Callable[[Path], None]:
    """A manifest of the attacker, with a digest that fits."""

    def put(folder: Path) -> None:
        content = json.loads((folder / MANIFEST).read_text())
        change(content)
        data = json.dumps(content).encode()
        (folder / MANIFEST).write_bytes(data)
        (folder / DIGEST).write_bytes(seals_labels(data))

    return put


def _named(name: str) -> Callable[[dict], None]:
    return lambda content: content["predictions"]["file"].update(name=name)


def _report(scene: Scene, *, text: str | bytes) -> None:
    scene.call(parse_report, text)


def _forged(**keys: object) -> str:
    return json.dumps({**json.loads(dump_report(bad())), **keys})


def _gates(**keys: object) -> str:
    content = json.loads(dump_report(bad()))
    return json.dumps(
        {**content, "gates": [{**content["gates"][0], **keys}], **({"verdict": "pass"} if "blocks" in keys else {})}
    )


def _copy(scene: Scene, *, change: Callable[[Path, str], str]) -> None:
    """`mlci fetch` copied a registry; then the pull request's code ran beside the copy."""
    writer = SnapshotWriter(history([("promotion", 0)]), scene.work / "fetched")
    writer.read(writer.tail())
    digest = writer.seal()
    digest = change(scene.work / "fetched", digest)
    scene.call(SnapshotReader, scene.work / "fetched", digest)


def _other_champion(folder: Path, digest: str) -> str:
    index = folder / INDEX
    index.write_bytes(index.read_bytes().replace(b'"tail":1', b'"tail":0'))
    return digest


def _empty(folder: Path, digest: str) -> str:
    (folder / INDEX).unlink()
    return digest


def _no_index(folder: Path, _digest: str) -> str:
    data = b'{"schema": "mlci/fetched/1", "shown": "x", "tail": -1, "witness": null, "entries": {}}'
    (folder / INDEX).write_bytes(data)
    return sha256_of(data)


PASSES = dump_report(bad()).replace('"verdict": "block"', '"verdict": "pass"')
ATTACKS = (
    Attack("manifest that was altered", "digests of a bundle", partial(_bundle, change=_altered(MANIFEST)), "truncated or altered"),
    Attack("predictions that were altered", "digests of files", partial(_bundle, change=_altered("predictions.csv")), "was altered"),
    Attack("predictions that were truncated", "digests of files", partial(_bundle, change=_shorter), "was truncated"),
    Attack("report that was altered", "digests of files", partial(_bundle, change=_altered("report.json")), "was altered"),
    Attack("predictions behind a link", "digests of files", partial(_bundle, change=_linked("predictions.csv")), "missing from the bundle"),
    Attack("manifest behind a link", "plain files", partial(_bundle, change=_linked(MANIFEST)), "is a symbolic link"),
    Attack("pipe as a manifest", "plain files", partial(_bundle, change=_pipe), "device, pipe or socket"),
    Attack("bundle without its digest", "digests of a bundle", partial(_bundle, change=_gone), "missing"),
    Attack("name that leads out of the bundle", "names inside", partial(_bundle, change=_sealed(_named("../../victim.txt"))), "plain relative path"),
    Attack("absolute name in a bundle", "names inside", partial(_bundle, change=_sealed(_named("/etc/passwd"))), "plain relative path"),
    Attack("name with a backslash", "names inside", partial(_bundle, change=_sealed(_named("a\\..\\b"))), "plain relative path"),
    Attack("name with a line break", "names inside", partial(_bundle, change=_sealed(_named("a\n::error::b"))), "plain relative path"),
    Attack("bundle of another model", "report of the bundle", partial(_bundle, change=_sealed(lambda content: content.update(model="other"))), "another model"),
    Attack("bundle of other rows", "report of the bundle", partial(_bundle, change=_sealed(lambda content: content["data"].update(fingerprint="sha256:0"))), "other rows"),
    Attack("verdict that its gates contradict", "consistent reports", partial(_report, text=PASSES), "a gate blocks"),
    Attack("failed gate that does not block", "consistent reports", partial(_report, text=_gates(blocks=False)), "does not block|verdict"),
    Attack("waived gate without a waiver", "consistent reports", partial(_report, text=_gates(outcome="waived", blocks=False)), "waiver|verdict"),
    Attack("report without gates that passes", "consistent reports", partial(_report, text=_forged(gates=[], verdict="pass")), "verdict is pass"),
    Attack("interval upside down", "consistent reports", partial(_report, text=_gates(interval=[0.2, 0.1])), "low end"),
    Attack("report with NaN", "plain JSON", partial(_report, text='{"verdict": NaN}'), "NaN"),
    Attack("report with a key twice", "plain JSON", partial(_report, text='{"verdict": "block", "verdict": "pass"}'), "twice"),
    Attack("report nested without end", "payload size", partial(_report, text="[" * 100_000), "nested"),
    Attack("report of many lists", "payload size", partial(_report, text="[" + "[]," * 1_600_000 + "0]"), "lists and objects"),
    Attack("report with unknown keys", "form of reports", partial(_report, text=_forged(waivers=["all"])), "waivers"),
    Attack("copy of a registry with another champion", "digest of the copy", partial(_copy, change=_other_champion), "something wrote to it"),
    Attack("copy of a registry that is gone", "digest of the copy", partial(_copy, change=_empty), "No such file"),
    Attack("copy of a registry in another form", "form of the copy", partial(_copy, change=_no_index), "not what this version"),
)  # fmt: skip
