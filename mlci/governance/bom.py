"""Bill of materials of a version: CycloneDX 1.6 with its model card, files, evaluation set and locked packages. Pure.

The same version gives the same bytes: time and tool come from the entry that promoted it, and the serial number from
the digest of its manifest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mlci.governance.evidence import TASKS, VersionEvidence
from mlci.governance.lock_files import LockedPackage
from mlci.registry.manifest import VersionFile
from mlci.report.document import DisparityRow, MetricRow
from mlci.report.text.escape import shorten_markdown, visible
from mlci.util.json_text import pretty_json

SPECIFICATION = "1.6"
_LONGEST = 4_000
_MODEL, _DATA = "model", "evaluation-set"


def render_bom(evidence: VersionEvidence, packages: Mapping[str, tuple[LockedPackage, ...] | None]) -> str:
    """Return the bill of materials as JSON.

    Args:
        evidence: The version.
        packages: By lock file, its packages; ``None`` for one that can't be read.
    """
    return pretty_json(build_bom(evidence, packages)) + "\n"


def build_bom(evidence: VersionEvidence, packages: Mapping[str, tuple[LockedPackage, ...] | None]) -> dict[str, Any]:
    """Return the document."""
    locked = sorted({one for found in packages.values() for one in found or ()})
    files = [_file(file, f"file-{number}") for number, file in enumerate(evidence.manifest.files, 1)]
    components = [*files, _evaluation_set(evidence), *map(_library, locked)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "serialNumber": _serial_number(evidence.promoted.manifest),
        "version": 1,
        "metadata": _metadata(evidence, [name for name, found in packages.items() if found is None]),
        "components": components,
        "dependencies": [{"ref": _MODEL, "dependsOn": [one["bom-ref"] for one in components]}],
        "compositions": [{"aggregate": "incomplete", "dependencies": [_MODEL]}],
    }


def _serial_number(digest: str) -> str:
    """Return a UUID of version 8 (RFC 9562), whose bits come from a digest."""
    bits = f"{digest[:12]}8{digest[13:16]}{'89ab'[int(digest[16], 16) % 4]}{digest[17:32]}"
    return f"urn:uuid:{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"


def _metadata(evidence: VersionEvidence, unread: Sequence[str]) -> dict[str, Any]:
    entry = evidence.promotion
    writer = {"version": _text(entry.writer)} if entry.writer else {}
    return {
        "timestamp": entry.at,
        "tools": {"components": [{"type": "application", "name": "mlci", **writer}]},
        "component": _model(evidence, unread),
    }


def _model(evidence: VersionEvidence, unread: Sequence[str]) -> dict[str, Any]:
    manifest, card, files = evidence.manifest, evidence.card, evidence.manifest.files
    single = {"hashes": [_hash(files[0].digest)]} if len(files) == 1 else {}
    license_ = {"licenses": [{"license": {"name": _text(card.license_name or card.license)}}]} if card.license else {}
    authors = {"authors": [{"name": _text(name)} for name in card.owners]} if card.owners else {}
    return {
        "type": "machine-learning-model",
        "bom-ref": _MODEL,
        "name": _text(manifest.model),
        "version": str(manifest.version),
        **authors,
        **license_,
        **single,
        "modelCard": _model_card(evidence),
        "properties": _properties(evidence, unread),
    }


def _model_card(evidence: VersionEvidence) -> dict[str, Any]:
    measured = [*map(_performance, evidence.values), *map(_performance, evidence.groups)]
    measured += map(_performance, evidence.disparities)
    parameters = {
        "approach": {"type": "supervised"},
        "task": TASKS[evidence.report.task],
        "datasets": [{"ref": _DATA}],
    }
    considerations = _considerations(evidence)
    return {
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": measured},
        **({"considerations": considerations} if considerations else {}),
    }


def _performance(row: MetricRow | DisparityRow) -> dict[str, Any]:
    """Return a value with its slice and its interval; CycloneDX takes numbers as texts."""
    found: dict[str, Any] = {"type": _text(row.metric), "value": _number(row.candidate)}
    if isinstance(row, DisparityRow):
        found["slice"] = _text(f"across {row.across}")
    elif row.slice is not None:
        found["slice"] = _text(f"{row.slice}={row.group}")
    if row.candidate_interval is not None:
        low, high = row.candidate_interval
        found["confidenceInterval"] = {"lowerBound": _number(low), "upperBound": _number(high)}
    return found


def _considerations(evidence: VersionEvidence) -> dict[str, Any]:
    card = evidence.card
    found = {
        "useCases": [_text(card.intended_use)] if card.intended_use else [],
        "technicalLimitations": [*map(_text, card.limits or ()), *map(_text, card.out_of_scope or ())],
        "ethicalConsiderations": [{"name": _text(risk)} for risk in card.risks or ()],
    }
    return {key: value for key, value in found.items() if value}


def _properties(evidence: VersionEvidence, unread: Sequence[str]) -> list[dict[str, str]]:
    manifest, entry = evidence.manifest, evidence.promotion
    pairs = (
        ("manifest", f"sha256:{evidence.promoted.manifest}"),
        ("entry", str(entry.number)),
        ("entry-digest", f"sha256:{evidence.promotion_digest}"),
        ("commit", manifest.recipe.commit),
        ("report", f"sha256:{manifest.report.digest}"),
        ("verdict", evidence.report.verdict),
        ("confidence", _number(evidence.report.policy.confidence)),
        ("seed", str(manifest.recipe.seed)),
        ("python", manifest.environment.python),
        *(("lock-file", f"{file.name} sha256:{file.digest}") for file in manifest.environment.lock),
        *(("unread-lock-file", name) for name in unread),
    )
    return [{"name": f"mlci:{name}", "value": _text(value)} for name, value in pairs if value is not None]


def _file(file: VersionFile, reference: str) -> dict[str, Any]:
    name = _text(f"model/{file.name}")
    return {"type": "file", "bom-ref": reference, "name": name, "hashes": [_hash(file.digest)]}


def _evaluation_set(evidence: VersionEvidence) -> dict[str, Any]:
    data, stated = evidence.manifest.data, evidence.card.training_data
    name = _text(evidence.data or "evaluation set")
    properties = [{"name": "mlci:fingerprint", "value": _text(data.fingerprint)}]
    properties += [{"name": "mlci:rows", "value": str(data.rows)}]
    contents: dict[str, Any] = {"type": "dataset", "name": name, "contents": {"properties": properties}}
    about = {"description": f"Training data: {_text(stated)}"} if stated else {}
    return {"type": "data", "bom-ref": _DATA, "name": name, "data": [contents], **about}


def _library(package: LockedPackage) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
    }


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _text(text: str | None) -> str:
    return shorten_markdown(visible(text or ""), longest=_LONGEST)
