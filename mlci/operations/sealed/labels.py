"""Sealed labels of an evaluation set: split off, encrypted, opened, and encrypted to another key."""

import glob
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlci.config.loader import CheckedConfig
from mlci.config.models import Config, RowsConfig, RowsEvaluation, rows_evaluation
from mlci.errors import InputError, Problem
from mlci.git.git import Git
from mlci.operations.context import evaluation_path, resolve_path
from mlci.operations.sealed.label_history import PlainLabels, find_leak
from mlci.sealed.label_seal import (
    KEY_VARIABLE,
    LOST_KEY,
    SUFFIX,
    LabelSeal,
    dump_seal,
    is_sealed,
    open_seal,
    parse_seal,
    public_key_of,
    seal_labels,
)
from mlci.util.atomic_files import replace_file
from mlci.util.bounds import SEALED_LABEL_BYTES
from mlci.util.safe_files import read_bounded

_OPENED = "opened-labels.parquet"
_PARQUET = b"PAR1"


@dataclass(frozen=True, kw_only=True)
class OpenedLabels:
    """Decrypted labels of an evaluation set.

    Attributes:
        path: Temporary file.
        leaked: Commit that holds the labels in plain text; ``None`` if there is none.
    """

    path: Path
    leaked: str | None

    @property
    def hidden(self) -> bool:
        """Whether only the key opens the labels."""
        return self.leaked is None


@dataclass(frozen=True, kw_only=True)
class SealPorts:
    """Ports of sealing.

    Attributes:
        features: ``features(data, label, folder)`` writes the evaluation set without its label and returns the file.
        labels: ``labels(data, key, label, target)`` writes key and label as a Parquet file.
        git: Git in the configuration's folder.
        scratch: Temporary folder.
    """

    features: Callable[[str, str, Path], Path]
    labels: Callable[[str, str, str, Path], None]
    git: Git
    scratch: Path


@dataclass(frozen=True, kw_only=True)
class SealedSet:
    """Files of a sealed evaluation set.

    Attributes:
        data: Path of the features, relative to the configuration.
        labels: Path of the sealed labels, relative to the configuration.
        plain: File that still holds the labels in plain text.
        leaked: Commit that holds the labels in plain text; ``None`` if there is none.
    """

    data: str
    labels: str
    plain: str
    leaked: str | None


def open_labels(config: Config, folder: Path, scratch: Path, private: str | None) -> OpenedLabels | None:
    """Decrypt the labels of a configuration; ``None`` if they are not sealed, or the key is not there.

    Raises:
        InputError: if the key does not open them.
    """
    evaluation = config.evaluation
    if evaluation is None or evaluation.labels is None or not is_sealed(evaluation.labels) or not private:
        return None
    path = Path(resolve_path(evaluation.labels, folder))
    seal, target = read_seal(path), scratch / _OPENED
    table = open_seal(seal, private)
    if not (table.startswith(_PARQUET) and table.endswith(_PARQUET)):
        message = (
            "was opened, and holds something else than `mlci seal` writes; seal the labels again, with `mlci seal`"
        )
        raise InputError(Problem(message, str(path)))
    target.write_bytes(table)
    return OpenedLabels(path=target, leaked=seal.leaked)


def read_seal(path: Path) -> LabelSeal:
    """Read a file of sealed labels.

    Raises:
        InputError: if it is missing, too large or damaged.
    """
    try:
        data = read_bounded(path, SEALED_LABEL_BYTES.value, links=False)
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}", str(path))) from error
    if len(data) > SEALED_LABEL_BYTES.value:
        words = f"has more than {SEALED_LABEL_BYTES}; seal the labels of a sample of the rows"
        raise InputError(Problem(words, str(path)))
    try:
        return parse_seal(data)
    except InputError as error:
        raise InputError.of(Problem(problem.message, str(path)) for problem in error.problems) from error


