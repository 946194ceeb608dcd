"""Holdout uses: how often an evaluation set was used, by the ledger's records.

A holdout use is a candidate's predictions, judged on an evaluation set by a policy. The same predictions, judged again
by the same policy, reveal nothing new and do not count again. With `reuse` in the configuration a use is a look, which
:mod:`mlci.operations.holdout.holdout_looks` counts.
"""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from mlci.config.models import Config
from mlci.lineage.rows import spellings
from mlci.operations.context import RunContext, registry_of
from mlci.registry import ledger
from mlci.registry.entries import Entry
from mlci.registry.entry_kinds import VerdictRecord
from mlci.registry.registry import Registry, RegistryView
from mlci.report.document import HoldoutLook, Report
from mlci.util.digests import canonical_json, sha256_of

if TYPE_CHECKING:  # the trusted side of sealed mode imports nothing that runs a command
    from mlci.operations.provenance import ArtifactDigests

ON_NUMBERS = "metrics"
"""Placeholder for the evaluation set if only metrics files are compared."""
SEARCH_LIMIT = 500
"""Number of newest entries that are searched for the same use; an older one counts as new."""


@dataclass(frozen=True, kw_only=True)
class HoldoutUse:
    """One holdout use.

    Attributes:
        fingerprint: Fingerprint of the evaluation set.
        predictions: Digest of the candidate's predictions.
        policy: Digest of gates and policy.
        repeated: Whether the ledger has this verdict already.
        counted: Whether the use is counted as a look.
        count: Number of uses of this evaluation set, including this one.
    """

    fingerprint: str
    predictions: str
    policy: str
    repeated: bool
    count: int
    counted: bool = False


def use_of_run(
    context: RunContext,
    fingerprint: str | None,
    digests: "ArtifactDigests | None",
    look: HoldoutLook | None = None,
) -> HoldoutUse | None:
    """Return the holdout use of a run; ``None`` if it is not to be recorded."""
    if context.registry is None or context.registry.author is None or digests is None:
        return None
    return _use(context.config, context.registry, fingerprint or ON_NUMBERS, digests.digest, look)


def use_of_report(context: RunContext, report: Report) -> HoldoutUse | None:
    """Return the holdout use of a report by a job that could not record it; ``None`` if the report lacks digests."""
    predictions = (report.candidate.predictions or "").removeprefix("sha256:")
    if context.registry is None or not predictions:
        return None
    known_as = report.evaluation.fingerprint or ON_NUMBERS
    return _use(context.config, context.registry, known_as, predictions, report.evaluation.look)


def _use(config: Config, registry: Registry, known_as: str, predictions: str, look: HoldoutLook | None) -> HoldoutUse:
    policy, view = policy_digest(config), registry.view()
    again = any(_seen(view, (name, predictions, policy)) for name in spellings(known_as))
    counted = look is not None
    count = sum(view.state.uses.get(name, 0) for name in spellings(known_as)) + (0 if again or counted else 1)
    return HoldoutUse(
        fingerprint=known_as, predictions=predictions, policy=policy, repeated=again, count=count, counted=counted
    )


def known_uses(view: RegistryView | None, fingerprint: str | None) -> int | None:
    """Return the number of uses in the ledger; ``None`` if it has none or was not read."""
    if view is None or fingerprint is None:
        return None
    counts = [view.state.uses[name] for name in spellings(fingerprint) if name in view.state.uses]
    return sum(counts) if counts else None


def policy_digest(config: Config) -> str:
    """Return the digest of gates and policy."""
    parts = config.model_dump(mode="json", include={"gates", "policy"})
    return sha256_of(canonical_json(parts))


def record_use(
    context: RunContext, use: HoldoutUse, report: Report, *, digest: str, against: int | None
) -> Entry | None:
    """Append the verdict to the ledger.

    Args:
        context: Run context with registry and author.
        use: The holdout use.
        report: The report.
        digest: SHA-256 of ``report.json``.
        against: Version that the candidate was compared with.

    Raises:
        OutsideError: if the registry can't be written to.
    """
    record = VerdictRecord(
        verdict=report.verdict,
        report=digest,
        policy=use.policy,
        fingerprint=use.fingerprint,
        predictions=use.predictions,
        against=against,
        again=use.repeated or use.counted,
    )
    return registry_of(context).append(lambda _: record)


def _seen(view: RegistryView, identity: tuple[str, str, str]) -> bool:
    for entry in islice(ledger.iter_newest_first(view.store, view.head), SEARCH_LIMIT):
        body = entry.body
        if isinstance(body, VerdictRecord) and (body.fingerprint, body.predictions, body.policy) == identity:
            return True
    return False
