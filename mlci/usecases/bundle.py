"""What a run leaves for a promotion: the judged bytes and a manifest without a number, whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlci.baseline.data import pointers
from mlci.baseline.git import Git
from mlci.config.load import Loaded
from mlci.errors import InputError
from mlci.registry import entries
from mlci.registry.manifest import Bundle, Data, Environment, Predictions, Recipe
from mlci.registry.versions import digest_of
from mlci.report.document import Report
from mlci.usecases.held import Held, Piece, piece
from mlci.usecases.run import Ran, costs_of
from mlci.usecases.sides import kept
from mlci.usecases.tools import Tools

FOLDER, MANIFEST, DIGEST, REPORT = "bundle", "bundle.json", "bundle.sha256", "report.json"
_BUILDING = ".mlci-bundle-"
_LOCKS = (
    "requirements*.txt", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock*.toml", "conda-lock.yml",
    "environment.yml", "environment.yaml", "pixi.lock", "renv.lock",
)  # fmt: skip
_LARGEST_LOCK = 16_000_000


def write(out: Path, ran: Ran, report: str, loaded: Loaded, tools: Tools, environment: Environment) -> str | None:
    """Write ``out/bundle``: model, predictions, configuration, lock files, report and manifest.

    Args:
        out: The run's folder.
        ran: What was judged, with the digests that it had before.
        report: Text of ``report.json``.
        loaded: The configuration.
        tools: Effects.
        environment: What the run ran on; lock files are added.

    Returns:
        A note where there is nothing to keep.

    Raises:
        InputError: Something changed while it was judged, or the folder can't be written to.
    """
    held = ran.compared.held
    if held is None or held.predictions is None:
        return "no bundle: the predictions are several files or elsewhere, so this run can't be promoted"
    clear(out)
    out.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=out))
    try:
        (building / REPORT).write_text(report, encoding="utf-8", newline="\n")
        pieces = _pieces(building, held, loaded, tools.git)
        content = _manifest(ran, held, pieces, loaded, tools, environment)
        for place, part in pieces.items():
            _copy(part, building / place, ours=tools.scratch)
        data = entries.canonical(content.model_dump(mode="json", by_alias=True))
        (building / MANIFEST).write_bytes(data)
        (building / DIGEST).write_bytes(sealed(data))
        building.chmod(0o755)
        building.rename(out / FOLDER)
    except OSError as error:
        raise InputError(f"can't write the bundle to {out}: {error.strerror}; `--no-bundle` leaves it out") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return None


def clear(out: Path) -> None:
    """Remove an earlier run's bundle, and what a killed run left of one."""
    for path in (out / FOLDER, *out.glob(f"{_BUILDING}*")):
        shutil.rmtree(path, ignore_errors=True)


def sealed(data: bytes) -> bytes:
    """Return what stands beside a manifest: its digest, as sha256sum writes it."""
    return f"{entries.digest(data)}  {MANIFEST}\n".encode()


def whole_set(report: Report) -> dict[str, float]:
    """Return a report's values on the whole set, by metric."""
    rows = (row for row in report.metrics if row.slice is None and row.candidate is not None)
    return {row.metric: row.candidate for row in rows if row.candidate is not None}


def _pieces(building: Path, held: Held, loaded: Loaded, git: Git) -> dict[str, Piece]:
    """Return every file of a bundle by its place."""
    config = Path(loaded.path)
    parts = {f"model/{part.file.name}": part for part in held.model}
    if held.predictions is not None:
        parts[held.predictions.file.name] = held.predictions
    parts[REPORT] = piece(building / REPORT, REPORT)
    parts[f"config/{config.name}"] = piece(config, config.name)
    parts.update({f"lock/{part.file.name}": part for part in _locks(config.parent, git)})
    return parts


def _locks(folder: Path, git: Git) -> Iterator[Piece]:
    """Yield the lock files beside the configuration and at the top of the repository."""
    root = folder.resolve()
    with contextlib.suppress(InputError):
        root = git.root().resolve()
    found = {path.resolve() for home in (folder, root) for pattern in _LOCKS for path in home.glob(pattern)}
    for path in sorted(found):
        if path.is_relative_to(root) and path.is_file() and path.stat().st_size <= _LARGEST_LOCK:
            yield piece(path, path.relative_to(root).as_posix())


def _manifest(
    ran: Ran, held: Held, pieces: Mapping[str, Piece], loaded: Loaded, tools: Tools, environment: Environment
) -> Bundle:
    compared, config, report = ran.compared, loaded.config, ran.report
    source, predictions = compared.candidate.source, held.predictions
    if predictions is None:
        raise ValueError("checked by the caller")
    columns = {"score": source.score, "decision": source.decision, "threshold": source.threshold}
    own = pieces[f"config/{Path(loaded.path).name}"].file
    locks = tuple(part.file for place, part in pieces.items() if place.startswith("lock/"))
    fingerprint = report.evaluation.fingerprint or compared.rows
    return Bundle(
        model=config.model,
        files=tuple(part.file for part in held.model),
        predictions=Predictions(fingerprint=compared.rows, file=predictions.file, **columns),
        report=pieces[REPORT].file,
        recipe=Recipe(
            commit=compared.head.commit if compared.head else None,
            dirty=compared.head.dirty if compared.head else False,
            config_path=_in_repository(loaded, tools.git),
            config=own,
            train=config.train.run if config.train else None,
            predict=config.predict.run,
            model=kept(config),
            folder=held.folder,
            seed=config.policy.seed,
        ),
        environment=environment.model_copy(update={"lock": locks}),
        data=Data(fingerprint=fingerprint, rows=report.evaluation.rows or 0, pointers=pointers(tools.git)),
        metrics=whole_set(report),
        costs=costs_of(compared.candidate, rows=report.evaluation.rows or 0),
        seconds={name: value for name, value in report.provenance.seconds.model_dump().items() if value is not None},
    )


def _in_repository(loaded: Loaded, git: Git) -> str:
    path = Path(loaded.path).resolve()
    with contextlib.suppress(InputError):
        root = git.root().resolve()
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.name


def _copy(part: Piece, target: Path, *, ours: Path) -> None:
    """Put a file into the bundle and hold what arrived against its digest: a file of ours by a link, others copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if part.path != target:
        linked = False
        if part.path.is_relative_to(ours):
            with contextlib.suppress(OSError):  # another file system
                os.link(part.path, target)
                linked = True
        if not linked:
            shutil.copyfile(part.path, target)
    if target.stat().st_size != part.file.bytes or digest_of(target) != part.file.digest:
        raise InputError(
            f"{part.path.name} changed while it was judged: another process writes to it, or a step left one running"
        )
