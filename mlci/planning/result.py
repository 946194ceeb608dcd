"""Result of `mlci plan`: the plans of all gates, those that can't be planned, and what was assumed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from mlci.planning.plan import Design, GatePlan

SCHEMA = "mlci/plan/1"


@dataclass(frozen=True)
class UnplannedGate:
    """A gate without a plan, and the reason."""

    gate: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """Plans of an evaluation.

    Attributes:
        title: What was planned: a model's name, a log, or assumed figures.
        plans: By gate.
        left_out: Gates without a plan.
        notes: What was assumed.
    """

    title: str
    plans: tuple[GatePlan, ...]
    left_out: tuple[UnplannedGate, ...] = ()
    notes: tuple[str, ...] = ()

    def as_document(self) -> Mapping[str, object]:
        """Return the plan for JSON."""
        return {
            "schema": SCHEMA,
            "title": self.title,
            "gates": [_document(one) for one in self.plans],
            "left_out": [asdict(one) for one in self.left_out],
            "notes": list(self.notes),
        }


def _document(plan: GatePlan) -> Mapping[str, object]:
    gate = plan.gate
    return {
        "gate": gate.name,
        "metric": gate.metric,
        "slice": gate.scope.slice,
        "group": gate.scope.group,
        "margin": gate.margin,
        "unit": gate.unit,
        "rows": gate.rows,
        "repeats": plan.repeats,
        "power": plan.basis,
        "passes_without_change": plan.passes,
        "drop_to_find": plan.wanted,
        "blocks_that_drop": plan.finds,
        "decides": plan.decides,
        "detectable_drop": plan.detectable,
        "with_more_rows": _design(plan.more_rows),
        "with_more_repeats": _design(plan.more_repeats),
        "cheapest": _design(plan.cheapest),
        "curve": [asdict(point) for point in plan.curve],
        "notes": list(plan.notes),
    }


def _design(design: Design | None) -> Mapping[str, object] | None:
    return None if design is None else {"rows": design.rows, "repeats": design.repeats, "cost_usd": design.cost}
