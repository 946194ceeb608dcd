"""Sealed labels: files that are not what `mlci seal` wrote, keys that do not fit, and a key beside the user's code."""

import base64
import os
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mlci.config.models import RowsConfig
from mlci.config.read import load_text
from mlci.engine import sql
from mlci.engine.tables.labelled_tables import open_table
from mlci.metrics import catalogue
from mlci.operations.context import evaluation_path
from mlci.operations.sealed.labels import open_labels, read_seal
from mlci.sealed.label_seal import dump_seal, open_seal, parse_seal, public_key_of, seal_labels
from tests.attacks.attack import Attack
from tests.attacks.scene import SECRETS, Scene
from tests.support.project import PREDICT, TRAIN, config, files, holdout

KEY, OTHER = (f"mlci-label-key-{base64.b64encode(bytes([byte]) * 32).decode()}" for byte in (7, 8))
PUBLIC = dump_seal(seal_labels(b"x", public_key_of(KEY))).split(b"\n")[1]
FEATURES = "".join(f"{line.rpartition(',')[0]}\n" for line in holdout().splitlines())
SEALED = {"data: holdout.csv": "data: features.csv\n  labels: labels.sealed"}
FLOOR = "  - {metric: accuracy, min: 0.95}\n"


def table(first: int = 0) -> bytes:
    """Labels of a hundred rows, as `mlci seal` encrypts them."""
    out = BytesIO()
    pq.write_table(pa.table({"id": range(first, first + 100), "y": [row // 10 % 2 for row in range(100)]}), out)
    return out.getvalue()


TABLE = table()
FILE = dump_seal(seal_labels(TABLE, public_key_of(KEY)))
HEAD, BODY = FILE.split(b"\n\n", 1)


def _settings() -> RowsConfig:
    text = config(baseline="none", train="")
    for old, new in SEALED.items():
        text = text.replace(old, new)
    loaded = load_text(text, catalogue, path="mlci.yml").config
    assert isinstance(loaded, RowsConfig)
    return loaded


def _open(
    scene: Scene, *, data: bytes = FILE, key: str = KEY, put: Callable[[Scene, Path], object] | None = None
) -> None:
    """The gate opens the labels of the default branch."""
    path = scene.work / "labels.sealed"
    (put or (lambda scene, path: scene.plant(path.name, data)))(scene, path)
    scene.call(open_labels, _settings(), scene.work, scene.temp, key)


def _rotated(scene: Scene) -> None:
    """The labels have a new key, and the secret still holds the old one."""
    table = open_seal(parse_seal(FILE), KEY)
    _open(scene, data=dump_seal(seal_labels(table, public_key_of(OTHER))))


def _huge(scene: Scene) -> None:
    path = scene.work / "labels.sealed"
    with path.open("wb") as file:
        file.truncate((256 << 20) + 1)
    scene.call(read_seal, path)
    path.unlink()


def _link(scene: Scene, path: Path) -> None:
    """Labels of another place, sealed to the same key."""
    path.symlink_to(scene.plant("elsewhere/labels.sealed", FILE))


def _link_outside(scene: Scene, path: Path) -> None:
    path.symlink_to(scene.victim)


def _pipe(_scene: Scene, path: Path) -> None:
    os.mkfifo(path)


def _of_another_model(scene: Scene) -> None:
    """Labels of another model's rows, sealed to the same key, in the place of this model's."""
    scene.plant("features.csv", FEATURES)
    scene.plant("labels.sealed", dump_seal(seal_labels(table(first=50), public_key_of(KEY))))

    def join() -> int:
        opened = open_labels(_settings(), scene.work, scene.temp, KEY)
        assert opened is not None
        with sql.session() as (connection, scratch):
            return open_table(
                connection, evaluation_path(_settings().evaluation, scene.work, opened=opened.path), scratch
            ).rows

    scene.call(join)


def _beside_steps(scene: Scene) -> None:
    """Training and prediction write down all that they see; the labels are sealed, and the key is in the job."""
    dump = "import os\nopen('dump.txt', 'a').write(repr(dict(os.environ)))\n"
    contents = files(3, baseline="none", more=FLOOR)
    text = contents["mlci.yml"]
    for old, new in SEALED.items():
        text = text.replace(old, new)
    planted = {**contents, "mlci.yml": text, "features.csv": FEATURES, "labels.sealed": FILE}
    for name, content in {**planted, "train.py": dump + TRAIN, "predict.py": dump + PREDICT}.items():
        scene.plant(name, content)
    (scene.work / "holdout.csv").unlink()
    scene.mlci("run", AWS_SECRET_ACCESS_KEY="", MLCI_LABEL_KEY=KEY)
    seen = (scene.work / "dump.txt").read_text()
    assert "PATH" in seen
    assert KEY not in seen + scene.out + scene.err, "the key reached the user's code"


def _changed(old: bytes, new: bytes) -> bytes:
    assert old in FILE
    return FILE.replace(old, new, 1)


FLIPPED = BODY[:40] + (b"B" if BODY[40:41] == b"A" else b"A") + BODY[41:]
ATTACKS = (
    Attack("sealed labels with one changed byte", "labels that are authentic", partial(_open, data=HEAD + b"\n\n" + FLIPPED), "were changed since they were sealed"),
    Attack("sealed labels that are cut", "labels that are authentic", partial(_open, data=FILE[:-80]), "were changed|is damaged"),
    Attack("sealed labels with more at their end", "labels that are authentic", partial(_open, data=FILE + b"QUJDRA==\n"), "were changed|is damaged"),
    Attack("labels of a stranger's key under our header", "labels that are authentic", partial(_open, data=HEAD + b"\n\n" + dump_seal(seal_labels(TABLE, public_key_of(OTHER))).split(b"\n\n", 1)[1]), "were changed"),
    Attack("key of other labels", "labels that are authentic", partial(_open, key=OTHER), "is for other labels"),
    Attack("old key after a rotation", "labels that are authentic", _rotated, "is for other labels"),
    Attack("public key in the secret", "form of label keys", partial(_open, key=PUBLIC.decode().removeprefix("public-key: ")), "is the public key"),
    Attack("key that was cut", "form of label keys", partial(_open, key=KEY[:-4]), "is not one"),
    Attack("another secret in the key's place", "form of label keys", partial(_open, key=SECRETS["MLCI_LABEL_KEY"]), "is not one"),
    Attack("key of many bytes", "form of label keys", partial(_open, key=KEY + "A" * 4_000_000), "is not one"),
    Attack("sealed labels that are empty", "form of sealed labels", partial(_open, data=b""), "must begin with"),
    Attack("sealed labels of a later version", "form of sealed labels", partial(_open, data=_changed(b"labels 1", b"labels 2")), "must begin with"),
    Attack("sealed labels that are a table", "form of sealed labels", partial(_open, data=TABLE), "must begin with"),
    Attack("sealed labels of bytes by chance", "form of sealed labels", partial(_open, data=HEAD + b"\n\n" + bytes(range(256)) * 9), "is damaged"),
    Attack("sealed labels without a box", "form of sealed labels", partial(_open, data=HEAD + b"\n\n"), "is damaged"),
    Attack("command as the commit of sealed labels", "form of sealed labels", partial(_open, data=HEAD + b"\nin-history: x\r::set-output name=verdict::pass\n\n" + BODY), "is damaged"),
    Attack("sealed labels of 257 MiB", "size of sealed labels", _huge, "has more than"),
    Attack("link to other sealed labels", "regular sealed labels", partial(_open, put=_link), "can't be read"),
    Attack("link to a file of another user", "regular sealed labels", partial(_open, put=_link_outside), "can't be read"),
    Attack("pipe in the place of sealed labels", "regular sealed labels", partial(_open, put=_pipe), "can't be read|not a regular file"),
    Attack("text that anyone sealed to the public key", "format of opened labels", partial(_open, data=dump_seal(seal_labels(b"id,y\n1,1\n", public_key_of(KEY)))), "holds something else"),
    Attack("sealed labels of another model", "rows of the labels", _of_another_model, "label|key"),
    Attack("key of the labels beside steps", "withheld variables", _beside_steps),
)  # fmt: skip
