"""Refusals of a promotion (rolled-back candidates, older builds), and detection of reruns."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from itertools import islice

from mlci.git.git import Git
from mlci.registry import versions
from mlci.registry.entries import Entry
from mlci.registry.ledger import Author, LedgerHead
from mlci.registry.manifest import Content, same
from mlci.registry.store import CorruptError, Store
from mlci.registry.versions import Version

RolledBack = Mapping[int, str]
"""Versions that were rolled back and not promoted again since, with the reasons, as returned by
:func:`mlci.registry.rolled_back.rolled_back_versions`."""

RECENT = 32
"""Number of the newest ones that a candidate is compared with; each takes two reads."""


def find_rolled_back_match(
    store: Store, ledger_head: LedgerHead, content: Content, rolled_back: RolledBack
) -> str | None:
    """Return a refusal if a candidate is a version that was rolled back; ``None`` if it is not."""
    for version, reason in _versions(store, ledger_head, rolled_back):
        if same(version.manifest, content):
            how = f"version {version.number} holds these bytes and was rolled back: {reason}"
            return f"{how}; `mlci rollback --to {version.number}` restores it on purpose"
    return None


def rolled_back_model_note(
    store: Store, ledger_head: LedgerHead, content: Content, rolled_back: RolledBack
) -> str | None:
    """Return a note if another commit made the same files as a version that was rolled back.

    That is not a reason to refuse them: the fault may have been in the code beside the model, and be fixed now.
    """
    for version, reason in _versions(store, ledger_head, rolled_back):
        if content.files and version.manifest.files == content.files:
            return f"version {version.number} has the same model files, and was rolled back: {reason}"
    return None


def _versions(store: Store, ledger_head: LedgerHead, rolled_back: RolledBack) -> Iterator[tuple[Version, str]]:
    for number in sorted(rolled_back, reverse=True)[:RECENT]:
        with contextlib.suppress(CorruptError):  # the preflight has reported it
            yield versions.read_version(store, ledger_head, number), rolled_back[number]


_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_older_build(git: Git, content: Content, champion: Version) -> str | None:
    """Return why a candidate is an older build than the champion; ``None`` if it is not, or if that is unknown.

    A checkout with uncommitted changes is not a build of its commit.
    """
    mine, theirs = content.recipe, champion.manifest.recipe
    if mine.dirty or not _known(git, mine.commit) or not _known(git, theirs.commit) or mine.commit == theirs.commit:
        return None
    if git.ask("merge-base", "--is-ancestor", str(mine.commit), str(theirs.commit)).status != 0:
        return None
    how = f"version {champion.number} was made from the later commit {str(theirs.commit)[:7]}"
    return f"it was made from {str(mine.commit)[:7]}, and {how}, which is in production"


def unknown_order_note(git: Git, content: Content, champion: Version | None) -> str | None:
    """Return why it is unknown which build is older; ``None`` if it is known."""
    theirs = None if champion is None else champion.manifest.recipe.commit
    if champion is None or theirs is None or content.recipe.commit is None or _known(git, theirs):
        return None
    return (
        f"the commit {theirs[:7]} of version {champion.number} is not in this clone, so whether it is the later one is "
        "not known; fetch the whole history: `fetch-depth: 0` on actions/checkout"
    )


def _known(git: Git, commit: str | None) -> bool:
    return (
        commit is not None
        and _COMMIT.fullmatch(commit) is not None
        and git.ask("cat-file", "-e", f"{commit}^{{commit}}").status == 0
    )


_FIRST = 2  # newest decisions that a first attempt reads: a step may be retried within one job
_REPEATED = 64  # newest decisions that a repeated one reads


def find_own_decision(store: Store, ledger_head: LedgerHead, author: Author) -> Entry | None:
    """Return the newest decision that this invocation wrote in an earlier attempt.

    Raises:
        CorruptError: if a decision on the way was changed or is damaged.
    """
    intent = author.intent
    if intent is None:
        return None
    recent = islice(versions.iter_decisions(store, ledger_head), _REPEATED if intent.repeated else _FIRST)
    return next((entry for entry in recent if entry.intent == intent.id), None)
