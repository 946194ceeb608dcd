"""Verify attestations of a version: the signature, the subjects, and the predicate against the registry."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlci.errors import InputError
from mlci.governance.evidence import VersionEvidence
from mlci.governance.summary import PREDICATE_TYPE
from mlci.operations.governance.documents import BOM, SUMMARY, render_document
from mlci.registry.registry import RegistryView
from mlci.util.bounds import DESCRIPTION_BYTES
from mlci.util.safe_files import read_bounded

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
"""Issuer of the identities of GitHub's workflows."""
_STATEMENT = "https://in-toto.io/Statement/v1"
_BOM_TYPE = "https://cyclonedx.org/bom"


class UnverifiedError(Exception):
    """The signature of a bundle could not be verified."""


@dataclass(frozen=True, kw_only=True)
class SignerPolicy:
    """Whose signature counts.

    Attributes:
        identity: Address of the workflow that signed, with its reference.
        issuer: Issuer of the identity.
        trusted_root: File with the root of trust; ``None`` for the one that sigstore's package brings.
    """

    identity: str
    issuer: str = GITHUB_ISSUER
    trusted_root: Path | None = None


@dataclass(frozen=True, kw_only=True)
class AttestationCheck:
    """Result for one attestation.

    Attributes:
        name: File, with the number of the attestation in it.
        predicate_type: Type of its predicate; ``None`` if the signature does not count.
        problem: What is wrong; ``None`` if nothing is.
    """

    name: str
    predicate_type: str | None
    problem: str | None


OpenBundle = Callable[[bytes, SignerPolicy], bytes]
"""Verifies a signed bundle offline and returns the statement in it; raises :class:`UnverifiedError`."""


def check_attestations(
    view: RegistryView, evidence: VersionEvidence, path: Path, signer: SignerPolicy, open_bundle: OpenBundle
) -> tuple[AttestationCheck, ...]:
    """Verify every attestation of a file: a bundle as JSON, or several, one a line.

    Raises:
        InputError: if the file can't be read or has no bundle.
    """
    return tuple(
        _check(view, evidence, name, bundle, signer=signer, open_bundle=open_bundle) for name, bundle in _bundles(path)
    )


def _bundles(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        data = read_bounded(path, DESCRIPTION_BYTES.value)
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from error
    lines = [line for line in data.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}") for line in lines):
        yield from ((f"{path.name} line {number}", line) for number, line in enumerate(lines, 1))
    elif lines:
        yield path.name, data
    else:
        raise InputError(f"{path}: the file is empty; `gh attestation download` writes one with bundles")


def _check(
    view: RegistryView,
    evidence: VersionEvidence,
    name: str,
    bundle: bytes,
    *,
    signer: SignerPolicy,
    open_bundle: OpenBundle,
) -> AttestationCheck:
    try:
        statement = _parse(open_bundle(bundle, signer))
    except UnverifiedError as error:
        return AttestationCheck(name=name, predicate_type=None, problem=f"its signature does not count: {error}")
    kind = str(statement.get("predicateType"))
    problem = _wrong_subject(evidence, statement) or _wrong_predicate(view, evidence, kind, statement.get("predicate"))
    return AttestationCheck(name=name, predicate_type=kind, problem=problem)


def _parse(payload: bytes) -> dict[str, Any]:
    """Return an in-toto statement.

    Raises:
        UnverifiedError: if the signed content is not one.
    """
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise UnverifiedError("it signs something that is not JSON") from error
    if not isinstance(found, dict) or found.get("_type") != _STATEMENT:
        raise UnverifiedError(f"it signs something that is not an in-toto statement ({_STATEMENT})")
    return found


def _wrong_subject(evidence: VersionEvidence, statement: dict[str, Any]) -> str | None:
    """Return the first file of the model that the attestation is not about."""
    subjects = statement.get("subject")
    digests = [one.get("digest") for one in subjects if isinstance(one, dict)] if isinstance(subjects, list) else []
    about = {digest.get("sha256") for digest in digests if isinstance(digest, dict)}
    lacks = next((file for file in evidence.manifest.files if file.digest not in about), None)
    if lacks is not None:
        return f"it is not about model/{lacks.name}, sha256 {lacks.digest}"
    return None if evidence.manifest.files else "the version has no model files that it could be about"


def _wrong_predicate(view: RegistryView, evidence: VersionEvidence, kind: str, predicate: object) -> str | None:
    """Return the first field that differs from the registry; other types of predicates are not compared."""
    name = {PREDICATE_TYPE: SUMMARY, _BOM_TYPE: BOM}.get(kind)
    if name is None:
        return None
    wanted = json.loads(render_document(name, view, evidence))
    if not isinstance(predicate, dict):
        return f"its predicate is not that of {name}"
    differs = [key for key in dict.fromkeys([*wanted, *predicate]) if wanted.get(key) != predicate.get(key)]
    return f"`{differs[0]}` of its predicate is not that of {name}" if differs else None
