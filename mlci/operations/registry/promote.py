"""``mlci promote``: the evaluated files become the champion by one ledger entry."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlci.config.loader import LoadedConfig, parse_config
from mlci.config.models import Config, MetricsConfig, WithoutRows
from mlci.errors import InputError, OutsideError, UserCodeError
from mlci.git.git import is_tracked
from mlci.governance.approvals import ApprovalCheck, ApprovalRefused, BuildCommit
from mlci.lineage.rows import is_recorded
from mlci.operations.bundle import VerifiedBundle
from mlci.operations.bundle import read_bundle as open_bundle
from mlci.operations.context import RunContext, registry_of
from mlci.operations.holdout.holdout_looks import look_terms, record_holdout_look, worn_out_reason
from mlci.operations.holdout.holdout_uses import ON_NUMBERS
from mlci.operations.models import baseline_production, baseline_ref_or_file, recorded_predictions
from mlci.operations.registry import preflight, waivers
from mlci.operations.registry.preflight import (
    RolledBack,
    find_own_decision,
    find_rolled_back_match,
    older_build_reason,
    rolled_back_model_note,
    unknown_order_note,
)
from mlci.operations.registry.reevaluate import reevaluate_bundle
from mlci.operations.scores.logs import ROWS as ON_SCORES
from mlci.registry import stored_files
from mlci.registry.entries import LedgerState
from mlci.registry.entry_kinds import ApprovalRecord, Promotion
from mlci.registry.manifest import Manifest, is_same_model
from mlci.registry.registry import Author, Registry, RegistryView
from mlci.report.document import Report
from mlci.report.text.number_format import pluralize
from mlci.util.digests import canonical_json

_TRIES = 20  # tries if other promotions come in between
_ASKED = "`--again` was given"
_NOT_PRODUCTION = "it was not judged against production"
_OTHER_TERMS = "the gates, the policy or the slices changed in the configuration"


@dataclass(frozen=True, kw_only=True)
class PromoteOptions:
    """Options of a promotion.

    Attributes:
        note: Note to record with the version.
        reevaluate: Re-evaluate in any case.
        despite: Reason to promote although the registry is damaged; recorded with the version if it is.
        approve: Finds the approval that the configuration requires; ``None`` if it requires none.
    """

    note: str | None = None
    reevaluate: bool = False
    despite: str | None = None
    approve: ApprovalCheck | None = None

    def words(self, wrong: tuple[str, ...]) -> str | None:
        """Return the note for the ledger."""
        return "; ".join(filter(None, (self.note, f"despite damage: {self.despite}" if wrong else None))) or None


@dataclass(frozen=True, kw_only=True)
class PromotionResult:
    """Result of a promotion.

    Attributes:
        report: Its report; after a re-evaluation, the new one.
        version: Number of the version with these bytes; ``None`` if the promotion was refused.
        replaced: The champion before.
        entry: Number of the ledger's entry; ``None`` if nothing was appended.
        earlier: Number of the entry that an earlier attempt of this invocation wrote, if it did.
        reevaluated: Why the bundle was re-evaluated; empty if it was not.
        refused: Why it was not promoted.
        notes: Lines for the user who promotes.
    """

    report: Report
    version: int | None = None
    replaced: int | None = None
    entry: int | None = None
    earlier: int | None = None
    reevaluated: tuple[str, ...] = ()
    refused: str | None = None
    notes: tuple[str, ...] = ()


class MovedError(Exception):
    """Another promotion or rollback came in between."""


def promote(
    context: RunContext, *, out: Path, options: PromoteOptions, save: Callable[[Report], str]
) -> PromotionResult:
    """Promote the bundle in ``out``.

    It must have passed its gates on the current evaluation set, under the current configuration, against the current
    champion; if not, it is re-evaluated first. If another promotion comes in between, all checks are repeated, so two
    merges are promoted in one order and the later one was judged against the earlier.

    Args:
        context: Run context with registry and author.
        out: The run's output folder.
        options: The user's options.
        save: Writes a new report and everything rendered from it into ``out``; returns the text of ``report.json``.

    Raises:
        InputError: if the bundle is missing, damaged or of another model.
        CorruptError: if the registry fails the checks of :mod:`mlci.operations.registry.preflight`.
        OutsideError: if the registry can't be reached, or other promotions came first every time.
    """
    registry, bundle = registry_of(context), open_bundle(out)
    if bundle.content.model != context.config.model:
        raise InputError(f"the bundle in {out} is of the model `{bundle.content.model}`, not `{context.config.model}`")
    promotion = _Promotion(context, options, save, _evaluation_set_identifier(context, bundle), bundle)
    for _ in range(_TRIES):
        try:
            return replace(promotion.attempt(registry), reevaluated=promotion.reevaluated)
        except MovedError:
            context.say("another version was promoted meanwhile; checking again")
    raise OutsideError(f"{registry.shown}: other promotions came first {_TRIES} times in a row; try again later")


@dataclass
class _Promotion:
    """A promotion under way: its bundle, which a re-evaluation replaces, and why it was re-evaluated."""

    context: RunContext
    options: PromoteOptions
    save: Callable[[Report], str]
    rows: str
    bundle: VerifiedBundle
    reevaluated: tuple[str, ...] = ()

    def attempt(self, registry: Registry) -> PromotionResult:
        """Check the registry and the bundle as of the newest entry, and append the promotion.

        Raises:
            MovedError: if another promotion or rollback came in between.
        """
        view, author = registry.view(), registry.required_author()
        if (own := _find_earlier_promotion(view, author, self.bundle)) is not None:
            return own
        stale, worn_out = self._reasons_to_reevaluate(view), self._count_look(registry)
        refused = "a gate blocks" if self.bundle.report.verdict == "block" else worn_out
        if refused is not None and not stale:
            _keep_champion_predictions(self.context, view, self.bundle)
            return self._refused(refused)
        checked = self._check(view, author)
        if (ended := _ended_without_entry(self.context, view, self.bundle, checked.rolled_back)) is not None:
            return ended
        if stale:
            try:
                self._reevaluate(view, stale)
            except UserCodeError as error:
                return self._refused(_needs_user_code(stale, error))
        if self.bundle.report.verdict == "block":
            return self._refused("a gate blocks")
        return self._append(registry, view, checked)

    def _count_look(self, registry: Registry) -> str | None:
        """Record the look that the bundle's verdict was, unless the ledger has it; return why it counts for nothing."""
        config, report = self.context.config, self.bundle.report
        if config.reuse is None or report.measured_nothing or report.unchanged_since is not None:
            return None
        evaluation, file = report.evaluation, self.bundle.content.predictions.file
        digest = evaluation.look.predictions if evaluation.look is not None else file.digest
        look = record_holdout_look(registry, look_terms(config, evaluation.fingerprint, digest))
        return worn_out_reason(look) if look.blocks else None

    def _append(self, registry: Registry, view: RegistryView, checked: preflight.RegistryCheck) -> PromotionResult:
        """Append the promotion, with the approval that the configuration requires."""
        approval = find_approval(self.options.approve, self.bundle)
        if isinstance(approval, ApprovalRefused):
            return self._refused(approval.why)
        notes = (*checked.wrong, *_provenance_notes(self.context, view, self.bundle, checked.rolled_back))
        words, mend = self.options.words(checked.wrong), bool(checked.wrong)
        return replace(append_version(registry, view, self.bundle, words, approval=approval, mend=mend), notes=notes)

    def _reasons_to_reevaluate(self, view: RegistryView) -> list[str]:
        asked = self.options.reevaluate and _ASKED not in self.reevaluated
        reasons = [_ASKED] * asked + _stale_reasons(self.context.loaded, self.bundle, view, self.rows)
        waived = waivers.stale_waivers(self.bundle.report, view, today=self.context.today)
        return reasons if waived is None else [*reasons, waived]

    def _check(self, view: RegistryView, author: Author) -> preflight.RegistryCheck:
        self.context.say(f"promote: verifying {view.shown}, {pluralize(view.number, 'entry', 'entries')}")
        said = self.bundle.report.baseline
        against = said.version if said.source == "production" else None
        return preflight.check_registry(view, now=author.now(), despite=self.options.despite, against=against)

    def _reevaluate(self, view: RegistryView, stale: list[str]) -> None:
        """Replace the bundle by its re-evaluation.

        Raises:
            UserCodeError: if user code would have to run in a job that must not run any.
        """
        _refuse_other_rows(self.context, self.bundle, stale, self.rows)
        self.bundle = reevaluate_bundle(self.context, self.bundle, view, rows=self.rows, save=self.save)
        self.reevaluated = (*self.reevaluated, *(line for line in stale if line not in self.reevaluated))

    def _refused(self, why: str) -> PromotionResult:
        return PromotionResult(report=self.bundle.report, refused=why)


