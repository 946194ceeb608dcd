"""Items of EU AI Act Annex IV and of NIST AI RMF 1.0, each with the evidence that mlci has, or with what is missing.

The table is a list of pointers. It gives no score and draws no conclusion: whether a law applies, and whether evidence
is sufficient, is for people to decide.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from mlci.config.lifecycle.governance import EvidenceItem
from mlci.governance.evidence import VersionEvidence
from mlci.report.text.number_format import format_count, pluralize


@dataclass(frozen=True, kw_only=True)
class EvidencePiece:
    """One piece of evidence.

    Attributes:
        found: Sentence about the evidence; ``None`` if there is none.
        missing: What would be evidence.
    """

    found: str | None
    missing: str


@dataclass(frozen=True, kw_only=True)
class FrameworkItem:
    """An item of a framework.

    Attributes:
        id: Key in ``card.evidence``.
        framework: Name of the framework.
        number: Number within the framework.
        title: What the item asks for, in a few words of our own.
        pieces: Functions that look for evidence.
    """

    id: EvidenceItem
    framework: str
    number: str
    title: str
    pieces: tuple[Callable[[VersionEvidence], EvidencePiece], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ItemEvidence:
    """An item with what was found for it.

    Attributes:
        item: The item.
        found: Sentences about evidence.
        pointer: The owners' own evidence, by ``card.evidence``.
        missing: What is missing; a single empty text if mlci has no source for the item.
    """

    item: FrameworkItem
    found: tuple[str, ...]
    pointer: str | None
    missing: tuple[str, ...]


def list_evidence(evidence: VersionEvidence) -> tuple[ItemEvidence, ...]:
    """Return every item with its evidence."""
    pointers = evidence.card.evidence or {}
    return tuple(_look_up(item, evidence, pointers) for item in ITEMS)


def _look_up(item: FrameworkItem, evidence: VersionEvidence, pointers: Mapping[EvidenceItem, str]) -> ItemEvidence:
    pieces = [piece(evidence) for piece in item.pieces]
    pointer = pointers.get(item.id)
    missing = tuple(piece.missing for piece in pieces if piece.found is None)
    if not pieces and pointer is None:
        missing = ("",)
    found = tuple(piece.found for piece in pieces if piece.found is not None)
    return ItemEvidence(item=item, found=found, pointer=pointer, missing=missing)


def _stated(key: str, words: str) -> Callable[[VersionEvidence], EvidencePiece]:
    """Return a piece that the owners state under a key of ``card:``."""

    def look(evidence: VersionEvidence) -> EvidencePiece:
        found = f"Stated: {words}" if getattr(evidence.card, key) else None
        return EvidencePiece(found=found, missing=f"`card.{key}` in mlci.yml")

    return look


def _version(evidence: VersionEvidence) -> EvidencePiece:
    replaced = evidence.promoted.replaced
    since = "the first one" if replaced is None else f"replaced version {replaced}"
    return EvidencePiece(found=f"Recorded: version {evidence.manifest.version}, {since}", missing="")


def _software(evidence: VersionEvidence) -> EvidencePiece:
    locks = evidence.manifest.environment.lock
    found = f"Recorded: {pluralize(len(locks), 'lock file')}, by digest" if locks else None
    return EvidencePiece(found=found, missing="a lock file beside mlci.yml")


def _training(evidence: VersionEvidence) -> EvidencePiece:
    recipe = evidence.manifest.recipe
    found = "Recorded: commit, training command and seed" if recipe.commit and recipe.train else None
    return EvidencePiece(found=found, missing="a commit and `train.run` in mlci.yml")


def _resources(evidence: VersionEvidence) -> EvidencePiece:
    found = "Recorded: platform and seconds of each step" if evidence.manifest.seconds else None
    return EvidencePiece(found=found, missing="a run that trains or predicts")


def _pointers(evidence: VersionEvidence) -> EvidencePiece:
    number = len(evidence.manifest.data.pointers)
    found = f"Recorded: {pluralize(number, 'data pointer')}, by digest" if number else None
    return EvidencePiece(found=found, missing="DVC or LFS pointers of the training data")


def _evaluation_set(evidence: VersionEvidence) -> EvidencePiece:
    rows = evidence.report.evaluation.rows
    found = f"Recorded: evaluation set of {pluralize(rows, 'row')}, by fingerprint" if rows else None
    return EvidencePiece(found=found, missing="an evaluation set with rows")


def _metrics(evidence: VersionEvidence) -> EvidencePiece:
    rows = evidence.values
    intervals = sum(row.candidate_interval is not None for row in rows)
    found = f"Measured: {pluralize(len(rows), 'metric')}, {format_count(intervals)} with an interval" if rows else None
    return EvidencePiece(found=found, missing="metrics with a value")


def _groups(evidence: VersionEvidence) -> EvidencePiece:
    rows, number = evidence.groups, len(evidence.slices)
    found = f"Measured: {pluralize(len(rows), 'value')} of groups in {pluralize(number, 'slice')}" if rows else None
    return EvidencePiece(found=found, missing="`evaluation.slices` in mlci.yml")


def _fairness(evidence: VersionEvidence) -> EvidencePiece:
    number = len(evidence.disparities)
    found = f"Measured: {number} disparities between groups" if number > 1 else None
    found = "Measured: one disparity between groups" if number == 1 else found
    return EvidencePiece(found=found, missing="`evaluation.slices` in mlci.yml, and metrics that compare groups")


def _gates(evidence: VersionEvidence) -> EvidencePiece:
    waived = len(evidence.waived)
    words = f"Judged: {pluralize(len(evidence.report.gates), 'gate')}, {format_count(waived)} waived"
    return EvidencePiece(found=words if evidence.report.gates else None, missing="gates")


def _approval(evidence: VersionEvidence) -> EvidencePiece:
    given = evidence.promoted.approval
    found = None if given is None else f"Recorded: approved by {pluralize(len(given.by), 'reviewer')} before promotion"
    return EvidencePiece(found=found, missing="`require_approval` in mlci.yml")


def _ledger(evidence: VersionEvidence) -> EvidencePiece:
    number = len(evidence.decisions)
    return EvidencePiece(found=f"Recorded: {pluralize(number, 'decision')} in the ledger", missing="")


def _changes(evidence: VersionEvidence) -> EvidencePiece:
    found = "Recorded: what changed since the version before" if evidence.report.lineage else None
    first = evidence.promoted.replaced is None
    return EvidencePiece(
        found="Recorded: first version" if first else found, missing="a comparison with the version before"
    )


def _behaviour(evidence: VersionEvidence) -> EvidencePiece:
    number = len(evidence.report.tests)
    found = f"Measured: {pluralize(number, 'behavioural test')}" if number else None
    return EvidencePiece(found=found, missing="`tests` in mlci.yml")


def _retrained(evidence: VersionEvidence) -> EvidencePiece:
    body = evidence.retrained
    found = None if body is None else f"Measured: {pluralize(body.runs, 'retraining')}, {body.outcome}"
    return EvidencePiece(found=found, missing="`mlci reproduce`")


def _integrity(evidence: VersionEvidence) -> EvidencePiece:
    number = len(evidence.manifest.files)
    found = f"Recorded: {pluralize(number, 'model file')}, by digest" if number else None
    return EvidencePiece(found=found, missing="model files in the registry")


def _rollback(evidence: VersionEvidence) -> EvidencePiece:
    replaced = evidence.promoted.replaced
    found = None if replaced is None else f"Recorded: version {replaced} is kept, and `mlci rollback` returns to it"
    return EvidencePiece(found=found, missing="an earlier version to roll back to")


_ANNEX, _RMF = "EU AI Act, Annex IV", "NIST AI RMF 1.0"
_USE = _stated("intended_use", "intended use")
_SCOPE = _stated("out_of_scope", "uses out of scope")
_LIMITS = _stated("limits", "limits")
_RISKS = _stated("risks", "risks")
_OVERSIGHT = _stated("oversight", "human oversight")
_MONITORING = _stated("monitoring", "monitoring")
_OWNERS = _stated("owners", "owners")
_DATA = _stated("training_data", "training data")
_METHOD = _stated("method", "method")


def _annex(number: str, title: str, *pieces: Callable[[VersionEvidence], EvidencePiece]) -> FrameworkItem:
    name = f"annex-iv-{number.replace('(', '').replace(')', '')}"
    return FrameworkItem(id=_known(name), framework=_ANNEX, number=number, title=title, pieces=pieces)


def _rmf(number: str, title: str, *pieces: Callable[[VersionEvidence], EvidencePiece]) -> FrameworkItem:
    name = number.lower().replace(" ", "-")
    return FrameworkItem(id=_known(name), framework=_RMF, number=number, title=title, pieces=pieces)


def _known(name: str) -> EvidenceItem:
    return next(item for item in get_args(EvidenceItem) if item == name)


ITEMS: tuple[FrameworkItem, ...] = (
    _annex("1(a)", "Intended purpose, provider, version and its relation to earlier ones", _USE, _OWNERS, _version),
    _annex("1(b)", "Interaction with other hardware and software"),
    _annex("1(c)", "Versions of relevant software", _software),
    _annex("1(d)", "Forms in which the system is placed on the market"),
    _annex("1(e)", "Hardware on which it is intended to run"),
    _annex("1(f)", "Photographs or illustrations of the product it is part of"),
    _annex("1(g)", "User interface of the deployer"),
    _annex("1(h)", "Instructions for use"),
    _annex("2(a)", "Methods and steps of development", _METHOD, _training),
    _annex("2(b)", "Design choices and what is optimised", _METHOD),
    _annex("2(c)", "Architecture and computing resources", _resources),
    _annex("2(d)", "Training data: origin, scope, labelling, cleaning", _DATA, _pointers),
    _annex("2(e)", "Assessment of human oversight", _OVERSIGHT),
    _annex("2(f)", "Changes that were determined in advance"),
    _annex("2(g)", "Validation and testing, with metrics and reports", _evaluation_set, _metrics, _fairness, _gates),
    _annex("2(h)", "Cybersecurity measures"),
    _annex("3", "Capabilities and limits, accuracy for groups, risks, oversight", _groups, _LIMITS, _RISKS, _OVERSIGHT),
    _annex("4", "Why the performance metrics are appropriate"),
    _annex("5", "Risk management system"),
    _annex("6", "Changes through the lifecycle", _changes, _ledger),
    _annex("7", "Harmonised standards that are applied"),
    _annex("8", "EU declaration of conformity"),
    _annex("9", "Monitoring after placing on the market", _MONITORING),
    _rmf("GOVERN 1.4", "Risk management by transparent policies and controls", _gates, _approval),
    _rmf("GOVERN 2.1", "Roles and responsibilities are documented", _OWNERS),
    _rmf("GOVERN 6.1", "Risks of third-party software and data", _software),
    _rmf("MAP 1.1", "Intended purposes and context", _USE, _SCOPE),
    _rmf("MAP 2.1", "Task and method", _METHOD),
    _rmf("MAP 2.2", "Limits of knowledge, and how output is overseen", _LIMITS, _OVERSIGHT),
    _rmf("MAP 2.3", "Scientific integrity of test and evaluation", _evaluation_set, _retrained),
    _rmf("MAP 3.5", "Processes for human oversight", _OVERSIGHT),
    _rmf("MAP 4.1", "Risks of components, third-party ones among them", _software),
    _rmf("MEASURE 1.1", "Metrics for the most significant risks", _gates),
    _rmf("MEASURE 2.1", "Test sets, metrics and tools are documented", _evaluation_set, _metrics),
    _rmf("MEASURE 2.3", "Performance under conditions similar to deployment", _metrics, _groups),
    _rmf("MEASURE 2.4", "Behaviour in production is monitored", _MONITORING),
    _rmf("MEASURE 2.5", "Validity, reliability, limits of generalization", _behaviour, _LIMITS),
    _rmf("MEASURE 2.7", "Security and resilience", _integrity),
    _rmf("MEASURE 2.9", "The model is explained and documented", _METHOD),
    _rmf("MEASURE 2.10", "Privacy risk"),
    _rmf("MEASURE 2.11", "Fairness and bias", _fairness),
    _rmf("MEASURE 2.12", "Environmental impact"),
    _rmf("MANAGE 1.1", "Decision whether to deploy", _gates, _ledger),
    _rmf("MANAGE 1.4", "Residual risks", _RISKS),
    _rmf("MANAGE 2.4", "Means to supersede or deactivate the system", _rollback),
    _rmf("MANAGE 4.1", "Monitoring plans after deployment", _MONITORING),
    _rmf("MANAGE 4.3", "Incidents and errors are tracked", _ledger),
)
"""All items, in the order of the table."""
