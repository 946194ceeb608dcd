"""Read a bundle and verify the digest of every file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mlci.errors import InputError, Problem
from mlci.operations.bundle.artifacts import model_digest
from mlci.operations.bundle.write import DIGEST, FOLDER, MANIFEST, REPORT, seals_labels
from mlci.operations.models.predictions import ScoredChampion
from mlci.registry import compatibility
from mlci.registry.errors import NewerError
from mlci.registry.manifest import Bundle, VersionFile
from mlci.registry.stored_files import MOST_DESCRIPTION_BYTES
from mlci.report.document import Report
from mlci.report.serialization import MOST_BYTES as REPORT_BYTES
from mlci.report.serialization import parse_report
from mlci.util import safe_files
from mlci.util.digests import sha256_of_file

_AGAIN = "these are not the evaluated bytes; run `mlci run` again"


@dataclass(frozen=True, kw_only=True)
class VerifiedBundle:
    """A bundle with verified digests.

    Attributes:
        content: Its manifest.
        report: Its report.
        paths: Path of each file, by digest.
    """

    content: Bundle
    report: Report
    paths: Mapping[str, Path]

    @property
    def scored(self) -> ScoredChampion | None:
        """Return the champion's predictions that the run made."""
        champion = self.content.champion
        if champion is None:
            return None
        path = self.paths[champion.predictions.file.digest]
        return ScoredChampion(version=champion.version, predictions=champion.predictions, path=path)


def read_bundle(out: Path) -> VerifiedBundle:
    """Read a bundle and verify the digest of every file.

    Raises:
        InputError: if the bundle or a file is missing, or a file was truncated or altered; the message names it.
    """
    folder = out / FOLDER
    content = _content(folder / MANIFEST)
    for place, file in content.all_places().items():
        _verify(folder / place, file)
    report = parse_report(_read(folder / REPORT, REPORT_BYTES), path=str(folder / REPORT))
    if wrong := _at_odds(content, report):
        raise InputError(Problem(f"judged {wrong} than the bundle holds; run `mlci run` again", str(folder / REPORT)))
    paths = {file.digest: folder / place for place, file in content.all_places().items()}
    return VerifiedBundle(content=content, report=report, paths=paths)


def _at_odds(content: Bundle, report: Report) -> str | None:
    """Return which digest of a report differs from the manifest's; ``None`` if all are equal."""
    candidate, model = report.candidate, model_digest(content.files, folder=content.recipe.folder)
    if report.model != content.model:
        return "another model"
    if candidate.predictions != f"sha256:{content.predictions.file.digest}":
        return "other predictions"
    if candidate.model != (f"sha256:{model}" if model else None):
        return "other model files"
    if content.champion is not None and report.baseline.version != str(content.champion.version):
        return "another baseline"
    return None if report.evaluation.fingerprint in {None, content.data.fingerprint} else "other rows"


def _content(path: Path) -> Bundle:
    """Read a bundle's manifest and verify it by the digest file beside it."""
    data, seal = _read(path, MOST_DESCRIPTION_BYTES), _read(path.with_name(DIGEST), MOST_DESCRIPTION_BYTES)
    if seal != seals_labels(data):
        raise InputError(Problem(f"was truncated or altered: {DIGEST} names other bytes; {_AGAIN}", str(path)))
    try:
        return Bundle.model_validate_json(data)
    except ValidationError as error:
        if isinstance(compatibility.unreadable_record(error, data, what=""), NewerError):
            words = "was written by a newer mlci; upgrade to that version, or run `mlci run` again with this one"
            raise InputError(Problem(words, str(path))) from error
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise InputError(Problem(f"is not a bundle manifest: {where}: {first['msg']}", str(path))) from error


def _read(path: Path, most: int) -> bytes:
    """Read a small file of a bundle.

    Raises:
        InputError: if it is missing or not a regular file.
    """
    try:
        if not safe_files.is_folder(path.parent):
            raise InputError(Problem("does not exist; `mlci run` writes it to the folder of `--out`", str(path)))
        data = safe_files.read_small(path, most)
    except safe_files.ForeignError as error:
        raise InputError(f"{error}; {_AGAIN}") from error
    except OSError as error:
        raise InputError(Problem(f"can't be read: {error.strerror}", str(path))) from error
    if data is None:
        raise InputError(Problem(f"is missing; {_AGAIN}", str(path)))
    return data


def _verify(path: Path, file: VersionFile) -> None:
    if path.is_symlink() or not path.is_file():
        raise InputError(Problem(f"is missing from the bundle; {_AGAIN}", str(path)))
    size = path.stat().st_size
    if size < file.bytes:
        raise InputError(Problem(f"was truncated: {size:,} of {file.bytes:,} bytes; {_AGAIN}", str(path)))
    if size != file.bytes or sha256_of_file(path) != file.digest:
        raise InputError(Problem(f"was altered: it is not sha256 {file.digest}; {_AGAIN}", str(path)))