def find_approval(approve: ApprovalCheck | None, bundle: VerifiedBundle) -> ApprovalRecord | ApprovalRefused | None:
    """Return the approval of what a bundle was made from; ``None`` if none is required."""
    recipe = bundle.content.recipe
    return None if approve is None else approve(BuildCommit(commit=recipe.commit, dirty=recipe.dirty))


def _find_earlier_promotion(view: RegistryView, author: Author, bundle: VerifiedBundle) -> PromotionResult | None:
    """Return the outcome if an earlier attempt of this invocation promoted these bytes already."""
    entry = find_own_decision(view, author)
    if entry is None or not isinstance(entry.body, Promotion):
        return None
    version = view.promoted(entry)
    if not is_same_model(version.manifest, bundle.content):
        return None
    number, now = version.number, view.state.champion
    since = "" if now == number else f"; version {now} is in production now"
    words = f"an earlier attempt of this command promoted version {number} (entry {entry.number}){since}"
    replaced = entry.body.replaced
    return PromotionResult(
        report=bundle.report, version=number, replaced=replaced, earlier=entry.number, notes=(words,)
    )


def _evaluation_set_identifier(context: RunContext, bundle: VerifiedBundle) -> str:
    """Return the identifier of the current evaluation set; a set that training makes is the bundle's own."""
    config = context.config
    if isinstance(config, WithoutRows):
        return ON_NUMBERS if isinstance(config, MetricsConfig) else ON_SCORES
    known, on_rows = bundle.content.predictions.fingerprint, context.with_config(config)
    if bundle.report.evaluation.made_by_training and not is_tracked(context.git, config.evaluation.data):
        return known
    rows = baseline_ref_or_file.rows_fingerprint(on_rows)
    return known if baseline_ref_or_file.is_same_set(on_rows, known, rows) else rows


