"""Kinds of ledger entries: what each records. Pure.

A new kind is a class here, a member of :data:`Body`, and a case of :func:`mlci.registry.entries.state_after`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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


class Reviewer(LedgerPart):
    """A person whose approval counts."""

    login: Annotated[Text, Field(min_length=1)]
    counts_as: Annotated[Text, Field(min_length=1)] = Field(
        description="Entry of `require_approval` that the person fulfils: the login, or a team as `owner/team`."
    )


class ApprovalRecord(LedgerPart):
    """Approvals of a pull request that a promotion required, as GitHub's API had them."""

    pull: Annotated[int, Field(ge=1)]
    head: Annotated[Text, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")] = Field(
        description="Head commit of the pull request, which the reviews are on."
    )
    by: Annotated[tuple[Reviewer, ...], Field(min_length=1, max_length=50)]


class Promotion(LedgerPart):
    """A new version became the champion."""

    kind: Literal["promotion"] = "promotion"
    version: Annotated[int, Field(ge=1)]
    manifest: Digest = Field(description="Digest of the version's manifest.")
    replaced: Count | None = Field(description="The champion before; the promotion was judged against it.")
    note: Text | None = None
    approval: ApprovalRecord | None = Field(
        default=None, description="Approvals that were required; not in the bytes of entries without one."
    )
    accepted_on: Text | None = Field(
        default=None,
        description="Fingerprint of the evaluation set that it was judged on, if the ledger counts looks at that set; "
        "not in the bytes of other entries.",
    )


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


class WaiverRecord(LedgerPart):
    """A person accepted the finding of one gate on one commit."""

    kind: Literal["waived"] = "waived"
    gate: Annotated[Text, Field(min_length=1)] = Field(description="Id of the gate, as in report.json.")
    head: Annotated[Text, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
    person: Annotated[Text, Field(min_length=1)] = Field(description="Login of the person.")
    role: Text = Field(description="Role of that person on the repository, by GitHub.")
    reason: Annotated[Text, Field(min_length=1)]
    until: Annotated[Text, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] = Field(
        description="Last day on which it counts, in UTC."
    )
    pull: Count | None = Field(default=None, description="Number of the pull request.")
    comment: Count | None = Field(default=None, description="Id of the comment that gave it.")
    accepted: Literal["value", "candidate"] | None = Field(
        default=None, description="The accepted number: the one compared with the limit, or the candidate's."
    )
    worst: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        default=None, description="Worse end of its interval; the waiver holds only while a number is not worse."
    )


Day = Annotated[Text, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class ProbeRecord(LedgerPart):
    """A pull request's predictions are about to be evaluated on sealed labels: one look at them."""

    kind: Literal["probed"] = "probed"
    pull: Annotated[int, Field(ge=1)] = Field(description="Number of the pull request.")
    head: Annotated[Text, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
    day: Day = Field(description="The day in UTC that it counts for.")
    run: Annotated[int, Field(ge=1)] = Field(description="Id of the training run.")
    attempt: Annotated[int, Field(ge=1)] = Field(description="Attempt of the training run.")


class LookRecord(LedgerPart):
    """A candidate's verdict is about to be published: one look at the evaluation set."""

    kind: Literal["look"] = "look"
    fingerprint: Annotated[Text, Field(min_length=1)] = Field(description="Fingerprint of the evaluation set.")
    predictions: Digest = Field(description="Digest of the candidate's predictions; the same ones cost one look.")
    policy: Digest = Field(description="Digest of the gates and the policy of the configuration.")
    alpha: Annotated[float, Field(gt=0, le=0.25)] = Field(description="One-sided level that the look spends.")
    disclosed: Literal["numbers", "rounded"] = Field(
        description="What the report shows of the labels: all numbers, or those of sealed mode, rounded."
    )


class MonitorRecord(LedgerPart):
    """Windows of production were compared with a version; the document has the history and all states."""

    kind: Literal["monitored"] = "monitored"
    version: Annotated[int, Field(ge=1)] = Field(description="Version that the newest window was compared with.")
    window: Annotated[Text, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$")] = Field(
        description="Start of the newest window, in UTC."
    )
    outcome: Literal["ok", "warn", "alarm", "unknown"]
    history: Digest = Field(description="Digest of the history.")


class CostRecord(LedgerPart):
    """A run was paid for, as its report has it."""

    kind: Literal["cost"] = "cost"
    month: Annotated[Text, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")] = Field(
        description="The month in UTC that it counts for."
    )
    minutes: Annotated[int, Field(ge=0, le=60 * 24 * 35)] = Field(description="Billed minutes of the job.")
    micro_usd: Annotated[int, Field(ge=0, le=10**12)] | None = Field(
        description="Price in millionths of a dollar; null if it is unknown."
    )
    runner: Text = Field(description="GitHub's billing SKU, `self-hosted`, `local` or `unknown`.")
    report: Digest = Field(description="Digest of report.json; a report counts once.")
    milliwatt_hours: Annotated[int, Field(ge=0, le=10**12)] | None = Field(
        default=None, description="Energy of its steps; null, and not in the bytes, if it is unknown or was not read."
    )


class ErasureRecord(LedgerPart):
    """Files were erased on purpose, such as predictions with personal data; the entries that name them stay."""

    kind: Literal["erased"] = "erased"
    digests: Annotated[tuple[Digest, ...], Field(min_length=1, max_length=256)]
    reason: Annotated[Text, Field(min_length=1)]
    earlier: Count | None = Field(description="Number of the erasure before it; null in the first.")


class DrillRecord(LedgerPart):
    """A backup was restored alone, and the champion scored again by what came back."""

    kind: Literal["drilled"] = "drilled"
    entry: Annotated[int, Field(ge=1)] = Field(description="Newest entry of the backup.")
    digest: Digest = Field(description="Digest of that entry.")
    newest_at: Text = Field(description="Time of that entry.")
    version: Annotated[int, Field(ge=1)] | None = Field(description="The champion; null before the first promotion.")
    agreement: Literal["identical", "equivalent", "different", "not compared"] = Field(
        description="Its predictions after the restore, against the stored ones."
    )
    retrained: bool = Field(description="Whether it was retrained, because its model was lost or its rows are made.")
    seconds: Count = Field(description="Time to restore, rounded up.")


Body = Annotated[
    VerdictRecord
    | Promotion
    | Rollback
    | PredictionsAdded
    | ReproductionRecorded
    | WaiverRecord
    | ProbeRecord
    | LookRecord
    | MonitorRecord
    | CostRecord
    | ErasureRecord
    | DrillRecord,
    Field(discriminator="kind"),
]
