"""Pairing of two evaluation runs by item: the same items, asked in the same way, scored by the same scorers."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mlci.errors import InputError
from mlci.scores.score_log import Scalar, ScoredItem, ScoreLog, State

_LISTED = 5
_JUDGE = "judge"
Answers = dict[str, list[ScoredItem]]


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Differences between two runs that a team accepts.

    Attributes:
        shared: Items that only one of the runs has are left out.
        partial: A run that was cancelled or failed is compared as far as it went.
        prompt: Prompts that the tool renders from the items may differ.
    """

    shared: bool = False
    partial: bool = False
    prompt: bool = False


@dataclass(frozen=True, kw_only=True)
class PairedItems:
    """Items of both runs, in the candidate's order.

    Attributes:
        keys: The items.
        candidate: Answers to each item, in the order of ``keys``.
        baseline: The baseline's; ``None`` without one.
        notes: Lines for the report.
        changed: Settings that differ and do not void the pairing: name, baseline's value, candidate's value.
        totals: Metrics of the whole task, of which no item has a score.
    """

    keys: tuple[str, ...]
    candidate: Sequence[Sequence[ScoredItem]]
    baseline: Sequence[Sequence[ScoredItem]] | None
    notes: tuple[str, ...] = ()
    changed: tuple[tuple[str, str, str], ...] = ()
    totals: tuple[str, ...] = ()


def pair_items(candidate: ScoreLog, baseline: ScoreLog | None, accept: Acceptance) -> PairedItems:
    """Pair two runs by item.

    Raises:
        InputError: if a run is not whole, or the runs differ in items, prompts or scoring; the message names what.
    """
    notes = [*_whole(candidate, "candidate", accept), *candidate.notes]
    answers = _by_key(candidate.items)
    if baseline is None:
        return PairedItems(
            keys=tuple(answers),
            candidate=list(answers.values()),
            baseline=None,
            notes=tuple(notes),
            totals=candidate.totals,
        )
    notes += [*_whole(baseline, "baseline", accept), *(one for one in baseline.notes if one not in notes)]
    _refuse_other_settings(candidate, baseline)
    before = _by_key(baseline.items)
    keys, left_out = _common_keys(answers, before, accept)
    notes += _same_repeats(keys, answers, before, accept)
    _refuse_other_content(keys, answers, before, accept)
    return PairedItems(
        keys=keys,
        candidate=[answers[key] for key in keys],
        baseline=[before[key] for key in keys],
        notes=(*notes, *left_out),
        changed=_changed_settings(candidate, baseline),
        totals=candidate.totals,
    )


def _by_key(items: Iterable[ScoredItem]) -> Answers:
    found: Answers = {}
    for item in items:
        found.setdefault(item.key, []).append(item)
    return found


def _whole(log: ScoreLog, whose: str, accept: Acceptance) -> list[str]:
    """Return the note about a run that is not whole, if that is accepted."""
    if log.incomplete is None:
        return []
    if accept.partial:
        return [f"the {whose}'s run is not whole: {log.incomplete}"]
    raise InputError(
        f"the {whose}'s run is not whole: {log.incomplete}. Run the evaluation again (Inspect: `inspect eval-retry`), "
        "or accept what it has:\n    evaluation:\n      partial: true"
    )


def _refuse_other_settings(candidate: ScoreLog, baseline: ScoreLog) -> None:
    """Refuse two runs of which one has another dataset, scorer or judge."""
    differ = [
        f"{name} was {_shown(baseline, name)} and is {_shown(candidate, name)}"
        for name in dict.fromkeys([*baseline.settings, *candidate.settings])
        if _voids(candidate, baseline, name)
    ]
    if differ:
        raise InputError(
            f"the two runs can't be compared item by item: {'; '.join(differ)}. Run the baseline again with the "
            "settings of the candidate, or record a new baseline"
        )


def _voids(candidate: ScoreLog, baseline: ScoreLog, name: str) -> bool:
    """Return whether two runs differ in what voids a pairing; a judge that only one names is another one."""
    now, before = candidate.settings.get(name), baseline.settings.get(name)
    if now is None or before is None:
        return name.startswith(_JUDGE)
    return now.value != before.value and (now.voids or before.voids)


def _shown(log: ScoreLog, name: str) -> str:
    value = log.settings[name].value if name in log.settings else "not named"
    return value if len(value) <= 80 else f"{value[:79]}…"


