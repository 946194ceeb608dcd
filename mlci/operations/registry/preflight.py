"""Checks before a promotion: the registry it builds on, and the candidate's own history."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from mlci.git.git import Git
from mlci.registry import ledger, stored_files, verification
from mlci.registry.entries import Entry, rolled_back_versions
from mlci.registry.entry_kinds import PredictionsAdded, Promotion, ReproductionRecorded, Rollback
from mlci.registry.erasures import is_erased
from mlci.registry.errors import BACK, CorruptError, FileError
from mlci.registry.manifest import Content, VersionFile, is_same_model
from mlci.registry.registry import Author, RegistryView, Version
from mlci.registry.stores.interface import SizeReader, Store
from mlci.registry.verification import RESTORE_CHECKPOINT, SET_CLOCK, named_files

RECENT = 32
"""Number of newest versions, and of newest additions, whose files have to exist; each costs some requests."""

READ = 2
"""Number of versions beside the champion that are read in full: the newest, the first candidates of a rollback."""

VERIFIED = 64
"""Number of newest entries that are always verified."""

_SHOWN = 5
_INFERRED = "it was rolled back, as `mlci ledger log` shows"

RECENT_ROLLBACKS = 32
"""Number of the newest ones that a candidate is compared with; each takes two reads."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FIRST = 2  # newest decisions that a first attempt reads: a step may be retried within one job
_REPEATED = 64  # newest decisions that a repeated one reads


@dataclass(frozen=True, kw_only=True)
class RegistryCheck:
    """A registry that passed the checks of a promotion.

    Attributes:
        wrong: Faults that the user accepted, as messages.
        rolled_back: By version, why it was rolled back.
    """

    wrong: tuple[str, ...]
    rolled_back: Mapping[int, str]


@dataclass(frozen=True)
class RegistryFault:
    """A fault that stops a promotion, its remedy, and whether it belongs to the version in production."""

    text: str
    remedy: str
    champion: bool = False


@dataclass
class _Record:
    """The part of the ledger that was read: decisions, promotions, additions, and the newest writer's clock."""

    promotions: list[Entry] = field(default_factory=list)
    decisions: list[Entry] = field(default_factory=list)
    added: list[Entry] = field(default_factory=list)
    latest: Entry | None = None


def check_registry(view: RegistryView, *, now: str, despite: str | None, against: str | None = None) -> RegistryCheck:
    """Check the registry before a promotion.

    Entries are verified from the newest back to the last promotion, whose writer verified those before it, and at least
    the newest :data:`VERIFIED`; a checkpoint has to exist. The digests of all files of the champion and of the
    :data:`READ` newest other versions are verified. Of the :data:`RECENT` newest versions every file has to exist with
    its size, and so have predictions and spreads that were added to versions. This machine's clock must not be behind
    the clocks of earlier writers.

    Args:
        view: The registry as of its newest entry.
        now: Time of this machine's clock, RFC 3339.
        despite: The user's reason to promote despite faults; ``None`` if faults stop the promotion.
        against: Version that the candidate was judged against, which has to be in the ledger.

    Raises:
        CorruptError: if the ledger is damaged, even with ``despite``; or if another fault was found without it.
        OutsideError: if the registry can't be reached.
    """
    record = _record(view)
    clock = () if record.latest is None else verification.checkpoint_behind(record.latest, now)
    lacks = verification.lacks_checkpoint(view.store, view.number)
    found = (
        *(RegistryFault(text, SET_CLOCK) for text in clock),
        *(RegistryFault(text, RESTORE_CHECKPOINT) for text in lacks),
        *_missing_baseline(view, against),
        *_files(view, record),
    )
    if found and despite is None:
        raise CorruptError(refusal_message(found), remedy="")
    return RegistryCheck(wrong=tuple(fault.text for fault in found), rolled_back=rolled_back_versions(_steps(record)))


def refusal_message(found: tuple[RegistryFault, ...]) -> str:
    """Return the message of a refused promotion: the faults and their remedies."""
    shown = found[:_SHOWN]
    more = f"; and {len(found) - _SHOWN} more, see `mlci ledger verify --files`" if len(found) > _SHOWN else ""
    remedies = ". ".join(dict.fromkeys(fault.remedy for fault in shown))
    back = f". Or roll back to an intact version: {BACK}" if any(fault.champion for fault in found) else ""
    return (
        f"{'; '.join(fault.text for fault in shown)}{more}. Nothing was promoted. {remedies}{back}. Damage that "
        "can't be repaired, `mlci promote --despite REASON` accepts for this once; the record keeps the reason"
    )


