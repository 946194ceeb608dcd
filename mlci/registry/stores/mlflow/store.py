"""Registry in MLflow: a tracking server with its model registry, or a SQLite database without a server.

::

    registered model mlci-ledger.<model>   the ledger: every version claims a number
    experiment       mlci.<model>          files, a run for each, and the checkpoint (``files``)
    registered model <model>               the mirror for MLflow's users (``aliases``); decides nothing

MLflow has to keep its records in a database, as its servers do by default: a file store can assign one version number
to two writers.

MLflow has no compare-and-swap: the last writer of a tag or an alias wins. But its database assigns the numbers of a
model's versions in sequence (``create_model_version`` inserts ``max(version) + 1`` under a primary key of name and
version, and takes the next one if another writer was faster), and a version appears together with its tags. Therefore a
version is a *claim* on a number of the ledger, and of all claims on a number **the one with the lowest version
counts**; the others are void. No later claim can change that, and every reader gets the same result. Tags hold up to
5,000 characters in every MLflow; an entry is spread over as many as it takes.
"""

import base64
import binascii
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlci.errors import OutsideError
from mlci.registry import layout
from mlci.registry.errors import ConflictError, CorruptError, NotFoundError, UnconfirmedError, UnknownOutcomeError
from mlci.registry.stores.interface import Checkpoint, Entries, StoredFile
from mlci.registry.stores.mlflow import client
from mlci.registry.stores.mlflow.files import ModelExperiment
from mlci.registry.stores.request_limits import Limits
from mlci.util.digests import sha256_of

NUMBER = "mlci.number"
CLAIM_SOURCE = "mlci://ledger/entry"
"""Source address of such a version; MLflow requires one and does not read it."""
_DIGEST, _FORM, _PART = "mlci.sha256", "mlci.form", "mlci.entry"
_MOST_TAG = 5_000
_PLAIN = re.compile(rb"[\x20-\x7e]*")
_PAGE = 20
_MANY = 100
PREFIX = "mlci-ledger."


