"""Bill of materials and verification summary: valid by their published schemas, and the same bytes for a version."""

import json
from importlib.resources import files

import pytest
from jsonschema_rs import Draft7Validator, Draft202012Validator, Registry

from mlci.config.lifecycle.governance import Card
from mlci.governance.bom import render_bom
from mlci.governance.lock_files import LockedPackage, parse_lock
from mlci.governance.summary import LEVELS, render_subjects, render_summary_predicate, resource_uri
from tests.governance.versions import evidence, hostile_evidence
from tests.support.report_cases import mixed
from tests.support.reports import a_report, failed, measured

PACKAGES = {"requirements.txt": (LockedPackage(name="numpy", version="2.1.0"),), "pixi.lock": None}
CARD = Card(intended_use="Rank.", limits=("few rows",), risks=("bias",), owners=("risk",), license="apache-2.0",
            training_data="2019 to 2024")  # fmt: skip


@pytest.fixture(scope="module")
def validator():
    """CycloneDX's own schema; its library validates with jsonschema, whose formats compile grammars for seconds."""
    folder = files("cyclonedx.schema") / "_res"
    names = (f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.6", "spdx", "jsf-0.82"))
    bill, *others = ((name, json.loads((folder / name).read_text("utf-8"))) for name in names)
    known = Registry([(f"http://cyclonedx.org/schema/{name}", one) for name, one in others])
    return Draft7Validator(bill[1], registry=known, validate_formats=True)


@pytest.mark.parametrize("known", [evidence(mixed(), card=CARD), hostile_evidence()], ids=["mixed", "hostile"])
def test_render_bom__valid_by_the_schema(known, validator):
    validator.validate(json.loads(render_bom(known, PACKAGES)))


def test_render_bom__what_the_schema_refuses(validator):
    document = json.loads(render_bom(evidence(mixed()), {}))
    document["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] = 0.5
    assert not validator.is_valid(document)


def test_render_bom__metrics_by_slice_with_intervals():
    rows = [
        measured("recall", now=0.81, span=(0.79, 0.83)),
        measured("recall", now=0.55, slice="region", group="north", span=(0.5, 0.6)),
        measured("log_loss", now=0.3),
    ]
    found = json.loads(render_bom(evidence(a_report(metrics=rows)), PACKAGES))
    component = found["metadata"]["component"]
    assert component["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "recall", "value": "0.81", "confidenceInterval": {"lowerBound": "0.79", "upperBound": "0.83"}},
        {"type": "log_loss", "value": "0.3"},
        {"type": "recall", "value": "0.55", "slice": "region=north",
         "confidenceInterval": {"lowerBound": "0.5", "upperBound": "0.6"}},
    ]  # fmt: skip
    by_ref = {one["bom-ref"]: one for one in found["components"]}
    assert by_ref["file-1"]["hashes"][0]["content"] == evidence(mixed()).manifest.files[0].digest
    assert by_ref["pkg:pypi/numpy@2.1.0"]["version"] == "2.1.0"
    assert {"name": "mlci:unread-lock-file", "value": "pixi.lock"} in component["properties"]
    assert set(found["dependencies"][0]["dependsOn"]) == set(by_ref)


def test_render_bom__same_version_same_bytes():
    one, other = (render_bom(evidence(mixed(), card=CARD), PACKAGES) for _ in range(2))
    assert one == other
    assert json.loads(one)["serialNumber"] == "urn:uuid:5d3f85c8-c477-882e-a9e2-d576f442b28b"
    assert json.loads(one)["metadata"]["timestamp"] == "2026-05-01T10:00:00+00:00"


_DIGESTS = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"}}
_URI = {"type": "string", "pattern": r"^[a-z][a-z0-9+.-]*:\S+$"}
PREDICATE = {  # the fields of the verification summary, version 1 (SLSA 1.2), without fields beyond them
    "type": "object",
    "required": ["verifier", "resourceUri", "policy", "verificationResult", "verifiedLevels"],
    "properties": {
        "verifier": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": _URI,
                "version": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "additionalProperties": False,
        },
        "timeVerified": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
        "resourceUri": _URI,
        "policy": {"type": "object", "required": ["uri"], "properties": {"uri": _URI, "digest": _DIGESTS}},
        "verificationResult": {"enum": ["PASSED", "FAILED"]},
        "verifiedLevels": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "string",
                "pattern": r"^(SLSA_[A-Z]+_LEVEL_(UNEVALUATED|[0-4])|FAILED|(?!SLSA_)[A-Z_]+)$",
            },
        },
        "slsaVersion": {"type": "string", "pattern": r"^\d+\.\d+$"},
    },
    "propertyNames": {"anyOf": [{"pattern": "^[a-zA-Z]+$"}, {"pattern": "^https://"}]},
    "patternProperties": {"^https://": {"type": "object"}},
    "additionalProperties": False,
}


@pytest.mark.parametrize("known", [evidence(mixed()), hostile_evidence()], ids=["mixed", "hostile"])
def test_render_summary_predicate__published_fields(known):
    document = json.loads(render_summary_predicate(known))
    assert [error.message for error in Draft202012Validator(PREDICATE).iter_errors(document)] == []


def test_render_summary_predicate__what_was_verified():
    known = evidence(a_report())
    document = json.loads(render_summary_predicate(known))
    assert document["verificationResult"] == "PASSED"
    assert document["verifiedLevels"] == LEVELS
    assert document["policy"]["digest"] == {"sha256": known.manifest.recipe.config.digest}
    assert document["timeVerified"] == "2026-05-01T10:00:00Z"
    model = known.report.model
    at = f"git%2Bhttps://github.com/octo/models%40{'a' * 40}"
    assert resource_uri(known) == f"pkg:generic/{model}@3?vcs_url={at}"
    assert render_subjects(known).splitlines() == [
        f"{known.manifest.files[0].digest}  model/weights.bin",
        f"{'0' * 64}  model/nested/vocabulary.txt",
    ]


def test_render_summary_predicate__blocked_version():
    document = json.loads(render_summary_predicate(evidence(a_report(gates=[failed("recall", value=0.1, min=0.5)]))))
    assert document["verificationResult"] == "FAILED"
    assert document["verifiedLevels"] == ["FAILED"]


UV = '[[package]]\nname = "Scikit_Learn"\nversion = "1.5.2"\n[[package]]\nname = "here"\nsource = {virtual = "."}\n'


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("requirements.txt", "# c\nnumpy==2.1.0 \\\n  --hash=sha256:ab\nfoo[bar] == 1.0+cpu ; x\nloose>=1\n-e .\n",
         ["foo@1.0+cpu", "numpy@2.1.0"]),
        ("sub/uv.lock", UV, ["scikit-learn@1.5.2"]),
        ("pylock.toml", '[[packages]]\nname = "a"\nversion = "1"\n', ["a@1"]),
        ("Pipfile.lock", '{"default": {"A": {"version": "==1"}, "git": {"ref": "x"}}}', ["a@1"]),
        ("requirements-dev.txt", "<b>==1\na==1@evil/../x\nb==2\n", ["b@2"]),
        ("uv.lock", "not [ toml", None),
        ("Pipfile.lock", "[1]", None),
        ("environment.yml", "dependencies: []", None),
    ],
)  # fmt: skip
def test_parse_lock__formats(name, text, found):
    packages = parse_lock(name, text)
    assert (packages and [f"{one.name}@{one.version}" for one in packages]) == found


def test_locked_package__address():
    assert LockedPackage(name="torch", version="2.1+cpu").purl == "pkg:pypi/torch@2.1%2Bcpu"
