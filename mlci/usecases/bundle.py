"""What a run leaves for a promotion: the judged bytes and a manifest without a number, whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mlci.config.load import Loaded
from mlci.errors import InputError, Problem
from mlci.registry import entries
from mlci.registry.manifest import Bundle, Data, File, Predictions
from mlci.registry.versions import MOST_BYTES, digest_of
from mlci.report.document import Report
from mlci.report.read import parse
from mlci.usecases.held import Held, Piece, model_digest, piece
from mlci.usecases.makings import Makings
from mlci.usecases.run import Ran, costs_of
from mlci.usecases.tools import Tools

FOLDER, MANIFEST, DIGEST, REPORT = "bundle", "bundle.json", "bundle.sha256", "report.json"
_BUILDING = ".mlci-bundle-"
_AGAIN = "these are not the bytes that were judged; run `mlci run` again"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A bundle whose bytes were held against their digests.

    Attributes:
        content: Its manifest.
        report: The report that judged it.
        paths: Where each file stands, by digest.
    """

    content: Bundle
    report: Report
    paths: Mapping[str, Path]


def write(out: Path, ran: Ran, report: str, loaded: Loaded, tools: Tools) -> str | None:
    """Write ``out/bundle``: model, predictions, configuration, lock files, report and manifest.

    Args:
        out: The run's folder.
        ran: What was judged, with the digests that it had before.
        report: Text of ``report.json``.
        loaded: The configuration.
        tools: Effects.

    Returns:
        A note where there is nothing to keep.

    Raises:
        InputError: Something changed while it was judged, or the folder can't be written to.
    """
    held, makings = ran.compared.held, ran.makings
    if makings is None or held is None or held.predictions is None:
        return "no bundle: the predictions are several files or elsewhere, so this run can't be promoted"
    clear(out)
    out.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=out))
    try:
        (building / REPORT).write_text(report, encoding="utf-8", newline="\n")
        pieces = _pieces(building, held, makings)
        content = _manifest(ran, held, pieces, loaded, makings)
        for place, part in pieces.items():
            _copy(part, building / place, ours=tools.scratch)
        data = entries.canonical(content.model_dump(mode="json", by_alias=True))
        (building / MANIFEST).write_bytes(data)
        (building / DIGEST).write_bytes(_sealed(data))
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


def opened(out: Path) -> Opened:
    """Read a bundle and hold every byte against its digest.

    Raises:
        InputError: There is none, or a file is missing, truncated or altered; it is named.
    """
    folder = out / FOLDER
    content = _content(folder / MANIFEST)
    for place, file in content.places().items():
        _verify(folder / place, file)
    report = parse((folder / REPORT).read_bytes(), path=str(folder / REPORT))
    if wrong := _at_odds(content, report):
        raise InputError(Problem(f"judged {wrong} than the bundle holds; run `mlci run` again", str(folder / REPORT)))
    paths = {file.digest: folder / place for place, file in content.places().items()}
    return Opened(content=content, report=report, paths=paths)


def whole_set(report: Report) -> dict[str, float]:
    """Return a report's values on the whole set, by metric."""
    rows = (row for row in report.metrics if row.slice is None and row.candidate is not None)
    return {row.metric: row.candidate for row in rows if row.candidate is not None}


def _at_odds(content: Bundle, report: Report) -> str | None:
    """Return what a report says of other bytes than a manifest does."""
    said, model = report.candidate, model_digest(content.files, folder=content.recipe.folder)
    if report.model != content.model:
        return "another model"
    if said.predictions != f"sha256:{content.predictions.file.digest}":
        return "other predictions"
    if said.model != (f"sha256:{model}" if model else None):
        return "other model files"
    return None if report.evaluation.fingerprint in {None, content.data.fingerprint} else "other rows"


def _content(path: Path) -> Bundle:
    """Read a bundle's manifest, and hold it against the digest beside it."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        said = path.with_name(DIGEST).read_bytes()
    except FileNotFoundError as error:
        there = path.parent.is_dir()
        words = f"is missing; {_AGAIN}" if there else "is not there; `mlci run` leaves it in the folder of `--out`"
        raise InputError(Problem(words, str(error.filename))) from error
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}", str(path))) from error
    if said != _sealed(data):
        raise InputError(Problem(f"was truncated or altered: {DIGEST} names other bytes; {_AGAIN}", str(path)))
    try:
        return Bundle.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise InputError(Problem(f"is no bundle's manifest: {where}: {first['msg']}", str(path))) from error


def _sealed(data: bytes) -> bytes:
    """Return what stands beside a manifest, as sha256sum writes it."""
    return f"{entries.digest(data)}  {MANIFEST}\n".encode()


def _verify(path: Path, file: File) -> None:
    if path.is_symlink() or not path.is_file():
        raise InputError(Problem(f"is missing from the bundle; {_AGAIN}", str(path)))
    size = path.stat().st_size
    if size < file.bytes:
        raise InputError(Problem(f"was truncated: {size:,} of {file.bytes:,} bytes; {_AGAIN}", str(path)))
    if size != file.bytes or digest_of(path) != file.digest:
        raise InputError(Problem(f"was altered: it is not sha256 {file.digest}; {_AGAIN}", str(path)))


def _pieces(building: Path, held: Held, makings: Makings) -> dict[str, Piece]:
    """Return every file of a bundle by its place."""
    parts = {f"model/{part.file.name}": part for part in held.model}
    if held.predictions is not None:
        parts[held.predictions.file.name] = held.predictions
    parts[REPORT] = piece(building / REPORT, REPORT)
    parts[f"config/{makings.config.file.name}"] = makings.config
    parts.update({f"lock/{part.file.name}": part for part in makings.locks})
    return parts


def _manifest(ran: Ran, held: Held, pieces: Mapping[str, Piece], loaded: Loaded, makings: Makings) -> Bundle:
    compared, report = ran.compared, ran.report
    source, predictions = compared.candidate.source, held.predictions
    if predictions is None:
        raise ValueError("checked by the caller")
    columns = {"score": source.score, "decision": source.decision, "threshold": source.threshold}
    fingerprint = report.evaluation.fingerprint or compared.rows
    return Bundle(
        model=loaded.config.model,
        files=tuple(part.file for part in held.model),
        predictions=Predictions(fingerprint=compared.rows, file=predictions.file, **columns),
        report=pieces[REPORT].file,
        recipe=makings.recipe,
        environment=makings.environment,
        data=Data(fingerprint=fingerprint, rows=report.evaluation.rows or 0, pointers=makings.pointers),
        metrics=whole_set(report),
        costs=costs_of(compared.candidate, rows=report.evaluation.rows or 0),
        seconds={name: value for name, value in report.provenance.seconds.model_dump().items() if value is not None},
    )


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
