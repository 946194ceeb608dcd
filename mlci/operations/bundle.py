"""The bundle of a run: the evaluated files and a manifest, written whole or not at all, verified when read."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mlci.errors import InputError, Problem
from mlci.operations.context import RunContext
from mlci.operations.measure import operational_metrics_of
from mlci.operations.models.model_predictions import ScoredChampion
from mlci.operations.provenance import Artifact, ArtifactDigests, BuildProvenance, digest_file
from mlci.operations.run import RunResult
from mlci.registry import errors
from mlci.registry.errors import NewerError
from mlci.registry.manifest import (
    Bundle,
    ChampionPredictions,
    Data,
    Predictions,
    VersionFile,
    champion_place,
    model_digest,
)
from mlci.registry.stored_files import MOST_DESCRIPTION_BYTES
from mlci.report.document import Report
from mlci.report.serialization import MOST_BYTES as REPORT_BYTES
from mlci.report.serialization import parse_report
from mlci.util import safe_files
from mlci.util.digests import canonical_json, sha256_of, sha256_of_file

FOLDER, MANIFEST, DIGEST, REPORT = "bundle", "bundle.json", "bundle.sha256", "report.json"
_BUILDING = ".mlci-bundle-"
_AGAIN = "these are not the evaluated bytes; run `mlci run` again"


def write_bundle(context: RunContext, out: Path, ran: RunResult, report: str) -> str | None:
    """Write ``out/bundle``: model, predictions, configuration, lock files, report and manifest.

    Args:
        out: The run's output folder.
        ran: The run, with digests from before the evaluation.
        report: Text of ``report.json``.
        context: Run context.

    Returns:
        A note if no bundle is possible.

    Raises:
        InputError: if a file changed during the evaluation, or the folder can't be written to.
    """
    digests, provenance = ran.comparison.digests, ran.provenance
    if provenance is None or digests is None or digests.predictions is None:
        return "no bundle: the predictions are not a single local file, so this run can't be promoted"
    clear_bundle(out)
    out.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=out))
    try:
        (building / REPORT).write_text(report, encoding="utf-8", newline="\n")
        pieces = _pieces(building, digests, provenance, ran.comparison.scored)
        content = _manifest(ran, digests, pieces, context.config.model, provenance)
        for place, part in pieces.items():
            _copy(part, building / place, ours=context.scratch)
        data = canonical_json(content.model_dump(mode="json", by_alias=True))
        (building / MANIFEST).write_bytes(data)
        (building / DIGEST).write_bytes(seals_labels(data))
        building.chmod(0o755)
        building.rename(out / FOLDER)
    except OSError as error:
        raise InputError(f"can't write the bundle to {out}: {error.strerror}; `--no-bundle` leaves it out") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return None


def clear_bundle(out: Path) -> None:
    """Remove an earlier run's bundle, and unfinished ones of killed runs."""
    for path in (out / FOLDER, *out.glob(f"{_BUILDING}*")):
        shutil.rmtree(path, ignore_errors=True)


def seals_labels(data: bytes) -> bytes:
    """Return the content of the file beside a manifest: its digest, as sha256sum writes it."""
    return f"{sha256_of(data)}  {MANIFEST}\n".encode()


def whole_set_values(report: Report) -> dict[str, float]:
    """Return a report's values on the whole set, by metric."""
    rows = (row for row in report.metrics if row.slice is None and row.candidate is not None)
    return {row.metric: row.candidate for row in rows if row.candidate is not None}


def _pieces(
    building: Path, digests: ArtifactDigests, provenance: BuildProvenance, scored: ScoredChampion | None
) -> dict[str, Artifact]:
    """Return every file of a bundle by its path in the bundle."""
    parts = {f"model/{part.file.name}": part for part in digests.model}
    if digests.predictions is not None:
        parts[digests.predictions.file.name] = digests.predictions
    parts[REPORT] = digest_file(building / REPORT, REPORT)
    if provenance.rows is not None:
        parts[provenance.rows[0].file.name] = provenance.rows[0]
    parts[f"config/{provenance.config.file.name}"] = provenance.config
    parts.update({f"lock/{part.file.name}": part for part in provenance.locks})
    if scored is not None:
        file = scored.predictions.file
        parts[champion_place(file)] = Artifact(path=scored.path, file=file)
    return parts


def _manifest(
    ran: RunResult,
    digests: ArtifactDigests,
    pieces: Mapping[str, Artifact],
    model: str,
    provenance: BuildProvenance,
) -> Bundle:
    comparison, report = ran.comparison, ran.report
    source, predictions = comparison.candidate.source, digests.predictions
    if predictions is None:
        raise ValueError("checked by the caller")
    scored = comparison.scored
    fingerprint = report.evaluation.fingerprint or comparison.rows
    return Bundle(
        model=model,
        files=tuple(part.file for part in digests.model),
        predictions=Predictions(fingerprint=comparison.rows, file=predictions.file, **source.columns),
        report=pieces[REPORT].file,
        recipe=provenance.recipe,
        environment=provenance.environment,
        data=Data(
            fingerprint=fingerprint,
            rows=report.evaluation.rows or 0,
            keys=provenance.rows[0].file if provenance.rows else None,
            pointers=provenance.pointers,
        ),
        metrics=whole_set_values(report),
        champion=None
        if scored is None
        else ChampionPredictions(version=scored.version, predictions=scored.predictions),
        costs=operational_metrics_of(comparison.candidate, rows=report.evaluation.rows or 0),
        seconds={name: value for name, value in report.provenance.seconds.model_dump().items() if value is not None},
    )