class MlflowStore:
    """One model's part of MLflow; see :class:`mlci.registry.stores.interface.Store`."""

    removes_files = False

    def __init__(
        self,
        uri: str,
        model: str,
        environment: MutableMapping[str, str],
        *,
        folder: Path = Path(),
        limits: Limits = Limits(),  # noqa: B008 - frozen
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Load MLflow, without sending a request.

        Args:
            uri: ``http://host:port``, ``https://…`` or ``sqlite:///path``, also with ``mlflow:`` before it.
            model: Name of the model, any text.
            environment: The variables of this process: MLflow reads its settings and credentials there, and its usage
                reports are turned off in it.
            folder: Start of a relative path of a database.
            limits: Limits on time and tries.
            pause: Waits between tries.

        Raises:
            InputError: if the address is not supported, or MLflow is not installed.
        """
        self.model, name = model, layout.model_folder(model)
        address = client.parse_tracking_uri(uri, folder)
        self._shown = f"mlflow:{address} ({name})"
        self._ledger = f"{PREFIX}{name}"
        self.tracking = client.TrackingClient(address, environment, limits, pause)
        self.experiment = ModelExperiment(self.tracking, f"mlci.{name}", self._shown, _artifacts(address, name))

    @property
    def shown(self) -> str:
        """The address and the model."""
        return self._shown

    def tail(self) -> int:
        """Return the newest entry's number, from the newest claims onwards.

        Writers claim the number after the newest one that they see, so the newest claims may contain old numbers of
        slow writers, but no number is skipped.
        """
        newest, token = 0, ""
        while not newest:
            page = self._claims(f"name = '{self._ledger}'", "DESC", _PAGE, token)
            newest = max((claimed_number(claim.tags) or 0 for claim in page), default=0)
            token = page.token
            if not token:
                return newest
        while self._first(newest + 1) is not None:
            newest += 1
        return newest

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes: those of the first claim on its number."""
        claim = self._first(number)
        return None if claim is None else entry_of_claim(claim.tags, shown=self._shown)

    def read_to(self, last: int) -> Entries:
        """Yield entries from pages of claims; a number that is missing in its turn is read by a separate request."""
        found = in_rising_order(self._pages(), last)
        claim: tuple[int, Mapping[str, str]] = (0, {})
        for number in range(1, last + 1):
            if claim[0] < number:
                claim = next(found, (last + 1, {}))
            yield entry_of_claim(claim[1], shown=self._shown) if claim[0] == number else self.read(number)

    def _pages(self) -> Iterator[dict[str, str]]:
        """Yield the tags of all versions, the first ones first.

        A page starts after the last version of the page before, not at an offset, so a version that is deleted
        meanwhile does not hide another one.
        """
        behind, more = 0, True
        while more:
            page = self._claims(f"name = '{self._ledger}' and version_number > {behind}", "ASC", _MANY, "")
            for claim in page:
                behind = int(claim.version)
                yield claim.tags
            more = bool(page.token)

    def append(self, number: int, entry: bytes) -> bool:
        """Claim a number, and read back which claim counts."""
        trouble = f"registry {self._shown}: entry {number} came and went"
        there = self.read(number)
        for _ in self.tracking.policy.tries() if there is None else ():
            try:
                self._claim(number, entry)
            except UnconfirmedError as error:
                trouble = str(error)
            there = self._now(number)
            if there is not None:
                break
        if there is not None:
            return there == entry
        raise UnknownOutcomeError(f"{trouble}; whether entry {number} was written is not known")

    def _now(self, number: int) -> bytes | None:
        try:
            return self.read(number)
        except CorruptError:
            raise
        except OutsideError:
            return None

    def _claim(self, number: int, entry: bytes) -> None:
        name, tags, what = self._ledger, claim_tags(number, entry), f"append entry {number}"
        with contextlib.suppress(NotFoundError):
            self._version(name, CLAIM_SOURCE, tags, what)
            return
        with contextlib.suppress(ConflictError):  # by another first writer
            self.tracking.once("begin a ledger", lambda mlflow: mlflow.create_registered_model(name))
        with contextlib.suppress(NotFoundError):
            self._version(name, CLAIM_SOURCE, tags, what)

    def _version(self, name: str, source: str, tags: dict[str, str], what: str) -> None:
        self.tracking.once(
            what, lambda mlflow: mlflow.create_model_version(name, source, tags=tags, await_creation_for=0)
        )

    def _first(self, number: int) -> Any:  # noqa: ANN401 - a version of MLflow's
        wanted = f"name = '{self._ledger}' and tags.`{NUMBER}` = '{number}'"
        return next(iter(self._claims(wanted, "ASC", 1, "")), None)

    def _claims(self, wanted: str, order: str, most: int, token: str) -> Any:  # noqa: ANN401 - a page of MLflow's
        return self.tracking.retry(
            "read the ledger",
            lambda mlflow: mlflow.search_model_versions(
                wanted, max_results=most, order_by=[f"version_number {order}"], page_token=token or None
            ),
        )

    def remove(self) -> None:
        """Remove the ledger; the experiment with files and checkpoint stays, because MLflow keeps deleted ones."""
        with contextlib.suppress(NotFoundError):
            self.tracking.retry("remove", lambda mlflow: mlflow.delete_registered_model(self._ledger))

    def written_at(self) -> datetime | None:
        """Return the time at which the first entry was written, by MLflow's clock."""
        claim = self._first(1)
        return None if claim is None else datetime.fromtimestamp(claim.creation_timestamp / 1000, UTC)

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint."""
        return self.experiment.read_checkpoint()

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint unless one of the same or a later entry exists."""
        self.experiment.write_checkpoint(checkpoint)

    def put(self, source: Path, digest: str) -> None:
        """Store a file; readers find it when it is complete."""
        self.experiment.put(source, digest)

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``, atomically."""
        return self.experiment.get(digest, target)

    def files(self) -> Iterator[StoredFile]:
        """Yield every file that a run's tags name."""
        yield from self.experiment.files()

    def delete_file(self, digest: str) -> None:
        """Delete the runs of a file; MLflow keeps deleted runs until `mlflow gc`."""
        self.experiment.delete_file(digest)

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check if a file of that size exists."""
        return self.experiment.holds(digest, size)


def _artifacts(address: str, name: str) -> str | None:
    """Return the folder of files without a server: beside the database."""
    path = address.removeprefix("sqlite:///")
    return None if path == address else f"{Path(path).as_uri()}.artifacts/{name}"


def claim_tags(number: int, entry: bytes) -> dict[str, str]:
    """Return the tags of a claim; ASCII stays readable in MLflow's user interface."""
    plain = _PLAIN.fullmatch(entry) is not None
    text = entry.decode("ascii") if plain else base64.b64encode(entry).decode("ascii")
    parts = {f"{_PART}.{at // _MOST_TAG:03d}": text[at : at + _MOST_TAG] for at in range(0, len(text), _MOST_TAG)}
    form = {_DIGEST: sha256_of(entry), _FORM: "text" if plain else "base64"}
    return {NUMBER: str(number), **form, **parts}


def claimed_number(found: Mapping[str, str]) -> int | None:
    """Return the number that a version claims; ``None`` for a version that is not a claim."""
    text = found.get(NUMBER, "")
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,17}", text) else None


def in_rising_order(versions: Iterable[Mapping[str, str]], last: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the numbers up to ``last`` that are higher than all before them, each with the claim that counts.

    Writers claim one number after the other, so these are all numbers, unless a version was deleted. The first claim on
    a number is yielded; void claims come later and are skipped, without keeping any in memory.
    """
    highest = 0
    for found in versions:
        claimed = claimed_number(found)
        if claimed is not None and highest < claimed <= last:
            highest = claimed
            yield claimed, found


def entry_of_claim(found: Mapping[str, str], *, shown: str) -> bytes:
    """Read an entry's bytes from its untrusted claim.

    Raises:
        CorruptError: if they are not the bytes that were written.
    """
    names = sorted(name for name in found if name.startswith(f"{_PART}."))
    text = "".join(found[name] for name in names)
    try:
        data = text.encode("ascii") if found.get(_FORM) == "text" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        data = None
    if data is None or sha256_of(data) != found.get(_DIGEST):
        where = f"entry {found.get(NUMBER)} is damaged"
        raise CorruptError(f"{shown}: {where}: its tags {_PART}.000 … do not match {_DIGEST}")
    return data