def _record(view: RegistryView) -> _Record:
    """Verify the newest part of the ledger, and read earlier promotions and additions that are checked."""
    found, state = _Record(), view.state
    newest = [state.promoted[str(number)] for number in range(max(1, state.versions - RECENT), state.versions + 1)]
    first = max(1, min([view.number - VERIFIED + 1, *newest[-1:]]))
    for entry in ledger.iter_since(view.store, view.head, first) if view.number else ():
        if isinstance(entry.body, Promotion | Rollback):
            found.decisions.append(entry)
        elif isinstance(entry.body, PredictionsAdded | ReproductionRecorded):
            found.added.append(entry)
        found.latest = verification.latest_time(filter(None, (found.latest, entry)))
    added = sorted({*state.rescored.values(), *state.reproduced.values()})[-RECENT:]
    older = {number for number in (*newest, *added) if number < first}
    for entry in ledger.iter_verified(view.store, view.head, older):
        (found.decisions if isinstance(entry.body, Promotion) else found.added).insert(0, entry)
    found.promotions = [entry for entry in found.decisions if isinstance(entry.body, Promotion)]
    return found


def _steps(record: _Record) -> Iterator[Promotion | Rollback]:
    """Yield the decisions that were read; rollbacks between older promotions are inferred from what each replaced."""
    champion: int | None = None
    for entry in record.decisions:
        step = entry.body
        if not isinstance(step, Promotion | Rollback):
            continue
        if champion is not None and step.replaced is not None and step.replaced != champion:
            yield Rollback(version=step.replaced, replaced=champion, reason=_INFERRED)
        yield step
        champion = step.version


def _missing_baseline(view: RegistryView, against: str | None) -> Iterator[RegistryFault]:
    """Yield the fault that the candidate was judged against a version that is not in the ledger."""
    if against is not None and against not in view.state.promoted:
        lost = f"the candidate was judged against version {against}, which is not in the ledger"
        yield RegistryFault(f"{view.shown}: {lost}", f"Restore the entries behind {view.number} from a copy")


@dataclass(frozen=True)
class _Look:
    """A file to verify by its digest, or only by its size."""

    file: VersionFile
    of: str
    read: bool
    champion: bool


def _files(view: RegistryView, record: _Record) -> Iterator[RegistryFault]:
    """Collect the files of versions and of additions, the newest first, each file once."""
    found: list[_Look | RegistryFault] = []
    champion = view.champion
    if champion is not None:
        found += _named(view, champion.entry, read=True, champion=True)
    others = [one for one in reversed(record.promotions) if champion is None or one.number != champion.entry.number]
    for place, entry in enumerate(others[:RECENT]):
        found += _named(view, entry, read=place < READ)
    for entry in record.added[-RECENT:]:
        own = champion is not None and _of(entry) == champion.number
        found += _named(view, entry, read=own, champion=own)
    yield from _wrong(view.store, found)


def _named(view: RegistryView, entry: Entry, *, read: bool, champion: bool = False) -> list[_Look | RegistryFault]:
    """Return the files that an entry names; a fault if its description is damaged."""
    try:
        version = view.promoted(entry) if isinstance(entry.body, Promotion) else None
        named = named_files(view.store, entry, version)
        kept = [(file, of) for file, of in named if not is_erased(view.erasures, file.digest, named_by=entry.number)]
        return [_Look(file, of, read, champion) for file, of in kept]
    except CorruptError as error:
        return [_fault(error, champion=champion)]


def _of(entry: Entry) -> int | None:
    return entry.body.version if isinstance(entry.body, PredictionsAdded | ReproductionRecorded) else None


