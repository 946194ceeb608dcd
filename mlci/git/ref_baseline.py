"""``baseline: {ref: main}``: predictions of another commit's model, made in its worktree or taken from the cache."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlci.errors import StepError
from mlci.git.baseline_cache import BaselineCache, CachedBaseline, cache_key
from mlci.git.git import Git, tracked_files
from mlci.git.refs import ResolvedRef, resolve_ref
from mlci.git.worktree import Worktree, checked_out

WITHOUT_BASELINE = """\
judge this pull request without a baseline, and the next one against it:
    baseline: none   # for this pull request only"""
"""Remedy for a commit that can't be the baseline yet."""

Make = Callable[[Worktree, Path], Mapping[str, Any]]


class NoBaselineYetError(StepError):
    """A commit from before the repository had a configuration can't make predictions."""


@dataclass(frozen=True, kw_only=True)
class RefBaseline:
    """A baseline that was made from a reference.

    Attributes:
        ref: Reference, as the user wrote it.
        commit: Full hash.
        folder: Private folder with the files that ``make`` wrote.
        facts: Result of ``make``, for instance columns and operational metrics.
        cached: Whether it came from the cache.
        same_commit: Whether candidate and baseline are the same commit.
        notes: Lines for the report.
    """

    ref: str
    commit: str
    folder: Path
    facts: dict[str, Any]
    cached: bool
    same_commit: bool
    notes: tuple[str, ...] = ()


def make_baseline(
    git: Git,
    ref: str | ResolvedRef,
    make: Make,
    *,
    into: Path,
    config: str,
    evaluation: str,
    version: str,
    cache: BaselineCache | None = None,
) -> RefBaseline:
    """Return the baseline's files: from the cache, or by training and predicting in a worktree of the reference.

    Args:
        git: Git in the candidate's folder.
        ref: Branch, tag or commit; resolved, if the commit was looked up before.
        make: Trains and predicts in the worktree's folder with its environment, writes the files to keep into the given
            folder, and returns facts that can be written as JSON.
        into: Folder for the files; it has to be empty or missing.
        config: Digest of the configuration's settings for training, prediction and columns of the evaluation set.
        evaluation: Fingerprint of the evaluation set; with another one the baseline is made again, on the new rows.
        version: mlci's version.
        cache: Cache of baselines; ``None`` makes the baseline in any case.

    Raises:
        InputError: if the reference is not in this clone.
        StepError: if the baseline's own commands fail.
        NoBaselineYetError: if ``make`` raises it.
        OutsideError: if git fails.
    """
    resolved = resolve_ref(git, ref) if isinstance(ref, str) else ref
    key = cache_key(commit=resolved.commit, config=config, evaluation=evaluation, version=version)
    facts, cached, notes = _fetch_or_make(git, resolved, make, into=into, key=key, cache=cache)
    return RefBaseline(
        ref=resolved.ref,
        commit=resolved.commit,
        folder=into,
        facts=facts,
        cached=cached,
        same_commit=resolved.same_commit,
        notes=(*resolved.notes, *notes),
    )


def _fetch_or_make(
    git: Git, resolved: ResolvedRef, make: Make, *, into: Path, key: str, cache: BaselineCache | None
) -> tuple[dict[str, Any], bool, list[str]]:
    """Return the baseline's facts, whether the cache had them, and notes."""
    notes = []
    if cache is not None and tracked_files(git, cache.root):
        planted = "git tracks files in it, which a commit can plant"
        notes.append(f"the folder {cache.root.name} was not used as a cache: {planted}")
        cache = None
    found = CachedBaseline() if cache is None else cache.fetch(key, into)
    if found.note:
        notes.append(found.note)
    if found.facts is not None:
        return found.facts["facts"], True, [*notes, *found.facts["notes"]]
    into.mkdir(parents=True, exist_ok=True)
    facts, made_notes = _made(git, resolved.commit, resolved.ref, make, into)
    notes += made_notes
    if cache is not None and (failed := cache.store(key, into, {"facts": facts, "notes": made_notes})):
        notes.append(failed)
    return facts, False, notes


def _made(git: Git, commit: str, ref: str, make: Make, into: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    with checked_out(git, commit) as worktree:
        try:
            return dict(make(worktree, into)), worktree.notes
        except NoBaselineYetError:
            raise
        except StepError as error:
            hints = "".join(f"\n{note}" for note in worktree.notes)
            raise type(error)(
                f"the baseline of `ref: {ref}` ({commit[:7]}) could not be made: {error}\n"
                "it runs in a fresh checkout of that commit: files that are not in git, like data that an "
                f"earlier step downloaded, are missing; fetch them in `train.run`{hints}\n"
                f"if that commit does not write predictions yet because this change adds that, {WITHOUT_BASELINE}"
            ) from error
