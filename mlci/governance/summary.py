"""Verification summary of a version: the predicate of SLSA's attestation, and the subjects that it is about. Pure.

The summary states what mlci verified: the bytes were judged by the gates of one configuration. mlci evaluates no SLSA
build level, and the summary says so; its other level is a custom value, which the specification allows.
"""

from typing import Any
from urllib.parse import quote

from mlci.governance.evidence import VersionEvidence
from mlci.report.text.escape import web_address
from mlci.util.json_text import pretty_json

PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
SLSA_VERSION = "1.2"
VERIFIER = "https://github.com/mlci/mlci"
EXTENSION = f"{VERIFIER}/verification-summary/v1"
"""Name of the field with digests of the evidence; fields beyond the specification are named by addresses."""
LEVELS = ["SLSA_BUILD_LEVEL_UNEVALUATED", "MLCI_GATES_PASSED"]


def render_summary_predicate(evidence: VersionEvidence) -> str:
    """Return the predicate as JSON."""
    return pretty_json(build_summary_predicate(evidence)) + "\n"


def build_summary_predicate(evidence: VersionEvidence) -> dict[str, Any]:
    """Return the predicate."""
    manifest, entry, recipe = evidence.manifest, evidence.promotion, evidence.manifest.recipe
    passed = evidence.report.verdict != "block"
    version = {"version": {"mlci": entry.writer}} if entry.writer else {}
    policy = {
        "uri": f"{resource_uri(evidence)}#{quote(recipe.config_path)}",
        "digest": {"sha256": recipe.config.digest},
    }
    return {
        "verifier": {"id": VERIFIER, **version},
        "timeVerified": entry.at.replace("+00:00", "Z"),
        "resourceUri": resource_uri(evidence),
        "policy": policy,
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": LEVELS if passed else ["FAILED"],
        "slsaVersion": SLSA_VERSION,
        EXTENSION: {
            "verdict": evidence.report.verdict,
            "waivedGates": len(evidence.waived),
            "report": {"sha256": manifest.report.digest},
            "manifest": {"sha256": evidence.promoted.manifest},
            "ledgerEntry": {"number": entry.number, "sha256": evidence.promotion_digest},
        },
    }


def resource_uri(evidence: VersionEvidence) -> str:
    """Return the package URL of the version, with its repository and commit if they are recorded."""
    manifest = evidence.manifest
    package = f"pkg:generic/{quote(manifest.model)}@{manifest.version}"
    repository = _repository(evidence)
    if repository is None:
        return package
    at = f"@{manifest.recipe.commit}" if manifest.recipe.commit else ""
    return f"{package}?vcs_url={quote(f'git+{repository}{at}', safe=':/')}"


def _repository(evidence: VersionEvidence) -> str | None:
    """Return the address of the repository whose workflow promoted the version."""
    address = web_address(evidence.promotion.by.run)
    repository, found, _ = (address or "").partition("/actions/runs/")
    return repository if found else None


def render_subjects(evidence: VersionEvidence) -> str:
    """Return the model's files as sha256sum writes them, which GitHub's attestation action reads."""
    return "".join(f"{file.digest}  model/{file.name}\n" for file in evidence.manifest.files)