def _wrong(store: Store, found: list[_Look | RegistryFault]) -> Iterator[RegistryFault]:
    """Yield a fault for each missing or changed file."""
    looks = {item.file.digest for item in found if isinstance(item, _Look) and not item.read}
    sizes = store.sizes(looks) if looks and isinstance(store, SizeReader) else {}
    seen: set[str] = set()
    for item in found:
        if isinstance(item, RegistryFault):
            yield item
        elif item.file.digest not in seen:
            seen.add(item.file.digest)
            if not item.read and sizes.get(item.file.digest) == item.file.bytes:
                continue
            try:
                (stored_files.check_digest if item.read else stored_files.check_exists)(store, item.file, of=item.of)
            except CorruptError as error:
                yield _fault(error, champion=item.champion)


def _fault(error: CorruptError, *, champion: bool) -> RegistryFault:
    restore = error.restore if isinstance(error, FileError) else error.remedy or "Restore it from a copy"
    return RegistryFault(str(error), restore, champion=champion)


RolledBack = Mapping[int, str]
"""Versions that were rolled back and not promoted again since, with the reasons, as returned by
:func:`mlci.registry.entries.rolled_back_versions`."""


def find_rolled_back_match(view: RegistryView, content: Content, rolled_back: RolledBack) -> str | None:
    """Return a refusal if a candidate is a version that was rolled back; ``None`` if it is not."""
    for version, reason in _rolled_back_versions(view, rolled_back):
        if is_same_model(version.manifest, content):
            how = f"version {version.number} holds these bytes and was rolled back: {reason}"
            return f"{how}; `mlci rollback --to {version.number}` restores it on purpose"
    return None


def rolled_back_model_note(view: RegistryView, content: Content, rolled_back: RolledBack) -> str | None:
    """Return a note if another commit made the same files as a version that was rolled back.

    That is not a reason to refuse them: the fault may have been in the code beside the model, and be fixed now.
    """
    for version, reason in _rolled_back_versions(view, rolled_back):
        if content.files and version.manifest.files == content.files:
            return f"version {version.number} has the same model files, and was rolled back: {reason}"
    return None


def _rolled_back_versions(view: RegistryView, rolled_back: RolledBack) -> Iterator[tuple[Version, str]]:
    for number in sorted(rolled_back, reverse=True)[:RECENT_ROLLBACKS]:
        with contextlib.suppress(CorruptError):  # the preflight has reported it
            yield view.version(number), rolled_back[number]


def older_build_reason(git: Git, content: Content, champion: Version) -> str | None:
    """Return why a candidate is an older build than the champion; ``None`` if it is not, or if that is unknown.

    A checkout with uncommitted changes is not a build of its commit.
    """
    mine, theirs = content.recipe, champion.manifest.recipe
    if (
        mine.dirty
        or not _is_known_commit(git, mine.commit)
        or not _is_known_commit(git, theirs.commit)
        or mine.commit == theirs.commit
    ):
        return None
    if git.ask("merge-base", "--is-ancestor", str(mine.commit), str(theirs.commit)).status != 0:
        return None
    how = f"version {champion.number} was made from the later commit {str(theirs.commit)[:7]}"
    return f"it was made from {str(mine.commit)[:7]}, and {how}, which is in production"


def unknown_order_note(git: Git, content: Content, champion: Version | None) -> str | None:
    """Return why it is unknown which build is older; ``None`` if it is known."""
    theirs = None if champion is None else champion.manifest.recipe.commit
    if champion is None or theirs is None or content.recipe.commit is None or _is_known_commit(git, theirs):
        return None
    return (
        f"the commit {theirs[:7]} of version {champion.number} is not in this clone, so whether it is the later one is "
        "not known; fetch the whole history: `fetch-depth: 0` on actions/checkout"
    )


def _is_known_commit(git: Git, commit: str | None) -> bool:
    return (
        commit is not None
        and _COMMIT.fullmatch(commit) is not None
        and git.ask("cat-file", "-e", f"{commit}^{{commit}}").status == 0
    )


def find_own_decision(view: RegistryView, author: Author) -> Entry | None:
    """Return the newest decision that this invocation wrote in an earlier attempt.

    Raises:
        CorruptError: if a decision on the way was changed or is damaged.
    """
    intent = author.intent
    if intent is None:
        return None
    recent = islice(view.decisions(), _REPEATED if intent.repeated else _FIRST)
    return next((entry for entry in recent if entry.intent == intent.id), None)
