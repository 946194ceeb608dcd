"""Registry: a ledger that was rewritten, files that are not what they were, and a store that is not mlci's own."""

import os
from collections.abc import Callable
from functools import partial

from mlci.registry import ledger, stored_files, verification
from mlci.registry.entries import MOST_BYTES
from mlci.registry.layout import model_folder
from mlci.registry.manifest import VersionFile
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from mlci.registry.stores.interface import parse_checkpoint
from tests.attacks.attack import Attack
from tests.attacks.scene import CANARY, Scene
from tests.support.project import config, holdout
from tests.support.registry.histories import Memory, change_entry, forge, history, sha, stamp, verdict
from tests.support.repository import commit, init

STEPS = [("promotion", 0), ("verdict", 1), ("promotion", 0), ("rollback", 0), ("verdict", 2)]


def _ledger(scene: Scene, *, change: Callable[[Memory], object], whole: bool = True) -> None:
    """Someone who can write to the store changes it; then it is verified, or its newest entry is read."""
    store = history(STEPS)
    change(store)
    scene.call(verification.verify_ledger if whole else ledger.read_ledger_head, store)


def _read(scene: Scene, *, number: int, change: Callable[[Memory], object]) -> None:
    """An entry that a command needs is read from the newest one on."""
    store = history(STEPS)
    head = ledger.read_ledger_head(store)
    change(store)
    scene.call(lambda: ledger.read_verified(store, head, number))


def _put(number: int, data: bytes) -> Callable[[Memory], None]:
    return lambda store: store.kept.update({number: data})


def _later(entry):
    return entry.model_copy(update={"at": "2026-05-01T23:59:59+00:00"})


def _cut(store: Memory) -> None:
    del store.kept[5]


def _spaced(store: Memory) -> None:
    store.kept[5] = store.kept[5].replace(b'":', b'": ', 1)
    store.seen = None


def _checkpoint(scene: Scene, *, data: bytes) -> None:
    scene.call(parse_checkpoint, data, shown="registry")


def _folder(scene: Scene) -> FolderStore:
    store = FolderStore(scene.work / "registry", "model")
    Registry(store, stamp()).append(lambda _: verdict())
    return store


def _foreign(scene: Scene, *, name: str, put: Callable[[Scene, object], None]) -> None:
    """A file or a folder of the store is replaced; then the store is read, and written to."""
    store = _folder(scene)
    path = scene.work / "registry/model" / name
    path.rename(scene.work / "aside")
    put(scene, path)
    scene.call(lambda: (ledger.read_ledger_head(store), Registry(store, stamp()).append(lambda _: verdict())))


def _link(scene: Scene, path) -> None:
    path.symlink_to(scene.victim if path.suffix else scene.outside)


def _pipe(_scene: Scene, path) -> None:
    os.mkfifo(path)


def _file(scene: Scene, *, data: bytes) -> None:
    """The model of a version is replaced in the store."""
    store = FolderStore(scene.work / "registry", "model")
    good = b"model"
    store.put(scene.plant("good", good), sha(good))
    path = next((scene.work / "registry").rglob(sha(good)))
    path.write_bytes(data)
    file = VersionFile(name="model.bin", digest=sha(good), bytes=len(good))
    scene.call(lambda: stored_files.fetch_file(store, file, scene.work / "got", of="version 1"))


def _description(scene: Scene, *, data: bytes) -> None:
    store = FolderStore(scene.work / "registry", "model")
    good = b"{}"
    store.put(scene.plant("good", good), sha(good))
    next((scene.work / "registry").rglob(sha(good))).write_bytes(data)
    scene.call(stored_files.read_description, store, sha(good), of="the manifest of version 1")


def _name(scene: Scene, *, model: str) -> None:
    name = scene.call(model_folder, model)
    assert "/" not in name
    assert name not in {".", ".."}
    assert name != model_folder("model")
    Registry(FolderStore(scene.work / "registry", model), stamp()).append(lambda _: verdict())


def _digest(scene: Scene) -> None:
    store = FolderStore(scene.work / "registry", "model")
    scene.plant("x", b"x")
    scene.call(lambda: _refused(lambda: store.put(scene.work / "x", "../../../victim.txt")))


def _refused(call: Callable[[], object]) -> None:
    from mlci.errors import InputError  # noqa: PLC0415 - one function

    try:
        call()
    except ValueError as error:
        raise InputError(str(error)) from None