def _copy(part: Artifact, target: Path, *, ours: Path) -> None:
    """Put a file into the bundle and verify its digest; a file in the temporary folder is linked, others are copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if part.path != target:
        linked = False
        if part.path.is_relative_to(ours):
            with contextlib.suppress(OSError):  # another file system
                os.link(part.path, target)
                linked = True
        if not linked:
            shutil.copyfile(part.path, target)
    if target.stat().st_size != part.file.bytes or sha256_of_file(target) != part.file.digest:
        raise InputError(
            f"{part.path.name} changed during the evaluation: a process writes to it, perhaps one that a step started"
        )


@dataclass(frozen=True, kw_only=True)
class VerifiedBundle:
    """A bundle with verified digests.

    Attributes:
        content: Its manifest.
        report: Its report.
        paths: Path of each file, by digest.
    """

    content: Bundle
    report: Report
    paths: Mapping[str, Path]

    @property
    def scored(self) -> ScoredChampion | None:
        """Return the champion's predictions that the run made."""
        champion = self.content.champion
        if champion is None:
            return None
        path = self.paths[champion.predictions.file.digest]
        return ScoredChampion(version=champion.version, predictions=champion.predictions, path=path)


def read_bundle(out: Path) -> VerifiedBundle:
    """Read a bundle and verify the digest of every file.

    Raises:
        InputError: if the bundle or a file is missing, or a file was truncated or altered; the message names it.
    """
    folder = out / FOLDER
    content = _content(folder / MANIFEST)
    for place, file in content.all_places().items():
        _verify(folder / place, file)
    report = parse_report(_read(folder / REPORT, REPORT_BYTES), path=str(folder / REPORT))
    if wrong := _at_odds(content, report):
        raise InputError(Problem(f"judged {wrong} than the bundle holds; run `mlci run` again", str(folder / REPORT)))
    paths = {file.digest: folder / place for place, file in content.all_places().items()}
    return VerifiedBundle(content=content, report=report, paths=paths)


def _at_odds(content: Bundle, report: Report) -> str | None:
    """Return which digest of a report differs from the manifest's; ``None`` if all are equal."""
    candidate, model = report.candidate, model_digest(content.files, folder=content.recipe.folder)
    if report.model != content.model:
        return "another model"
    if candidate.predictions != f"sha256:{content.predictions.file.digest}":
        return "other predictions"
    if candidate.model != (f"sha256:{model}" if model else None):
        return "other model files"
    if content.champion is not None and report.baseline.version != str(content.champion.version):
        return "another baseline"
    return None if report.evaluation.fingerprint in {None, content.data.fingerprint} else "other rows"


def _content(path: Path) -> Bundle:
    """Read a bundle's manifest and verify it by the digest file beside it."""
    data, seal = _read(path, MOST_DESCRIPTION_BYTES), _read(path.with_name(DIGEST), MOST_DESCRIPTION_BYTES)
    if seal != seals_labels(data):
        raise InputError(Problem(f"was truncated or altered: {DIGEST} names other bytes; {_AGAIN}", str(path)))
    try:
        return Bundle.model_validate_json(data)
    except ValidationError as error:
        if isinstance(errors.unreadable_record(error, data, what=""), NewerError):
            words = "was written by a newer mlci; upgrade to that version, or run `mlci run` again with this one"
            raise InputError(Problem(words, str(path))) from error
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise InputError(Problem(f"is not a bundle manifest: {where}: {first['msg']}", str(path))) from error


def _read(path: Path, most: int) -> bytes:
    """Read a small file of a bundle.

    Raises:
        InputError: if it is missing or not a regular file.
    """
    try:
        if not safe_files.is_folder(path.parent):
            raise InputError(Problem("does not exist; `mlci run` writes it to the folder of `--out`", str(path)))
        data = safe_files.read_small(path, most)
    except safe_files.ForeignError as error:
        raise InputError(f"{error}; {_AGAIN}") from error
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}", str(path))) from error
    if data is None:
        raise InputError(Problem(f"is missing; {_AGAIN}", str(path)))
    return data


def _verify(path: Path, file: VersionFile) -> None:
    if path.is_symlink() or not path.is_file():
        raise InputError(Problem(f"is missing from the bundle; {_AGAIN}", str(path)))
    size = path.stat().st_size
    if size < file.bytes:
        raise InputError(Problem(f"was truncated: {size:,} of {file.bytes:,} bytes; {_AGAIN}", str(path)))
    if size != file.bytes or sha256_of_file(path) != file.digest:
        raise InputError(Problem(f"was altered: it is not sha256 {file.digest}; {_AGAIN}", str(path)))
