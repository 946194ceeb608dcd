"""Write a bundle: the evaluated files and a manifest, whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlci.errors import InputError
from mlci.operations.bundle.artifacts import Artifact, ArtifactDigests, digest_file
from mlci.operations.bundle.provenance import BuildProvenance
from mlci.operations.context import RunContext
from mlci.operations.evaluate import operational_metrics_of
from mlci.operations.models.predictions import ScoredChampion
from mlci.operations.run import RunResult
from mlci.registry.manifest import Bundle, ChampionPredictions, Data, Predictions, champion_place
from mlci.report.document import Report
from mlci.util.digests import canonical_json, sha256_of, sha256_of_file

FOLDER, MANIFEST, DIGEST, REPORT = "bundle", "bundle.json", "bundle.sha256", "report.json"
_BUILDING = ".mlci-bundle-"


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
