"""Answers of one item from a tool's record: digests as keys, numbers of repeats, and the state by scores and errors."""

from collections.abc import Hashable, Iterable, Mapping

from mlci.scores.formats.log_file import number, short_reason, text
from mlci.scores.outages import ItemAnswer
from mlci.scores.score_log import Scalar, ScoredItem, Scorer, Setting, State, Usage
from mlci.util.digests import sha256_of

_KEY_LENGTH = 16


def digest(value: object) -> str:
    """Return the SHA-256 of a text or of a value's JSON."""
    return sha256_of((text(value) or "").encode())


def digest_key(value: object) -> str:
    """Return a key for an item whose tool names none: the beginning of a digest of what it asks."""
    return digest(value)[:_KEY_LENGTH]


def number_repeats(keys: Iterable[Hashable]) -> list[str]:
    """Return the repeat of each answer: its number among those of the same item, from 1."""
    seen: dict[Hashable, int] = {}
    repeats = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        repeats.append(str(seen[key]))
    return repeats


def build_item(
    item: tuple[str, str],
    found: Mapping[str, object],
    *,
    answer: ItemAnswer | None = None,
    error: object = None,
    metadata: Mapping[str, Scalar] | None = None,
    usage: Usage | None = None,
    content: str | None = None,
    prompt: str | None = None,
) -> ScoredItem:
    """Return an answer with the scores that are numbers; an ``error`` leaves it without any.

    Args:
        item: Key and repeat.
        found: Score by scorer, as the tool wrote it.
        answer: What the log has of the answer; an outage leaves it without any score.
        error: Why the system gave no answer.
        metadata: Values by dotted name.
        usage: Cost, tokens, latency.
        content: Digest of what was asked and expected.
        prompt: Digest of the rendered prompt.
    """
    scores = {name: score for name, value in found.items() if (score := number(value)) is not None}
    unscored = tuple(name for name in found if name not in scores)
    state, reason = State.OK, None
    error = error or (answer.outage if answer else None)
    if error:
        state, reason, scores = State.ERRORED, short_reason(error), {}
    elif not scores:
        state, reason = State.NOT_SCORED, f"no score by {', '.join(unscored)}" if unscored else "no scorer ran"
    return ScoredItem(
        key=item[0],
        repeat=item[1],
        scores=scores,
        unscored=unscored,
        state=state,
        reason=reason,
        metadata=metadata or {},
        usage=usage or Usage(),
        content=content,
        prompt=prompt,
        empty=answer is not None and answer.is_empty,
    )


def scorers_of(items: Iterable[ScoredItem]) -> dict[str, Scorer]:
    """Return the scorers of all answers, those that gave no score too, without bounds and directions."""
    return {name: Scorer() for name in dict.fromkeys(name for item in items for name in (*item.scores, *item.unscored))}


def settings_of(voiding: Mapping[str, object], listed: Mapping[str, object]) -> dict[str, Setting]:
    """Return the settings that have a value: those that void a pairing, and the others."""
    both = {name: value for name, value in {**voiding, **listed}.items() if value is not None}
    return {name: Setting(value=text(value) or "", voids=name in voiding) for name, value in both.items()}
