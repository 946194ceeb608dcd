"""Train and predict stages: run the user's commands and check their output files.

A stage has to write its own output. Predictions go to a new temporary folder; an earlier model or file that training
did not change is an error, because it would be mistaken for the new one. The format of predictions is recognized by
magic bytes. Their sources: Parquet's and NumPy's format pages, PKWARE's APPNOTE (zip), RFC 1952 (gzip), Python's
``pickle`` page (opcode ``PROTO``), the HDF5 specification, zlib (RFC 1950), xz and bzip2 file formats.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mlci.errors import StepError
from mlci.events.step_logs import one_line
from mlci.execution.interface import Runner, Step, StepResult
from mlci.execution.sanitize import sanitize

Stamp = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Output and cost of a stage.

    Attributes:
        ran: The process.
        output: The model that training wrote (``None`` if none was named), or the file of predictions.
        seconds: Wall time of the work itself; for a skops model that of ``predict`` without imports and reading.
        score: Column of the score in predictions that mlci itself wrote; ``None`` for the user's own.
        decision: Column of the decision, likewise.
        notes: Lines for the report.
    """

    ran: StepResult
    seconds: float
    output: Path | None = None
    score: str | None = None
    decision: str | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Command:
    """A user's command with its folder and limits.

    Attributes:
        run: ``train.run`` or ``predict.run``.
        folder: Folder of the configuration: working folder, and base of relative paths.
        name: Name of the step in logs and errors, e.g. ``train`` or ``baseline train``.
        timeout: Seconds.
        seed: Passed to the command as ``MLCI_SEED``.
        env: More variables, e.g. those of a baseline's worktree.
        named: Variables of the registry's credentials that it gets: ``train.env`` or ``predict.env``.
        written: The configuration file that has it, for errors.
    """

    run: str
    folder: Path
    name: str
    timeout: float = 3600
    seed: int = 7
    env: Mapping[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    written: str = "mlci.yml"

    def step(self, *, variables: Mapping[str, str], key: str) -> Step:
        """Return the step that runs it with variables of its stage; ``key`` is its part of mlci.yml."""
        env = {**self.env, "MLCI_SEED": str(self.seed), **variables}
        fix = f"`{key}.run` and `{key}.timeout` in {self.written}"
        return Step(
            name=self.name,
            command=self.run,
            cwd=self.folder,
            env=env,
            named=self.named,
            timeout=self.timeout,
            fix=fix,
        )


def run_training(runner: Runner, command: Command, *, model: str | None = None, leaves: tuple[str, ...] = ()) -> Stage:
    """Run the training command; it gets ``MLCI_SEED`` and, if a model is named, ``MLCI_MODEL`` (absolute).

    Args:
        runner: Runs the command.
        command: ``train.run`` and its folder.
        model: ``train.model``: file or folder that training has to write, relative to the command's folder.
        leaves: Other files that it has to write, e.g. ``predict.file`` or ``predict.metrics``.

    Raises:
        StepError: if the command failed, or did not write what it should.
    """
    paths = {item: command.folder / item for item in leaves}
    variables = {}
    output = None
    if model is not None:
        output = paths["train.model"] = (command.folder / model).absolute()
        variables["MLCI_MODEL"] = str(output)
    before = {key: file_stamps(path) for key, path in paths.items()}
    ran = runner.run(command.step(variables=variables, key="train"))
    for key, path in paths.items():
        _require_written(path, before[key], command=command, key=key)
    return Stage(ran=ran, seconds=ran.seconds, output=output)


def run_prediction(
    runner: Runner, command: Command, *, scratch: Path, features: Callable[[Path], Path], model: Path | None = None
) -> Stage:
    """Run the prediction command and return the file of predictions.

    The command gets ``MLCI_DATA`` (features without labels), ``MLCI_PREDICTIONS`` (path to write to), ``MLCI_SEED``,
    and ``MLCI_MODEL`` if there is a model. All paths are absolute. ``MLCI_PREDICTIONS`` ends in ``.csv``, but CSV,
    Parquet and JSON Lines are accepted: the content determines the format, and the file is renamed.

    Args:
        runner: Runs the command.
        command: ``predict.run`` and its folder.
        scratch: Temporary folder for features and predictions; it is emptied first.
        features: Writes the features into a folder and returns the file.
        model: The model that training wrote.

    Raises:
        StepError: if the command failed, or left no predictions, or something that is not a table.
    """
    data, target = prepare_step(scratch, features)
    variables = {"MLCI_DATA": str(data), "MLCI_PREDICTIONS": str(target)}
    if model is not None:
        variables["MLCI_MODEL"] = str(model.absolute())
    ran = runner.run(command.step(variables=variables, key="predict"))
    if target.is_symlink() or not target.is_file():
        others = sorted(path.name for path in target.parent.iterdir() if path.name != "features")
        also = f" (it left {', '.join(sanitize(name) for name in others[:5])} beside it)" if others else ""
        raise StepError(
            f"{command.name} ended well but wrote no predictions: it has to write a file to the path in "
            f"$MLCI_PREDICTIONS, with one row for each row of $MLCI_DATA{also}"
        )
    output = named_as_table(target, step=command.name, variable="MLCI_PREDICTIONS")
    return Stage(ran=ran, seconds=ran.seconds, output=output)


def prepare_step(scratch: Path, features: Callable[[Path], Path]) -> tuple[Path, Path]:
    """Empty ``scratch``, write the features there, and return their file and the path for predictions."""
    make_empty_folder(scratch)
    inputs = scratch.resolve() / "features"
    inputs.mkdir()
    return features(inputs).resolve(), scratch.resolve() / "predictions.csv"


def operational_costs(*, train: Stage | None, predict: Stage | None, model: Path | None, rows: int) -> dict[str, float]:
    """Return the operational metrics of the stages, by the names that gates use.

    ``train_seconds`` and ``predict_seconds_per_1k_rows`` are wall time, ``model_megabytes`` the size of the trained
    model and ``peak_memory_megabytes`` the largest single process of any stage, both in 10⁶ bytes. Metrics that were
    not measured are omitted.
    """
    measured: dict[str, float] = {}
    if train is not None:
        measured["train_seconds"] = train.seconds
    if predict is not None and rows > 0:
        measured["predict_seconds_per_1k_rows"] = predict.seconds / rows * 1000
    if model is not None and model.exists():
        measured["model_megabytes"] = megabytes(model)
    peaks = [stage.ran.peak_megabytes for stage in (train, predict) if stage is not None]
    measured_peaks = [peak for peak in peaks if peak is not None]
    if measured_peaks:
        measured["peak_memory_megabytes"] = max(measured_peaks)
    return measured


def megabytes(path: Path) -> float:
    """Return the size of a file, or of all files in a folder, in 10⁶ bytes.

    The path itself may be a link; links inside a folder are not followed, and a file with several names counts once.
    """
    if path.is_file():
        return path.stat().st_size / 1e6
    sizes: dict[tuple[int, int], int] = {}
    for root, _, names in os.walk(path.resolve()):
        for name in names:
            entry = (Path(root) / name).lstat()
            if (entry.st_mode & 0o170000) == 0o100000:
                sizes[entry.st_dev, entry.st_ino] = entry.st_size
    return sum(sizes.values()) / 1e6


def make_empty_folder(folder: Path) -> None:
    """Make ``folder`` an empty temporary folder; earlier content is removed."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def file_stamps(path: Path) -> Stamp:
    """Return name, time, size and inode of every file at or below ``path``: it changes when a process writes there."""
    if not path.exists():
        return frozenset()
    files = [path] if path.is_file() else [Path(root) / name for root, _, names in os.walk(path) for name in names]
    marks = set()
    for file in files:
        entry = file.stat() if file.exists() else file.lstat()
        marks.add((str(file.relative_to(path)), entry.st_mtime_ns, entry.st_size, entry.st_ino))
    return frozenset(marks)


def _require_written(path: Path, before: Stamp, *, command: Command, key: str) -> None:
    """Check that a stage wrote its output.

    Raises:
        StepError: if there is nothing, an empty folder, or the same content as before.
    """
    after = file_stamps(path)
    what = f"`{path.name}`" if key != "train.model" else f"`train.model: {path.name}`"
    if not after:
        raise StepError(
            f"{command.name} ended well but did not write {what}: expected a file or folder at {path}; "
            f"make `{one_line(command.run)}` write there{' ($MLCI_MODEL)' * (key == 'train.model')}, "
            "or correct the path in mlci.yml"
        )
    if after == before:
        when = datetime.fromtimestamp(max(mark[1] for mark in after) / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        raise StepError(
            f"{command.name} ended well but left {what} as it was before, from {when}: nothing shows that this "
            "commit made it. Delete the old one before training, or leave `train.run` out to judge it as is"
        )


_MARKS = (
    (b"PAR1", "Parquet"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"ARROW1", "an Arrow file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
)


_TABLES = {"Parquet": ".parquet", "JSON Lines": ".jsonl", "CSV": ".csv"}


def file_kind(path: Path) -> str:
    """Return the kind of file: a table (``Parquet``, ``JSON Lines``, ``CSV``) or another format by its magic bytes."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file"
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        return "a pickle"
    if head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib data (as joblib writes)"
    if b"\x00" in head:
        return "a binary file"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "JSON Lines" if text.startswith(b"{") else "a JSON array" if text.startswith(b"[") else "CSV"


def named_as_table(path: Path, *, step: str, variable: str) -> Path:
    """Rename a step's table to the suffix of its format, and return the new path.

    Raises:
        StepError: if it is empty or not a table that mlci reads.
    """
    kind = file_kind(path)
    if kind not in _TABLES:
        advice = {"a JSON array": "write one object a line (pandas: `to_json(path, orient='records', lines=True)`)"}
        how = advice.get(
            kind, "write CSV, Parquet or JSON Lines, not compressed, e.g. pandas' `to_csv(path, index=False)`"
        )
        raise StepError(f"{step} left {kind} at ${variable}; {how}")
    target = path.with_suffix(_TABLES[kind])
    return path if target == path else path.replace(target)
