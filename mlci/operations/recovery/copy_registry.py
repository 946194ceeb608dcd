"""Copy one registry to another: `mlci backup`, and `mlci restore` in the other direction.

Both ledgers are compared entry by entry before anything is written; a target with another history is refused. Then the
entries follow in order, each after the files that it names, and the checkpoint comes last. Every step is idempotent and
the target is valid up to its newest entry at any time, so a killed copy goes on where it stopped.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mlci.errors import OutsideError, count_noun
from mlci.registry import entries, ledger, stored_files
from mlci.registry.entries import Entry
from mlci.registry.erasures import Erasure, erasures_of, is_erased
from mlci.registry.errors import CorruptError, entry_place
from mlci.registry.manifest import VersionFile
from mlci.registry.references import DocumentReference, files_of_document, named_documents
from mlci.registry.stores.interface import Checkpoint, FileKeeper, Store
from mlci.util.digests import sha256_of, sha256_of_file

_EVERY = 100


@dataclass(kw_only=True)
class CopyResult:
    """Result of a copy.

    Attributes:
        source, target: Addresses.
        number, digest: Number and SHA-256 of the source's newest entry.
        newest_at: Time of that entry.
        entries, files, bytes: What was copied.
        entries_there, files_there, bytes_there: What the target had already.
        replaced: Damaged files of the target that were replaced, among ``files``.
        ahead: Number of entries that the target has beyond the source's newest one.
        erased: Files that were erased on purpose and are not copied; the target's copies are deleted.
        faults: Files that the source lacks or that are damaged in it, and entries that it should have.
    """

    source: str
    target: str
    number: int
    digest: str
    newest_at: str
    entries: int = 0
    files: int = 0
    bytes: int = 0
    entries_there: int = 0
    files_there: int = 0
    bytes_there: int = 0
    replaced: int = 0
    ahead: int = 0
    erased: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class CopyOptions:
    """How to copy.

    Attributes:
        scratch: Folder for files on the way.
        contents: Whether files that the target has are read and verified by their digest, and replaced if damaged.
        say: Reports progress.
    """

    scratch: Path
    contents: bool
    say: Callable[[str], None]


def copy_registry(source: Store, target: Store, options: CopyOptions) -> CopyResult:
    """Copy everything that the target lacks; return what was copied, and what can't be copied.

    Raises:
        CorruptError: if a ledger is damaged, or the target holds another history. Nothing was written then.
        OutsideError: if a registry can't be reached, or another writer appended to the target meanwhile.
    """
    verified = tuple(ledger.iter_all(source))
    if not verified:
        raise OutsideError(
            f"{source.shown} has no entry, so there is nothing to copy. Check its address; if the registry was lost, "
            "`mlci restore` brings it back from its backup"
        )
    missing, ahead = _compare_ledgers(source, target, verified)
    newest = verified[-1]
    digest = sha256_of(entries.dump_entry(newest))
    result = CopyResult(
        source=source.shown,
        target=target.shown,
        number=newest.number,
        digest=digest,
        newest_at=newest.at,
        entries_there=len(verified) - len(missing),
        ahead=ahead,
    )
    result.faults += _entries_beyond(source, target, newest.number) if not ahead else ()
    _FileCopy(source, target, options, result).copy_entries(verified, missing)
    if not ahead:
        target.write_checkpoint(Checkpoint(number=newest.number, digest=digest))
    _check_written(target, verified)
    return result


def _compare_ledgers(source: Store, target: Store, verified: tuple[Entry, ...]) -> tuple[set[int], int]:
    """Return the numbers of entries that the target lacks, and how many it has beyond the source's newest.

    Raises:
        CorruptError: if an entry or the checkpoint of the target is not of the source's history.
    """
    seen, tail = target.read_checkpoint(), target.tail()
    missing = set()
    with closing(target.read_to(min(tail, len(verified)))) as found:
        for entry, data in zip(verified, _padded(found), strict=False):
            if data is None:
                missing.add(entry.number)
            elif data != entries.dump_entry(entry):
                raise _other_history(source, target, entry.number)
    known = verified[seen.number - 1] if seen is not None and seen.number <= len(verified) else None
    if seen is not None and known is not None and sha256_of(entries.dump_entry(known)) != seen.digest:
        raise _other_history(source, target, known.number)
    return missing, max(0, tail - len(verified))


def _padded(found: Iterator[bytes | None]) -> Iterator[bytes | None]:
    """Yield what a ledger holds, then ``None`` for every entry after it."""
    yield from found
    while True:
        yield None


def _other_history(source: Store, target: Store, number: int) -> CorruptError:
    """Return the error for a target with other entries than the source."""
    places = f"{entry_place(target.shown, number)} from {entry_place(source.shown, number)}"
    return CorruptError(
        f"{target.shown} holds another history than {source.shown}: entry {number} is not the same. Nothing was "
        "written",
        remedy="Name an empty place, or the copy that was made of this registry. If only that entry was altered, "
        f"restore {places}",
    )


def _entries_beyond(source: Store, target: Store, newest: int) -> Iterator[str]:
    """Yield the fault that the target's checkpoint names a later entry than the source has."""
    seen = target.read_checkpoint()
    if seen is not None and seen.number > newest:
        yield (
            f"{target.shown} once had entry {seen.number}, by its checkpoint, and {source.shown} ends at entry "
            f"{newest}: the later ones are lost unless another copy has them"
        )