def _refuse_other_rows(context: RunContext, bundle: VerifiedBundle, stale: list[str], rows: str) -> None:
    """Refuse to re-evaluate a bundle if the evaluation set that its training made is missing here.

    Raises:
        InputError: if it is missing, or another training overwrote it.
        UserCodeError: if training here is not a remedy.
    """
    config = context.config
    if isinstance(config, WithoutRows) or not bundle.report.evaluation.made_by_training:
        return
    data = config.evaluation.data
    with contextlib.suppress(InputError):
        if is_tracked(context.git, data) or baseline_ref_or_file.rows_fingerprint(context.with_config(config)) == rows:
            return
    if not context.user_code:
        raise UserCodeError(
            f"`{data}`, which its training made, would have to be here: it is missing or was made by another training"
        )
    raise InputError(
        f"the bundle has to be re-evaluated because {stale[0]}, and `{data}`, which its training made, is "
        "missing here or was made by another training. Run both in one job:\n    mlci run && mlci promote"
    )


def _needs_user_code(stale: list[str], error: UserCodeError) -> str:
    """Return why a bundle can't be re-evaluated in this job, and the remedy."""
    return (
        f"the bundle has to be re-evaluated because {' and '.join(stale)}; for that {error}, and in a workflow "
        f"`mlci promote` runs no user code. {_reevaluation_remedy(stale)}"
    )


def _reevaluation_remedy(stale: list[str]) -> str:
    trains = "run the job that trains again (`retrain` in the template; on GitHub: Re-run all jobs)"
    if any(line.startswith(_NOT_PRODUCTION) for line in stale):
        return f"Set `baseline: production` in the configuration, and {trains}"
    if _OTHER_TERMS in stale:
        return f"Give the job that trains the same configuration as this one, and {trains}"
    if _ASKED in stale:
        return f"Leave out `--again`, or {trains} and promote its bundle"
    return trains[0].upper() + trains[1:]


def _keep_champion_predictions(context: RunContext, view: RegistryView, bundle: VerifiedBundle) -> None:
    """Add the champion's predictions on a moved evaluation set, which the run made: it stays the champion."""
    scored = bundle.scored
    if scored is None or view.state.champion != scored.version:
        return
    if recorded_predictions.added_for_rows(view, scored.predictions.fingerprint) is None:
        baseline_production.keep_rescored(context, scored)


