"""Attestations of a version: whose signature counts, and what the statement has to be about."""

import json

import pytest

from mlci.governance.summary import build_summary_predicate
from mlci.operations.governance.attestation import SignerPolicy, UnverifiedError, check_attestations
from mlci.operations.governance.sigstore_bundle import open_sigstore_bundle
from tests.governance.versions import evidence
from tests.support.reports import a_report

SIGNER = SignerPolicy(identity="https://github.com/o/r/.github/workflows/promote.yml@refs/heads/main")
KNOWN = evidence(a_report())


def statement(**changes):
    subjects = [{"name": f"model/{file.name}", "digest": {"sha256": file.digest}} for file in KNOWN.manifest.files]
    parts = {"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": "https://example.org/p"}
    return {**parts, "predicate": {}, **changes}


def summary(**changes):
    return {**build_summary_predicate(KNOWN), **changes}


VSA = "https://slsa.dev/verification_summary/v1"


@pytest.mark.parametrize(
    ("signed", "problem"),
    [
        (statement(), None),
        (statement(predicateType=VSA, predicate=summary()), None),
        (statement(subject=[]), "it is not about model/weights.bin"),
        (statement(subject=statement()["subject"][:1]), "it is not about model/nested/vocabulary.txt"),
        (statement(subject="x"), "it is not about model/weights.bin"),
        (statement(predicateType=VSA, predicate=summary(verificationResult="FAILED")), "`verificationResult` of its"),
        (statement(predicateType=VSA, predicate=summary(more=1)), "`more` of its predicate"),
        (statement(predicateType=VSA, predicate=[]), "its predicate is not that of summary.json"),
        (statement(_type="https://in-toto.io/Statement/v0.1"), "its signature does not count: it signs something"),
        ([1], "its signature does not count: it signs something that is not an in-toto statement"),
    ],
)
def test_check_attestations__statement_against_the_registry(tmp_path, signed, problem):
    path = tmp_path / "bundle.json"
    path.write_text("{}")
    [found] = check_attestations(None, KNOWN, path, SIGNER, lambda *_: json.dumps(signed).encode())
    assert problem is None if found.problem is None else problem in found.problem


def test_check_attestations__each_line_of_a_file(tmp_path):
    path = tmp_path / "bundles.jsonl"
    path.write_text('{"n": 1}\n{"n": 2}\n')

    def opened(data, signer):
        assert signer == SIGNER
        if json.loads(data)["n"] == 2:
            raise UnverifiedError("another identity")
        return json.dumps(statement()).encode()

    one, other = check_attestations(None, KNOWN, path, SIGNER, opened)
    assert (one.name, one.problem) == ("bundles.jsonl line 1", None)
    assert (other.name, other.problem) == ("bundles.jsonl line 2", "its signature does not count: another identity")


@pytest.mark.parametrize(
    "data", [b"{}", b"not json", b'{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}']
)
def test_open_sigstore_bundle__malformed(data):
    with pytest.raises(UnverifiedError):
        open_sigstore_bundle(data, SIGNER)
