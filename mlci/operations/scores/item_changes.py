"""Items that changed most between two runs, with the texts of both answers, for the report."""

import math
from collections.abc import Sequence
from dataclasses import replace

from mlci.config.models import ScoresConfig
from mlci.execution.sanitize import sanitize_lines
from mlci.metrics.item_changes import ItemChange, ItemChanges, SettingChange
from mlci.operations.scores import item_metrics
from mlci.operations.scores.item_metrics import ScoreRange
from mlci.scores.pairing import PairedItems, item_mean
from mlci.scores.score_log import ItemText, ScoredItem
from mlci.scores.secrets import mask_secrets

_LISTED = 20
_LONGEST = 600
Answers = Sequence[ScoredItem]


def find_item_changes(
    config: ScoresConfig, pairs: PairedItems, ranges: dict[str, ScoreRange], *, texts: bool
) -> ItemChanges | None:
    """Return the items that changed most by the first scorer that a gate uses; ``None`` without a baseline or a scorer.

    Args:
        config: The configuration.
        pairs: The items of both runs.
        ranges: Bounds of each scorer.
        texts: Whether inputs, answers and explanations are included.
    """
    named = [item_metrics.scorer_of(gate.metric) for gate in config.gates if not item_metrics.is_usage(gate.metric)]
    scorer = next((name for name in (*named, *ranges) if name in ranges), None)
    if pairs.baseline is None or scorer is None:
        return None
    both = [
        (key, now, before, _mean(now, scorer), _mean(before, scorer))
        for key, now, before in zip(pairs.keys, pairs.candidate, pairs.baseline, strict=True)
    ]
    known = [one for one in both if not (math.isnan(one[3]) or math.isnan(one[4]))]
    sign = -1 if ranges[scorer].higher_is_better is False else 1
    moved = sorted((one for one in known if one[3] != one[4]), key=lambda one: (sign * (one[3] - one[4]), one[0]))
    repeats = max(len(one) for side in (pairs.candidate, pairs.baseline) for one in side)
    return ItemChanges(
        scorer=scorer,
        higher=sum(one[3] > one[4] for one in known),
        equal=sum(one[3] == one[4] for one in known),
        lower=sum(one[3] < one[4] for one in known),
        items=tuple(_item(key, scorer, now, before, texts=texts) for key, now, before, _, _ in moved[:_LISTED]),
        repeats=repeats,
        unstable=_unstable(pairs.candidate, scorer) if repeats > 1 else None,
        baseline_unstable=_unstable(pairs.baseline, scorer) if repeats > 1 else None,
        settings=tuple(
            SettingChange(name=name, baseline=_text(before) or "", candidate=_text(now) or "")
            for name, before, now in pairs.changed
        ),
    )


def _mean(answers: Answers, scorer: str) -> float:
    return item_mean(answers, scorer, math.nan, math.nan)[0]


def _unstable(side: Sequence[Answers], scorer: str) -> int:
    """Return the number of items whose repeats have different scores."""
    return sum(len({item.scores[scorer] for item in one if scorer in item.scores}) > 1 for one in side)


def _item(key: str, scorer: str, now: Answers, before: Answers, *, texts: bool) -> ItemChange:
    plain = ItemChange(key=_line(key), baseline=_mean(before, scorer), candidate=_mean(now, scorer))
    if not texts:
        return plain
    worst, best = _extreme(now, scorer, worst=True), _extreme(before, scorer, worst=False)
    asked = worst or best or ItemText()
    return replace(
        plain,
        input=_text(asked.input),
        target=_text(asked.target),
        baseline_output=_text(best.output) if best else None,
        candidate_output=_text(worst.output) if worst else None,
        reason=_text(worst.explanations.get(scorer)) if worst else None,
    )


def _extreme(answers: Answers, scorer: str, *, worst: bool) -> ItemText | None:
    """Return the texts of the repeat with the lowest or the highest score."""
    scored = [item for item in answers if scorer in item.scores and item.text is not None]
    if not scored:
        return None
    choose = min if worst else max
    return choose(scored, key=lambda item: item.scores[scorer]).text


def _line(key: str) -> str:
    return _text(key) or ""


def _text(words: str | None) -> str | None:
    """Return a text of bounded length, without secrets and without characters that act on a terminal or the runner."""
    if words is None:
        return None
    clean = sanitize_lines(mask_secrets(words))
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"