def _common_keys(now: Answers, before: Answers, accept: Acceptance) -> tuple[tuple[str, ...], list[str]]:
    """Return the items of both runs, and the note about those that are left out."""
    new, gone = [key for key in now if key not in before], [key for key in before if key not in now]
    keys = tuple(key for key in now if key in before)
    if not new and not gone:
        return keys, []
    parts = [f"{_listed(new)} only in the candidate's run"] if new else []
    parts += [f"{_listed(gone)} only in the baseline's run"] if gone else []
    parts += [] if keys else ["no item is in both: the dataset was changed, or these are runs of two tasks"]
    if not accept.shared:
        raise InputError(
            f"the two runs do not have the same items: {'; '.join(parts)}. Evaluate both on the same items, or compare "
            "those that both have:\n    evaluation:\n      items: shared"
        )
    if not keys:
        raise InputError(f"the two runs have no item in common: {'; '.join(parts)}")
    return keys, [f"compared on the {len(keys):,} items that both runs have: {'; '.join(parts)}"]


def _same_repeats(keys: Sequence[str], now: Answers, before: Answers, accept: Acceptance) -> list[str]:
    """Return the note about items of which the candidate's run lacks repeats, if that is accepted.

    Another number of repeats of all items is a setting; fewer of some is a run that ended early.
    """
    counts = Counter((len(now[key]), len(before[key])) for key in keys)
    most = max((pair[0] for pair in counts), default=0)
    lacking = [key for key in keys if len(now[key]) < most]
    if not lacking or len({pair[1] for pair in counts}) > 1:
        return []
    words = f"{_listed(lacking)} without all {most:,} repeats that the candidate's run has of others"
    if accept.partial:
        return [words]
    raise InputError(
        f"the candidate's run is not whole: {words}. Run the evaluation again, or accept what it has:\n"
        "    evaluation:\n      partial: true"
    )


def _listed(keys: Sequence[str]) -> str:
    names = ", ".join(keys[:_LISTED]) + (f" and {len(keys) - _LISTED:,} more" if len(keys) > _LISTED else "")
    return f"{len(keys):,} item{'' if len(keys) == 1 else 's'} ({names}) {'is' if len(keys) == 1 else 'are'}"


def _refuse_other_content(keys: Sequence[str], now: Answers, before: Answers, accept: Acceptance) -> None:
    """Refuse items of one key that ask for something else."""
    content = _different(keys, now, before, lambda item: item.content)
    if content:
        raise InputError(
            f"{_listed(content)} not the same in both runs: the input or the expected answer differs, so the "
            "evaluation set was changed. Run the baseline again on the current items"
        )
    prompts = [] if accept.prompt else _different(keys, now, before, lambda item: item.prompt)
    if prompts:
        raise InputError(
            f"{_listed(prompts)} asked by another prompt in the two runs: the template or the few-shot examples of the "
            "task were changed, so a difference may not be the model's. Run the baseline again, or accept it:\n"
            "    evaluation:\n      prompts: may_differ"
        )


def _different(
    keys: Sequence[str], now: Answers, before: Answers, digest: Callable[[ScoredItem], str | None]
) -> list[str]:
    def one(answers: Sequence[ScoredItem]) -> str | None:
        return next((found for item in answers if (found := digest(item)) is not None), None)

    pairs = ((key, one(now[key]), one(before[key])) for key in keys)
    return [key for key, first, second in pairs if first is not None and second is not None and first != second]


def _changed_settings(candidate: ScoreLog, baseline: ScoreLog) -> tuple[tuple[str, str, str], ...]:
    names = dict.fromkeys([*baseline.settings, *candidate.settings])
    pairs = ((name, baseline.settings.get(name), candidate.settings.get(name)) for name in names)
    return tuple(
        (name, before.value if before else "", now.value if now else "")
        for name, before, now in pairs
        if (before.value if before else "") != (now.value if now else "")
    )


def group_of(answers: Sequence[ScoredItem], name: str) -> Scalar:
    """Return an item's value of a metadata name; ``None`` if no answer has it."""
    return next((item.metadata[name] for item in answers if item.metadata.get(name) is not None), None)


def item_mean(answers: Sequence[ScoredItem], scorer: str, lowest: float, highest: float) -> tuple[float, float, float]:
    """Return an item's mean score: over its scored answers, and with the lowest and the highest for the others."""
    known = [item.scores[scorer] for item in answers if scorer in item.scores]
    rest, n = len(answers) - len(known), len(answers)
    total = math.fsum(known)
    ends = [(total + rest * end) / n if rest else total / n for end in (lowest, highest)]
    return total / len(known) if known else math.nan, ends[0], ends[1]


def is_errored(item: ScoredItem) -> bool:
    """Return whether an answer has no score."""
    return item.state is not State.OK