def _committed(scene: Scene) -> None:
    """The pull request commits a registry with a baseline of its own."""
    text = config(baseline="production", train="", predict="predict: {file: preds.csv, decision: p}\n")
    init(scene.work)
    commit(
        scene.work,
        {
            "mlci.yml": f"{text}registry: models\n",
            "holdout.csv": holdout(),
            "preds.csv": "id,p\n",
            "models/planted/x": "x",
        },
    )
    scene.mlci("run")


def _note(scene: Scene, *, reason: str) -> None:
    """A note of a ledger that others can write to is shown by `mlci ledger`."""
    from mlci.registry.entry_kinds import Rollback  # noqa: PLC0415 - one function
    from tests.support.registry.histories import promote_versions  # noqa: PLC0415 - as above

    scene.plant(
        "mlci.yml", config(baseline="production", train="", predict="predict: {file: preds.csv, decision: p}\n")
    )
    store = FolderStore(scene.work / ".mlci/registry", "planted")
    promote_versions(store, scene.work, 2)
    Registry(store, stamp(actor=reason)).append(lambda _: Rollback(version=1, replaced=2, reason=reason))
    scene.mlci("ledger", "log")
    assert scene.code == 0, scene.err


def _address(scene: Scene) -> None:
    text = config(baseline="production", train="", predict="predict: {file: preds.csv, decision: p}\n")
    scene.plant("mlci.yml", f"{text}registry: s3://me:{CANARY}@bucket/p\n")
    scene.mlci("ledger", "log")


ATTACKS = (
    Attack("entry that was changed", "chain of entries", partial(_ledger, change=lambda store: change_entry(store, 2)), "entry 2|entry 3"),
    Attack("entry that was removed", "chain of entries", partial(_ledger, change=lambda store: store.kept.pop(3)), "entry 3"),
    Attack("history that was rewritten", "checkpoint", partial(_ledger, change=lambda store: forge(store, 2, _later), whole=False), "rewritten"),
    Attack("newest entry that was removed", "checkpoint", partial(_ledger, change=_cut, whole=False), "cut back"),
    Attack("decision that was replaced", "digests of entries", partial(_read, number=3, change=lambda store: change_entry(store, 3)), "entry 3"),
    Attack("promotion that was replaced", "digests of entries", partial(_read, number=1, change=lambda store: change_entry(store, 1)), "entry 1"),
    Attack("entry of another number", "form of entries", partial(_ledger, change=lambda store: (store.kept.update({5: store.kept[4]}), setattr(store, "seen", None)), whole=False), "entry 5"),
    Attack("entry in another spelling", "form of entries", partial(_ledger, change=_spaced, whole=False), "not as mlci writes it"),
    Attack("entry of 300 KiB", "form of entries", partial(_ledger, change=lambda store: (_put(5, b" " * (MOST_BYTES + 1))(store), setattr(store, "seen", None)), whole=False), "an entry may have"),
    Attack("checkpoint that is a list", "form of checkpoints", partial(_checkpoint, data=b"[]"), "damaged"),
    Attack("checkpoint nested without end", "form of checkpoints", partial(_checkpoint, data=b"[" * 1_000), "damaged"),
    Attack("checkpoint with a path as its digest", "form of checkpoints", partial(_checkpoint, data=b'{"number": 1, "digest": "../../x"}'), "damaged"),
    Attack("ledger that is a link", "plain files", partial(_foreign, name="ledger", put=_link), "symbolic link"),
    Attack("entry that is a link", "plain files", partial(_foreign, name="ledger/000000001.json", put=_link), "symbolic link"),
    Attack("entry that is a pipe", "plain files", partial(_foreign, name="ledger/000000001.json", put=_pipe), "pipe or socket"),
    Attack("checkpoint that is a link", "plain files", partial(_foreign, name="witness.json", put=_link), "symbolic link"),
    Attack("model that was replaced", "digests of stored files", partial(_file, data=b"evil!"), "altered"),
    Attack("model that was truncated", "digests of stored files", partial(_file, data=b"mod"), "truncated"),
    Attack("manifest that was replaced", "digests of descriptions", partial(_description, data=b"[]"), "truncated or altered"),
    *(Attack(f"model of the name {model!r}", "names of folders", partial(_name, model=model)) for model in ("../../victim", "MODEL", "model.lock", "con", "a/b")),
    Attack("digest that is a path", "names of stored files", _digest, "not a SHA-256"),
    Attack("registry that came with a commit", "registry of its own", _committed, "write its own baseline"),
    *(Attack(f"note of the ledger: {name}", "visible characters", partial(_note, reason=text)) for name, text in {"line break": "x\n::set-output name=verdict::pass", "escape": "x\x1b[2J"}.items()),
    Attack("password in the registry's address", "credentials in addresses", _address, "credentials"),
)  # fmt: skip