def _check_written(target: Store, verified: tuple[Entry, ...]) -> None:
    """Read the newest copied entry back.

    Raises:
        CorruptError: if the target does not hold it.
    """
    newest = verified[-1]
    if target.read(newest.number) != entries.dump_entry(newest):
        raise CorruptError(f"{target.shown}: entry {newest.number} was written and does not read back")


class _FileCopy:
    """Copy of the entries' files, each once, and of the entries."""

    def __init__(self, source: Store, target: Store, options: CopyOptions, result: CopyResult) -> None:
        self._source, self._target, self._options, self._result = source, target, options, result
        self._sizes_there, self._sizes_here = _list_sizes(target), _list_sizes(source)
        self._seen: set[str] = set()
        self._skipped: set[str] = set()
        self._erased: dict[str, Erasure] = {}
        self._path = options.scratch / "file"

    def copy_entries(self, verified: tuple[Entry, ...], missing: set[int]) -> None:
        """Copy files and missing entries in order.

        Raises:
            OutsideError: if another writer appended to the target meanwhile.
        """
        self._erased = {digest: found for entry in verified for digest, found in erasures_of(entry).items()}
        self._erased |= _erased_beyond(self._target, verified[-1].number, self._result.ahead)
        for entry in verified:
            for document in named_documents(entry):
                self._copy_document(document, entry)
            if entry.number in missing:
                if not self._target.append(entry.number, entries.dump_entry(entry)):
                    raise OutsideError(f"{self._target.shown}: another writer appended entry {entry.number} meanwhile")
                self._result.entries += 1
            if entry.number % _EVERY == 0:
                copied = count_noun(self._result.files, "file")
                self._options.say(f"entry {entry.number:,} of {len(verified):,}, {copied} copied")

    def _copy_document(self, document: DocumentReference, entry: Entry) -> None:
        """Copy a document and the files that it names."""
        if document.digest in self._seen or not (document.required or self._source.holds(document.digest)):
            return
        data = self._read_document(document)
        if data is None:
            self._seen.add(document.digest)
            return
        for file, of in files_of_document(document, data, entry):
            if is_erased(self._erased, file.digest, named_by=entry.number) and not self._is_here(file):
                self._leave_erased(file)
            else:
                self._copy_file(file, of)
        self._copy_file(VersionFile(name=document.of, digest=document.digest, bytes=len(data)), document.of, data)

    def _is_here(self, file: VersionFile) -> bool:
        """Check if the source has an erased file: the same bytes were stored again, and the target erased nothing."""
        return not self._result.ahead and self._source.holds(file.digest)

    def _leave_erased(self, file: VersionFile) -> None:
        """Skip a file that was erased on purpose, and delete the target's copy."""
        if file.digest in self._seen or file.digest in self._skipped:
            return
        self._skipped.add(file.digest)
        self._result.erased += 1
        if not self._result.ahead and self._is_there(file) and isinstance(self._target, FileKeeper):
            self._target.delete_file(file.digest)

    def _read_document(self, document: DocumentReference) -> bytes | None:
        """Return a document, from the target if the source lacks it; ``None`` if both do."""
        try:
            return stored_files.read_description(self._source, document.digest, of=document.of)
        except CorruptError as error:
            return self._read_there(document, error)

    def _read_there(self, document: DocumentReference, error: CorruptError) -> bytes | None:
        """Return a document that only the target has, and record the source's fault."""
        try:
            data = stored_files.read_description(self._target, document.digest, of=document.of)
        except CorruptError:
            self._result.faults.append(str(error))
            return None
        self._result.faults.append(f"{error}; {self._target.shown} has it")
        return data

    def _copy_file(self, file: VersionFile, of: str, data: bytes | None = None) -> None:
        """Copy a file unless the target has it; ``data`` is its content, if that was read already."""
        if file.digest in self._seen:
            return
        self._seen.add(file.digest)
        result = self._result
        there = self._is_there(file)
        if there and (not self._options.contents or self._is_intact(file)):
            result.files_there += 1
            result.bytes_there += file.bytes
            self._check_source(file, of, known=data is not None)
            return
        if not self._fetch(file, of, data):
            return
        if there and isinstance(self._target, FileKeeper):
            self._target.delete_file(file.digest)  # a store keeps a file that has the right size
            result.replaced += 1
        self._target.put(self._path, file.digest)
        result.files += 1
        result.bytes += file.bytes

    def _fetch(self, file: VersionFile, of: str, data: bytes | None) -> bool:
        """Copy a file to this machine and verify its digest; record the fault if the source's is damaged."""
        if data is not None:
            self._path.write_bytes(data)
            return True
        try:
            stored_files.fetch_file(self._source, file, self._path, of=of)
        except CorruptError as error:
            self._result.faults.append(str(error))
            return False
        return True

    def _is_there(self, file: VersionFile) -> bool:
        """Check if the target has a file of that digest and size."""
        if self._sizes_there is None:
            return self._target.holds(file.digest, file.bytes)
        return self._sizes_there.get(file.digest) == file.bytes

    def _is_intact(self, file: VersionFile) -> bool:
        """Read the target's file and verify its digest."""
        try:
            found = self._target.get(file.digest, self._path)
        except CorruptError:
            return False
        return found and sha256_of_file(self._path) == file.digest

    def _check_source(self, file: VersionFile, of: str, *, known: bool) -> None:
        """Record the fault that only the target has a file."""
        here = self._sizes_here
        if known or here is None or here.get(file.digest) == file.bytes:
            return
        there = here.get(file.digest)
        wrong = "is missing" if there is None else f"has {there:,} bytes instead of {file.bytes:,}"
        lacks = f"{self._source.shown}: `{file.name}` of {of} {wrong} (sha256 {file.digest})"
        self._result.faults.append(f"{lacks}; {self._target.shown} has it; `mlci restore` brings it back from there")


def _list_sizes(store: Store) -> dict[str, int] | None:
    """Return the sizes of all files by digest; ``None`` if the store can't list them."""
    return {file.digest: file.bytes for file in store.files()} if isinstance(store, FileKeeper) else None


def _erased_beyond(target: Store, number: int, ahead: int) -> dict[str, Erasure]:
    """Return what the target erased by entries that the source does not have."""
    beyond = (ledger.read_entry(target, later) for later in range(number + 1, number + ahead + 1))
    return {digest: found for entry in beyond for digest, found in erasures_of(entry).items()}