def _ended_without_entry(
    context: RunContext, view: RegistryView, bundle: VerifiedBundle, rolled_back: RolledBack
) -> PromotionResult | None:
    """Return the outcome if nothing is to be appended: in production already, rolled back, or an older build."""
    champion = view.champion
    content = bundle.content
    if champion is not None and is_same_model(champion.manifest, content):
        return PromotionResult(
            report=bundle.report, version=champion.number, notes=("these bytes are in production already",)
        )
    if (back := find_rolled_back_match(view, content, rolled_back)) is not None:
        return PromotionResult(report=bundle.report, refused=back)
    if champion is not None and (older := older_build_reason(context.git, content, champion)) is not None:
        return PromotionResult(
            report=bundle.report, refused=f"{older}; a new commit, or `mlci rollback`, goes back on purpose"
        )
    return None


def _stale_reasons(loaded: LoadedConfig, bundle: VerifiedBundle, view: RegistryView, rows: str) -> list[str]:
    """Return the reasons why a verdict is outdated."""
    reasons, against = [], bundle.report.baseline
    champion = None if view.state.champion is None else str(view.state.champion)
    if against.source != "production":
        reasons.append(f"{_NOT_PRODUCTION} (`baseline` was {against.source})")
    elif against.version != champion:
        names = [f"version {item}" if item else "no version" for item in (against.version, champion)]
        reasons.append(f"it was judged against {names[0]}, and {names[1]} is in production")
    if not is_recorded(bundle.content.predictions.fingerprint, rows):
        reasons.append("the evaluation set moved")
    if not _same_judged_settings(loaded, bundle):
        reasons.append(_OTHER_TERMS)
    return reasons


def _same_judged_settings(loaded: LoadedConfig, bundle: VerifiedBundle) -> bool:
    """Check if a bundle was judged under the current gates and policy."""
    own = bundle.content.recipe.config
    try:
        judged_by = parse_config(bundle.paths[own.digest].read_bytes(), path=own.name).config
    except InputError:
        return False  # written by another version of mlci
    return _judged_settings(judged_by) == _judged_settings(loaded.config)


def _judged_settings(config: Config) -> dict[str, Any]:
    parts = config.model_dump(
        mode="json", include={"task", "evaluation", "gates", "tests", "policy", "reuse", "grader"}
    )
    (parts["evaluation"] or {}).pop("data", None)  # its content counts, not its path
    return parts


def append_version(
    registry: Registry,
    view: RegistryView,
    bundle: VerifiedBundle,
    note: str | None,
    *,
    approval: ApprovalRecord | None = None,
    mend: bool = False,
) -> PromotionResult:
    """Store the files, then append the one entry that decides."""
    store, seen, number = registry.store, view.state, view.state.versions + 1
    manifest = Manifest.of(bundle.content, number)
    for file in bundle.content.everything():
        of = f"the bundle for version {number}"
        stored_files.put_verified(store, bundle.paths[file.digest], file, of=of, mend=mend)
    digest = stored_files.describe(store, canonical_json(manifest.model_dump(mode="json", by_alias=True)))

    def decide(state: LedgerState) -> Promotion:
        if (state.champion, state.versions, state.decided) != (seen.champion, seen.versions, seen.decided):
            raise MovedError
        rows = bundle.report.evaluation.fingerprint
        counted = rows if rows in (state.looked or {}) else None
        return Promotion(
            version=number,
            manifest=digest,
            replaced=state.champion,
            note=note,
            approval=approval,
            accepted_on=counted,
        )

    entry = registry.append(decide)
    return PromotionResult(
        report=bundle.report, version=number, replaced=seen.champion, entry=entry.number if entry is not None else None
    )


def _provenance_notes(
    context: RunContext, view: RegistryView, bundle: VerifiedBundle, rolled_back: RolledBack
) -> tuple[str, ...]:
    recipe, found = bundle.content.recipe, []
    if recipe.commit is None:
        found.append("it was made outside of git, so it can't be reproduced")
    elif recipe.dirty:
        found.append("it was made from a checkout with uncommitted changes, so it can't be reproduced from its commit")
    if (order := unknown_order_note(context.git, bundle.content, view.champion)) is not None:
        found.append(order)
    if (back := rolled_back_model_note(view, bundle.content, rolled_back)) is not None:
        found.append(back)
    return tuple(found)
