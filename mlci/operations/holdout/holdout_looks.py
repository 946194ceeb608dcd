"""Looks at an evaluation set, and the budget that `reuse` gives them.

The ledger records a look before the verdict is published, with the level that it spends, and the same predictions cost
one look. The ledger's state has the looks, so a run knows them before it judges. What was spent stays spent: neither
another policy nor a larger budget gives it back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mlci.config.lifecycle.reuse import Reuse
from mlci.config.loader import LoadedConfig
from mlci.config.models import Config
from mlci.errors import InputError
from mlci.gates.budget import LOOKS, judge_worn_out
from mlci.gates.limits import OnDoubt
from mlci.gates.outcomes import JudgedGate
from mlci.inference.result import EvaluationResult
from mlci.lineage.rows import spellings
from mlci.metrics import catalogue
from mlci.operations.context import RunContext, registry_of
from mlci.operations.holdout.holdout_uses import policy_digest
from mlci.registry.entries import LOOK_DIGITS, LOOKED_SETS, MOST_LOOKS, LedgerState
from mlci.registry.entry_kinds import LookRecord
from mlci.registry.registry import Registry, RegistryView
from mlci.report.document import HoldoutLook

_ROUNDING = 1e-9  # relative error of a sum of levels


@dataclass(frozen=True, kw_only=True)
class LookTerms:
    """What a look is at, and what `reuse` allows.

    Attributes:
        fingerprint: Fingerprint of the evaluation set.
        predictions: Digest of the candidate's predictions.
        policy: Digest of gates and policy.
        reuse: The budget.
        confidence: Two-sided level that all looks together keep.
        rounded: Whether the report shows rounded numbers only.
    """

    fingerprint: str
    predictions: str
    policy: str
    reuse: Reuse
    confidence: float
    rounded: bool = False

    @property
    def alpha(self) -> float:
        """One-sided level that the look spends."""
        return self.reuse.look_alpha(self.confidence)


def look_terms(config: Config, fingerprint: str | None, predictions: str | None, *, rounded: bool = False) -> LookTerms:
    """Return the look of a run.

    Raises:
        InputError: if the run has no evaluation set or no predictions, by which a look is counted.
    """
    if config.reuse is None or fingerprint is None or predictions is None:
        raise InputError(
            "`reuse` counts looks by evaluation set and predictions, and this run has none; remove `reuse`"
        )
    return LookTerms(
        fingerprint=fingerprint,
        predictions=predictions.removeprefix("sha256:"),
        policy=policy_digest(config),
        reuse=config.reuse,
        confidence=config.policy.confidence,
        rounded=rounded,
    )


def expected_look(state: LedgerState, terms: LookTerms) -> HoldoutLook:
    """Return the look of a run by a state of the ledger, which may have it already. Pure."""
    names = spellings(terms.fingerprint)
    uses = sum(state.uses.get(name, 0) for name in names)
    own = next((found for name in names if (found := (state.looked or {}).get(name)) is not None), None)
    candidates, alphas = (own.candidates, own.alphas) if own is not None else ((), ())
    known = [
        index
        for index, name in enumerate(candidates)
        if name == terms.predictions[:LOOK_DIGITS] and terms.alpha <= alphas[index] * (1 + _ROUNDING)
    ]
    place = known[0] if known else len(candidates)
    uncounted = uses - len(candidates)  # verdicts of a time without `reuse`; each counts as a look
    spent = sum(alphas[:place]) + uncounted * terms.alpha
    lost = own is None and uses > 0 and len(state.looked or {}) >= LOOKED_SETS
    accepted = own.accepted if own is not None and terms.reuse.adaptivity == "first_change" else None
    budget = terms.reuse.budget
    why = None
    if lost:
        why = f"the ledger no longer has its looks, because {LOOKED_SETS} other evaluation sets were used since"
    elif accepted is not None and place >= accepted:
        why = "a change that was judged on it was accepted, and `adaptivity: first_change` ends there"
    elif uncounted + place >= budget:
        why = f"its {budget} looks are used"
    elif spent + terms.alpha > (1 - terms.confidence) / 2 * (1 + _ROUNDING):
        why = "its looks have spent the level that all looks together may spend, some of them with a smaller budget"
    return HoldoutLook(
        looks=uses if known else uses + 1,
        budget=budget,
        adaptivity=terms.reuse.adaptivity,
        confidence=terms.confidence,
        alpha=terms.alpha,
        predictions=f"sha256:{terms.predictions}",
        repeated=bool(known),
        recorded=bool(known),
        worn_out=why,
        blocks=why is not None and terms.reuse.worn_out == "block",
    )


def record_holdout_look(registry: Registry, terms: LookTerms) -> HoldoutLook:
    """Append a look to the ledger, unless it is there, and return it.

    Two runs at once can't be the same look: the one that appends second decides again, on the ledger with the first.

    Raises:
        OutsideError: if the registry can't be read or written to.
        InputError: if the ledger holds the most looks at one evaluation set.
    """
    found: list[HoldoutLook] = []

    def decide(state: LedgerState) -> LookRecord | None:
        look = expected_look(state, terms)
        found[:] = [look]
        own = (state.looked or {}).get(terms.fingerprint)
        if look.repeated:
            return None
        if own is not None and len(own.candidates) >= MOST_LOOKS:
            raise InputError(f"the evaluation set has {MOST_LOOKS} looks, the most that are counted; replace its rows")
        return LookRecord(
            fingerprint=terms.fingerprint,
            predictions=terms.predictions,
            policy=terms.policy,
            alpha=terms.alpha,
            disclosed="rounded" if terms.rounded else "numbers",
        )

    registry.append(decide)
    return found[0].model_copy(update={"recorded": True})


def require_ledger(context: RunContext) -> RegistryView:
    """Read the ledger that counts the looks.

    Raises:
        InputError: if this run was given no registry.
        OutsideError: if the registry can't be read; its looks are not known then, so nothing is judged.
    """
    if context.registry is None:
        raise InputError("`reuse` needs the registry, whose ledger counts the looks; this run reads none")
    return context.registry.view()


def look_of_comparison(
    context: RunContext, result: EvaluationResult, predictions: str | None, *, made_by_training: bool = False
) -> HoldoutLook | None:
    """Record the look of a run if this process may write to the ledger, else return the one that a later job records.

    A run that judged nothing new is not a look: nothing was evaluated, or the candidate is the baseline.

    Args:
        context: Run context with the registry.
        result: The evaluation.
        predictions: Digest of the candidate's predictions.
        made_by_training: Whether training made the evaluation set, so that every candidate may have its own.

    Raises:
        InputError: if the run has nothing by which a look is counted.
        OutsideError: if the registry can't be read, or can't be written to.
    """
    if context.config.reuse is None or result.measured_nothing or result.unchanged_since is not None:
        return None
    if made_by_training:
        raise InputError(
            context.loaded.problem(
                "`reuse` counts looks at an evaluation set that lasts, and this training made its own; remove `reuse`, "
                "or commit the evaluation set",
                "reuse",
            )
        )
    view = require_ledger(context)
    terms = look_terms(context.config, result.fingerprint, predictions)
    registry = registry_of(context)
    return record_holdout_look(registry, terms) if registry.author else expected_look(view.state, terms)


def budget_line(loaded: LoadedConfig) -> int | None:
    """Return the line of the budget in the configuration."""
    return loaded.lines.of("reuse", "budget") or loaded.lines.of("reuse")


def estimate_note(look: HoldoutLook | None, gates: Iterable[JudgedGate]) -> tuple[str, ...]:
    """Return the note about gates that are judged on the estimate, which no level protects from repeated looks."""
    names = [gate.id for gate in gates if _is_unprotected(gate)]
    if look is None or not names:
        return ()
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    return (f"`reuse` does not protect {shown}: judged on the estimate; write `judge: interval` on the gate",)


def _is_unprotected(gate: JudgedGate) -> bool:
    info = catalogue.find(gate.rule.metric)
    measured = not gate.rule.test and gate.rule.metric != LOOKS and (info is None or info.kind != "operation")
    return measured and gate.judge == "estimate" and gate.limit.kind != "present"


def worn_out_gates(look: HoldoutLook | None, *, line: int | None) -> tuple[JudgedGate, ...]:
    """Return the gate of an evaluation set that has no look left for this run; none if it has."""
    if look is None or look.worn_out is None:
        return ()
    effect: OnDoubt = "block" if look.blocks else "warn"
    return (judge_worn_out(look.looks, budget=look.budget, effect=effect, line=line, reason=worn_out_reason(look)),)


def worn_out_reason(look: HoldoutLook) -> str:
    """Return why a look at a worn-out evaluation set counts for nothing, with the remedy."""
    return (
        f"the evaluation set is worn out: {look.worn_out}. Replace its rows: a new evaluation set has "
        f"{look.budget} looks"
    )
