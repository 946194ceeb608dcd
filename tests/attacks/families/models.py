"""Model files: formats that run code when they are loaded, archives that fill a disk, and types that act."""

import io
import struct
import zipfile
from functools import partial

from mlci.errors import InputError
from mlci.execution import skops_scorer
from mlci.execution.skops_stage import require_skops
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene

PICKLE = b"cos\nsystem\n(S'touch ran'\ntR."
RUNS = {
    "pickle of protocol 0": PICKLE,
    "pickle of protocol 2": b"\x80\x02" + PICKLE,
    "pickle of protocol 5": b"\x80\x05\x95\x10\x00\x00\x00\x00\x00\x00\x00" + PICKLE,
    "joblib in zlib": b"\x78\x9c" + bytes(40),
    "joblib in gzip": b"\x1f\x8b\x08" + bytes(40),
    "joblib in bzip2": b"BZh9" + bytes(40),
    "joblib in xz": b"\xfd7zXZ\x00" + bytes(40),
    "joblib in lz4": b"\x04\x22\x4d\x18" + bytes(40),
}
TYPES = (
    "os.system",
    "posix.system",
    "subprocess.Popen",
    "builtins.eval",
    "builtins.getattr",
    "_operator.methodcaller",
    "importlib.import_module",
    "pickle.loads",
    "numpy.load",
    "pandas.read_pickle",
    "sklearn.datasets.load_files",
    "functools.reduce",
    "torch.hub.load",
    "os..system",
    "os\n.system",
)


def _model(scene: Scene, *, data: bytes) -> None:
    path = scene.plant("model.skops", data)
    scene.call(require_skops, path, "model.skops")
    assert not (scene.work / "ran").exists()


def _zip(**members: bytes) -> bytes:
    return _archive({name.replace("__", "."): data for name, data in members.items()})


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _claims(size: int, name: str = "big.npy") -> bytes:
    """An archive that claims a member of this size; every reader that trusts the claim would reserve or unpack it."""
    data = bytearray(_archive({"schema.json": b"{}", name: b""}))
    place = data.rindex(b"PK\x01\x02")
    if size < 1 << 32:
        data[place + 24 : place + 28] = struct.pack("<I", size)
        return bytes(data)
    extra = struct.pack("<HHQ", 1, 8, size)
    data[place + 24 : place + 28] = b"\xff\xff\xff\xff"
    data[place + 30 : place + 32] = struct.pack("<H", len(extra))
    end = data.rindex(b"PK\x05\x06")
    data[end:end] = extra
    end += len(extra)
    data[end + 12 : end + 16] = struct.pack("<I", struct.unpack("<I", data[end + 12 : end + 16])[0] + len(extra))
    return bytes(data)


def _type(scene: Scene, *, name: str) -> None:
    """The configuration trusts the type; it is refused all the same."""

    def load() -> None:
        if not skops_scorer.acting_types(name):
            raise AssertionError(f"{name} would be loaded")
        raise InputError(f"{name!r} can run code")

    scene.call(load)


ATTACKS = (
    *(Attack(name, "kind of a model by its bytes", partial(_model, data=data), "not a model saved with skops") for name, data in RUNS.items()),
    Attack("archive of PyTorch", "names in an archive", partial(_model, data=_archive({"m/data.pkl": PICKLE})), "PyTorch archive with a pickle"),
    Attack("archive of NumPy objects", "names in an archive", partial(_model, data=_archive({"x.npy": b""})), "NumPy archive"),
    Attack("archive without a schema", "names in an archive", partial(_model, data=_archive({"x": b""})), "without schema.json"),
    Attack("archive that claims 9 GiB", "size of an archive", partial(_model, data=_claims(9 << 30)), "more than"),
    Attack("archive with a schema of 100 MiB", "size of an archive", partial(_model, data=_claims(100 << 20, "schema.json")), "schema.json of more than"),
    Attack("archive that is damaged", "kind of a model by its bytes", partial(_model, data=_archive({"schema.json": b"{}"})[:-30]), "damaged zip|not a model"),
    *(Attack(f"trusted type {name!r}", "types that act", partial(_type, name=name), "can run code") for name in TYPES),
)  # fmt: skip
