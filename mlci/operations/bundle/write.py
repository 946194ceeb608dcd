"""Write a bundle: the evaluated files and a manifest, whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlci.config.loader import LoadedConfig
from mlci.errors import InputError
from mlci.operations.bundle.artifacts import Artifact, ArtifactDigests, digest_file
from mlci.operations.bundle.provenance import BuildProvenance
from mlci.operations.context import RunContext
from mlci.operations.models.rescored_champion import ScoredChampion
from mlci.operations.run import RunResult, operational_metrics_of
from mlci.registry import entries
from mlci.registry.manifest import Bundle, ChampionPredictions, Data, Predictions, champion_place
from mlci.registry.versions import digest_of
from mlci.report.document import Report

FOLDER, MANIFEST, DIGEST, REPORT = "bundle", "bundle.json", "bundle.sha256", "report.json"
_BUILDING = ".mlci-bundle-"


def write_bundle(out: Path, ran: RunResult, report: str, loaded: LoadedConfig, tools: RunContext) -> str | None:
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
    clear_bundle(out)
    out.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=out))
    try:
        (building / REPORT).write_text(report, encoding="utf-8", newline="\n")
        pieces = _pieces(building, held, makings, ran.compared.scored)
        content = _manifest(ran, held, pieces, loaded, makings)
        for place, part in pieces.items():
            _copy(part, building / place, ours=tools.scratch)
        data = entries.canonical_json(content.model_dump(mode="json", by_alias=True))
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
    """Remove an earlier run's bundle, and what a killed run left of one."""
    for path in (out / FOLDER, *out.glob(f"{_BUILDING}*")):
        shutil.rmtree(path, ignore_errors=True)


def seals_labels(data: bytes) -> bytes:
    """Return what stands beside a manifest: its digest, as sha256sum writes it."""
    return f"{entries.entry_digest(data)}  {MANIFEST}\n".encode()


def whole_set_values(report: Report) -> dict[str, float]:
    """Return a report's values on the whole set, by metric."""
    rows = (row for row in report.metrics if row.slice is None and row.candidate is not None)
    return {row.metric: row.candidate for row in rows if row.candidate is not None}


def _pieces(
    building: Path, held: ArtifactDigests, makings: BuildProvenance, scored: ScoredChampion | None
) -> dict[str, Artifact]:
    """Return every file of a bundle by its place."""
    parts = {f"model/{part.file.name}": part for part in held.model}
    if held.predictions is not None:
        parts[held.predictions.file.name] = held.predictions
    parts[REPORT] = digest_file(building / REPORT, REPORT)
    if makings.rows is not None:
        parts[makings.rows[0].file.name] = makings.rows[0]
    parts[f"config/{makings.config.file.name}"] = makings.config
    parts.update({f"lock/{part.file.name}": part for part in makings.locks})
    if scored is not None:
        file = scored.predictions.file
        parts[champion_place(file)] = Artifact(path=scored.path, file=file)
    return parts


def _manifest(
    ran: RunResult,
    held: ArtifactDigests,
    pieces: Mapping[str, Artifact],
    loaded: LoadedConfig,
    makings: BuildProvenance,
) -> Bundle:
    compared, report = ran.compared, ran.report
    source, predictions = compared.candidate.source, held.predictions
    if predictions is None:
        raise ValueError("checked by the caller")
    columns = {"score": source.score, "decision": source.decision, "threshold": source.threshold}
    scored = compared.scored
    fingerprint = report.evaluation.fingerprint or compared.rows
    return Bundle(
        model=loaded.config.model,
        files=tuple(part.file for part in held.model),
        predictions=Predictions(fingerprint=compared.rows, file=predictions.file, **columns),
        report=pieces[REPORT].file,
        recipe=makings.recipe,
        environment=makings.environment,
        data=Data(
            fingerprint=fingerprint,
            rows=report.evaluation.rows or 0,
            keys=makings.rows[0].file if makings.rows else None,
            pointers=makings.pointers,
        ),
        metrics=whole_set_values(report),
        champion=None
        if scored is None
        else ChampionPredictions(version=scored.version, predictions=scored.predictions),
        costs=operational_metrics_of(compared.candidate, rows=report.evaluation.rows or 0),
        seconds={name: value for name, value in report.provenance.seconds.model_dump().items() if value is not None},
    )


def _copy(part: Artifact, target: Path, *, ours: Path) -> None:
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