def seal_evaluation_set(
    loaded: CheckedConfig, ports: SealPorts, public: bytes, *, before_writing: Callable[[], None]
) -> SealedSet:
    """Split the evaluation set into features and labels, and encrypt the labels.

    Nothing is overwritten: the features get a file of their own, unless the labels are in another file already.

    Args:
        loaded: The configuration, with labels in plain text.
        ports: Ports.
        public: Public key.
        before_writing: Called when nothing else can be refused; keeps a new key.

    Raises:
        InputError: if there are no rows with a key, the labels are sealed already, or a file exists.
    """
    folder, evaluation = Path(loaded.path).parent, _sealable(loaded)
    plain = evaluation.labels or evaluation.data
    sealed = _beside(plain, "_labels", SUFFIX)
    _refuse_existing(folder, sealed)
    leaked = find_leak(ports.git, PlainLabels(table=plain, features=evaluation.data, label=evaluation.label))
    data, table = evaluation_path(evaluation, folder), ports.scratch / "labels.parquet"
    ports.labels(data, str(evaluation.key), evaluation.label, table)
    content = dump_seal(seal_labels(table.read_bytes(), public, leaked=leaked, source=plain))
    if len(content) > SEALED_LABEL_BYTES.value:
        raise InputError(Problem(f"has labels of more than {SEALED_LABEL_BYTES}; seal a sample of its rows", plain))
    features, made = evaluation.data, None
    if evaluation.labels is None:
        made = ports.features(data, evaluation.label, ports.scratch / "features")
        features = _beside(evaluation.data, "_features", "".join(made.suffixes))
        _refuse_existing(folder, features)
    before_writing()
    if made is not None:
        replace_file(folder / features, made.read_bytes())
    replace_file(folder / sealed, content)
    return SealedSet(data=features, labels=sealed, plain=plain, leaked=leaked)


def rotate_key(loaded: CheckedConfig, git: Git, old: str, new: str, *, before_writing: Callable[[], None]) -> Path:
    """Encrypt sealed labels to another key, in place, and return the file.

    ``before_writing`` keeps the new key; it is called when the old one has opened them.

    Raises:
        InputError: if the labels are not sealed, or the old key does not open them.
    """
    path = sealed_labels_path(loaded)
    seal = read_seal(path)
    table, leaked = open_seal(seal, old), seal.leaked or find_later_leak(loaded, git, seal)
    rotated = seal_labels(table, public_key_of(new), leaked=leaked, source=seal.source)
    before_writing()
    replace_file(path, dump_seal(rotated))
    return path


def find_later_leak(loaded: CheckedConfig, git: Git, seal: LabelSeal) -> str | None:
    """Search git's history again for a commit with the labels of a seal in plain text.

    Raises:
        InputError: if git can't search the whole history.
    """
    evaluation = rows_evaluation(loaded.config.evaluation)
    if evaluation is None:
        return None
    return find_leak(git, PlainLabels(table=seal.source, features=evaluation.data, label=evaluation.label))


def sealed_labels_path(loaded: CheckedConfig) -> Path:
    """Return the file of sealed labels that a configuration names.

    Raises:
        InputError: if its labels are not sealed.
    """
    evaluation = loaded.config.evaluation
    if evaluation is None or evaluation.labels is None or not is_sealed(evaluation.labels):
        message = "the labels are not sealed; `mlci seal` without an option splits them off and seals them"
        raise InputError(loaded.problem(message, "evaluation"))
    return Path(resolve_path(evaluation.labels, Path(loaded.path).parent))


def _sealable(loaded: CheckedConfig) -> RowsEvaluation:
    """Return the evaluation set, if its labels can be sealed."""
    config = loaded.config
    if not isinstance(config, RowsConfig):
        what, key = config.source
        raise InputError(loaded.problem(f"{what} has no labels that could be sealed", "predict", key))
    if config.task == "ranking":
        raise InputError(loaded.problem("`task: ranking` does not support sealed labels", "task"))
    evaluation = config.evaluation
    if evaluation.key is None:
        message = "sealed labels are joined by a key; name the column that identifies a row: `key: id`"
        raise InputError(loaded.problem(message, "evaluation"))
    if is_sealed(evaluation.labels):
        message = (
            f"the labels are sealed already. For another key: `mlci seal --rotate` with the old one in {KEY_VARIABLE}. "
            f"{LOST_KEY}"
        )
        raise InputError(loaded.problem(message, "evaluation", "labels"))
    plain, name = evaluation.labels or evaluation.data, "labels" if evaluation.labels else "data"
    if "://" in plain:
        message = "only labels in files of this repository can be sealed; copy the table here first"
        raise InputError(loaded.problem(message, "evaluation", name))
    if glob.has_magic(plain) and not (Path(loaded.path).parent / plain).is_file():
        message = "labels of several files can't be sealed; write the table to one file, and name that"
        raise InputError(loaded.problem(message, "evaluation", name))
    return evaluation


def _beside(path: str, name: str, suffix: str) -> str:
    """Return the path of another file in the same folder, named after this one."""
    place = Path(path)
    stem = place.name.removesuffix("".join(place.suffixes[-2:]))
    return str(place.with_name(f"{stem.removesuffix(name)}{name}{suffix}"))


def _refuse_existing(folder: Path, name: str) -> None:
    if (folder / name).exists():
        raise InputError(Problem("exists, and is not overwritten; remove it, or rename it", str(folder / name)))
