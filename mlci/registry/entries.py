"""Entries of a ledger, and the records of retrainings that they name: forms and bytes. Pure.

An entry's bytes are canonical JSON: keys sorted, no spaces, UTF-8. It contains the digest of the entry before, so that
no entry can be changed, moved or removed unless all later ones are rewritten. It also contains the state of the ledger
after it. Readers therefore need only the newest entry, and :func:`mlci.registry.verification.verify_ledger` recomputes
every state from the first.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlci.util.digests import canonical_json

MOST_BYTES = 256 * 1024
"""Most bytes of an entry."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(max_length=2_000)]


# Validators are built on first use: a run without a registry imports these classes and reads no entry.
_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
BY_ALIAS = ConfigDict(**_STRICT, populate_by_name=True, serialize_by_alias=True)
"""Settings of parts with keys that differ from Python's names, such as ``schema``."""


class LedgerPart(BaseModel):
    """Base of all parts: frozen, without unknown keys."""

    model_config = _STRICT


class Actor(LedgerPart):
    """Author of an entry: actor, run and commit, if known."""

    actor: Text | None = None
    run: Text | None = Field(default=None, description="Address of the workflow run.")
    commit: Text | None = None


class VerdictRecord(LedgerPart):
    """A candidate was judged: one use of the evaluation set."""

    kind: Literal["verdict"] = "verdict"
    verdict: Literal["pass", "warn", "block"]
    report: Digest = Field(description="Digest of report.json.")
    policy: Digest = Field(description="Digest of the gates and the policy of the configuration.")
    fingerprint: Text = Field(description="Fingerprint of the evaluation set.")
    predictions: Digest = Field(description="Digest of the candidate's predictions; a repeat of them is not a new use.")
    against: Count | None = Field(description="Version that it was compared with.")
    again: bool = Field(default=False, description="Whether the ledger had this use before.")


class Promotion(LedgerPart):
    """A new version became the champion."""

    kind: Literal["promotion"] = "promotion"
    version: Annotated[int, Field(ge=1)]
    manifest: Digest = Field(description="Digest of the version's manifest.")
    replaced: Count | None = Field(description="The champion before; the promotion was judged against it.")
    note: Text | None = None


class Rollback(LedgerPart):
    """An earlier version became the champion again."""

    kind: Literal["rollback"] = "rollback"
    version: Annotated[int, Field(ge=1)]
    replaced: Annotated[int, Field(ge=1)]
    reason: Annotated[Text, Field(min_length=1)]


class PredictionsAdded(LedgerPart):
    """A version's predictions on another evaluation set were added."""

    kind: Literal["rescored"] = "rescored"
    version: Annotated[int, Field(ge=1)]
    fingerprint: Text
    predictions: Digest = Field(description="Digest of the description of the predictions.")


class ReproductionRecorded(LedgerPart):
    """A version was retrained k times."""

    kind: Literal["reproduced"] = "reproduced"
    version: Annotated[int, Field(ge=1)]
    outcome: Literal["identical", "within", "different"]
    spread: Digest = Field(description="Digest of the metrics of all reruns.")
    runs: Annotated[int, Field(ge=1)] = 1


Body = Annotated[
    VerdictRecord | Promotion | Rollback | PredictionsAdded | ReproductionRecorded, Field(discriminator="kind")
]


class SnapshotRef(LedgerPart):
    """The whole state after an older entry, stored as a file; the state that names it has the changes since."""

    entry: Annotated[int, Field(ge=1)]
    digest: Digest


class LedgerState(LedgerPart):
    """State of the ledger after an entry.

    Attributes:
        champion: The version in production; ``None`` before the first promotion.
        versions: Number of versions so far; they are numbered from 1.
        decided: Number of the newest promotion or rollback entry, 0 for none.
        promoted: By version, the number of the entry that promoted it first.
        uses: By fingerprint of an evaluation set, the number of different predictions that were judged on it.
        rescored: By fingerprint, the number of the entry that added the champion's predictions on another set.
        reproduced: By version, the number of the newest entry with several retrainings, which give a spread.
        digests: By number, the SHA-256 of entries that the other attributes refer to, see
            :mod:`mlci.registry.ledger_state`; ``None``, and not in the bytes, in entries of older versions.
        snapshot: Snapshot with the rest of ``promoted``, ``uses``, ``rescored`` and ``reproduced``, see
            :mod:`mlci.registry.ledger_state`; ``None`` if this state is complete.
    """

    champion: int | None = None
    versions: Count = 0
    decided: Count = 0
    promoted: dict[str, int] = Field(default_factory=dict)
    uses: dict[str, int] = Field(default_factory=dict)
    rescored: dict[str, int] = Field(default_factory=dict)
    reproduced: dict[str, int] = Field(default_factory=dict)
    digests: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]*$")], Digest] | None = None
    snapshot: SnapshotRef | None = None


class Entry(LedgerPart):
    """One entry."""

    schema_: Annotated[Literal["mlci/ledger/1"], Field(alias="schema")] = "mlci/ledger/1"
    number: Annotated[int, Field(ge=1)]
    previous: Digest | None = Field(description="SHA-256 of the entry before; null in the first.")
    at: Text = Field(
        description="Time of the writer's clock, RFC 3339, UTC; the order is the numbers', not the clock's."
    )
    nonce: Text = Field(description="Chosen by the writer, so that two entries never hold the same bytes by accident.")
    by: Actor
    body: Body
    state: LedgerState
    writer: Text | None = Field(default=None, description="Version of mlci that wrote it.")
    reader: Text | None = Field(default=None, description="Least version of mlci that reads it.")
    intent: Text | None = Field(default=None, description="Invocation of a decision, the same for all attempts.")

    model_config = BY_ALIAS


_LATER = ("writer", "reader", "intent")
_LATER_STATE = ("digests", "snapshot")
"""Fields that older entries do not have: left out of the bytes if empty, so that older entries keep their bytes."""


def dump_entry(entry: Entry) -> bytes:
    """Return an entry's canonical bytes."""
    document = entry.model_dump(mode="json", by_alias=True)
    for part, names in ((document, _LATER), (document["state"], _LATER_STATE)):
        for name in names:
            if part[name] is None:
                del part[name]
    return canonical_json(document)


class Rerun(LedgerPart):
    """One training."""

    seed: int = Field(description="Value of MLCI_SEED.")
    model: Text | None = Field(description="Digest of the retrained model.")
    predictions: Text = Field(description="Fingerprint of its predictions.")
    metrics: dict[str, float] = Field(description="Whole-set values.")


class MetricSpread(LedgerPart):
    """All retrainings of one version."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/spread/1"], Field(alias="schema")] = "mlci/spread/1"
    version: int
    fingerprint: Text = Field(description="Fingerprint of the evaluation set that all were evaluated on.")
    original: dict[str, float] = Field(description="The version's own values on it.")
    reruns: Annotated[tuple[Rerun, ...], Field(min_length=1)]
    python: Text
    platform: Text


class ReproductionFound(LedgerPart):
    """Record of a job that may not write to the registry, for a job that may."""

    model_config = BY_ALIAS

    schema_: Annotated[Literal["mlci/reproduction/1"], Field(alias="schema")] = "mlci/reproduction/1"
    outcome: Literal["identical", "within", "different"]
    spread: MetricSpread
