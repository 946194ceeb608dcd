"""Files of a model in an MLflow experiment, one run for each, and the checkpoint.

A file is the single artifact of a run, named by its digest; the run's tag :data:`FILE` is set when MLflow lists the
artifact with all of its bytes, and readers find it by that tag. A run without the tag was left by a killed upload, and
is harmless. The checkpoint is kept here because it has to outlive the ledger's registered model. It is one tag for each
number, so that a slow writer can't overwrite a later one: the highest number is the checkpoint, and lower ones are
removed once a higher one exists.
"""

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from mlci.errors import OutsideError
from mlci.registry import layout
from mlci.registry.errors import ConflictError, CorruptError, NotFoundError, UnconfirmedError
from mlci.registry.stores.interface import Checkpoint, StoredFile, dump_checkpoint, parse_checkpoint
from mlci.registry.stores.mlflow.client import TrackingClient
from mlci.util import safe_files

FILE = "mlci.file"
BYTES = "mlci.bytes"
_WITNESS = re.compile(r"mlci\.witness\.([0-9]{9,18})")
_PAGE = 500
_COPIES = 20  # copies of one file that are read; there is more than one only after a race or a repair


class ModelExperiment:
    """One model's experiment."""

    def __init__(self, tracking: TrackingClient, name: str, shown: str, artifacts: str | None) -> None:
        """Take the experiment, without a request; ``artifacts`` is the folder of its files without a server."""
        self._tracking, self._name, self._shown, self._artifacts = tracking, name, shown, artifacts
        self._known: str | None = None

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint."""
        found = self._found()
        return None if found is None else self._latest(found.tags)

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint unless one of the same or a later entry exists; remove earlier ones."""
        found = self._found()
        seen = None if found is None else self._latest(found.tags)
        if seen is not None and seen.number >= checkpoint.number:
            return
        key, value = f"mlci.witness.{checkpoint.number:09d}", dump_checkpoint(checkpoint).decode()
        where = self.id()
        self._tracking.retry("write the checkpoint", lambda mlflow: mlflow.set_experiment_tag(where, key, value))
        for old in [] if found is None else [name for name in found.tags if _WITNESS.fullmatch(name)]:
            with contextlib.suppress(OutsideError):  # another writer was faster, or the next one does it
                self._tracking.once("remove", partial(_remove, where=where, tag=old))

    def _latest(self, tags: Mapping[str, str]) -> Checkpoint | None:
        numbers = {int(found[1]): name for name in tags if (found := _WITNESS.fullmatch(name))}
        if not numbers:
            return None
        checkpoint = parse_checkpoint(tags[numbers[max(numbers)]].encode(), shown=self._shown)
        if checkpoint.number != max(numbers):
            raise CorruptError(f"{self._shown}: witness.json is damaged: {numbers[max(numbers)]} says another number")
        return checkpoint

    def _found(self) -> Any:  # noqa: ANN401 - an experiment of MLflow's
        """Return the experiment, or ``None``."""
        with contextlib.suppress(NotFoundError):
            found = self._tracking.retry("look for it", lambda mlflow: mlflow.get_experiment_by_name(self._name))
            if found is not None and found.lifecycle_stage != "active":
                raise CorruptError(
                    f"{self._shown}: experiment {self._name}, which keeps its files, was deleted; restore it: "
                    f"mlflow experiments restore --experiment-id {found.experiment_id}",
                    remedy="",
                )
            return found
        return None

    def there(self) -> str | None:
        """Return its id; ``None`` if nothing was ever stored."""
        if self._known is None:
            found = self._found()
            self._known = None if found is None else found.experiment_id
        return self._known

    def id(self) -> str:
        """Return its id; make the experiment if it is missing."""
        name, place = self._name, self._artifacts
        if self.there() is None:
            with contextlib.suppress(ConflictError):  # by another writer, or by us before an answer got lost
                self._tracking.retry("begin", lambda mlflow: mlflow.create_experiment(name, artifact_location=place))
        known = self.there()
        if known is None:
            raise OutsideError(f"{self._shown}: experiment {name} was made and can't be found")
        return known

    def holds(self, digest: str, size: int | None = None) -> bool:
        """Check if a complete file exists, with ``size`` bytes if that is given."""
        sizes = (int(run.data.tags[BYTES]) for run in self._kept(digest) if self._lacks(run, digest) is None)
        return any(size in (None, found) for found in sizes)

    def put(self, source: Path, digest: str) -> None:
        """Store a file unless it exists; a copy with a verified digest is uploaded."""
        size = safe_files.size_of(source)
        if self.holds(digest):
            return
        with tempfile.TemporaryDirectory(prefix="mlci-") as room:
            copy = Path(room) / digest
            with copy.open("wb") as file:
                file.writelines(safe_files.check_stream(source, digest))
            run = self.upload(copy, {BYTES: str(size)}, name=digest[:16], size=size)
        self._tracking.retry("keep a file", lambda mlflow: mlflow.set_tag(run.info.run_id, FILE, digest))

    def upload(self, source: Path, tags: Mapping[str, str], *, name: str, size: int, folder: str | None = None) -> Any:  # noqa: ANN401 - a run of MLflow's
        """Make a run with a file, or with all files of a folder, as artifacts; check MLflow's list of them."""
        return self._tracking.retry_sequence(lambda: self._upload(source, tags, name, size, folder))

    def _upload(self, source: Path, tags: Mapping[str, str], name: str, size: int, folder: str | None) -> Any:  # noqa: ANN401
        ask, where, what = self._tracking.once, self.id(), f"keep {source.name}"
        run = ask(what, lambda mlflow: mlflow.create_run(where, tags=dict(tags), run_name=name))
        run_id, whole = run.info.run_id, False
        try:
            if folder is None:
                ask(what, lambda mlflow: mlflow.log_artifact(run_id, str(source)), size=size)
            else:
                ask(what, lambda mlflow: mlflow.log_artifacts(run_id, str(source), folder), size=size)
            ask(what, lambda mlflow: mlflow.set_terminated(run_id))
            sizes = self.sizes(run_id, folder)
            whole = sum(sizes.values()) == size and bool(sizes)
        finally:
            if not whole:
                with contextlib.suppress(OutsideError):
                    ask("remove", lambda mlflow: mlflow.delete_run(run_id))
        if not whole:
            raise UnconfirmedError(f"{self._shown}: could not {what}: MLflow lists other files than were uploaded")
        return run

    def get(self, digest: str, target: Path) -> bool:
        """Copy a file to ``target``, atomically.

        Raises:
            CorruptError: if it was stored, and its artifact was changed or is damaged.
        """
        lacks = ""
        for run in self._kept(digest):
            found = self._lacks(run, digest)
            if found is None:
                self._tracking.retry_sequence(partial(self._download, run, digest, target))
                return True
            lacks = lacks or found
        if lacks:
            raise CorruptError(
                f"{self._shown}: file {digest} is damaged: {lacks}; restore it, or promote again", remedy=""
            )
        return False

    def _download(self, run: Any, digest: str, target: Path) -> None:  # noqa: ANN401 - a run of MLflow's
        run_id, size, what = run.info.run_id, int(run.data.tags[BYTES]), f"copy file {digest}"
        try:
            room = tempfile.TemporaryDirectory(prefix="tmp-mlci-", dir=target.parent, ignore_cleanup_errors=True)
        except OSError as error:
            raise OutsideError(f"{target}: could not be written: {error.strerror}") from error
        with room as folder:
            self._tracking.once(what, lambda mlflow: mlflow.download_artifacts(run_id, digest, folder), size=size)
            came = safe_files.size_of(Path(folder) / digest)
            if came != size:
                raise UnconfirmedError(f"{self._shown}: could not {what}: {came:,} bytes of {size:,} came")
            (Path(folder) / digest).replace(target)

    def files(self) -> Iterator[StoredFile]:
        """Yield every file with the size of its tag, page by page; the artifacts are not looked at."""
        where, token, seen = self.there(), "", set[str]()
        while where is not None:
            page = self._tracking.retry("list files", partial(_file_runs, where=where, token=token))
            for run in page:
                digest, size = run.data.tags.get(FILE, ""), run.data.tags.get(BYTES, "")
                if layout.is_digest(digest) and size.isdecimal() and digest not in seen:
                    seen.add(digest)
                    at = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
                    yield StoredFile(digest=digest, bytes=int(size), written_at=at)
            token = page.token or ""
            where = where if token else None

    def delete_file(self, digest: str) -> None:
        """Delete every run of a file."""
        while runs := self._kept(digest):
            for run in runs:
                self._tracking.retry("delete a file", partial(_delete_run, run_id=run.info.run_id))

    def runs(self, tags: Mapping[str, str]) -> list[Any]:
        """Return the runs with these tags, the oldest first."""
        where = self.there()
        if where is None:
            return []
        wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        order = ["attributes.start_time ASC", "attributes.run_id ASC"]
        return list(
            self._tracking.retry(
                "look for a file",
                lambda mlflow: mlflow.search_runs([where], wanted, max_results=_COPIES, order_by=order),
            )
        )

    def _kept(self, digest: str) -> list[Any]:
        return self.runs({FILE: digest})

    def _lacks(self, run: Any, digest: str) -> str | None:  # noqa: ANN401 - a run of MLflow's
        """Describe the damage of a run's artifact."""
        size, said = self.sizes(run.info.run_id, None).get(digest), run.data.tags.get(BYTES, "")
        if size is None:
            return f"the artifact of run {run.info.run_id} is missing"
        return None if said == str(size) else f"the artifact of run {run.info.run_id} has {size:,} bytes, not {said}"

    def sizes(self, run_id: str, folder: str | None) -> dict[str, int]:
        """Return the files of a run by path, with their sizes."""
        found: dict[str, int] = {}
        ahead: list[str | None] = [folder]
        while ahead:
            path = ahead.pop()
            listed = self._tracking.retry("list files", partial(_listed, run_id=run_id, path=path))
            ahead.extend(item.path for item in listed if item.is_dir)
            found |= {item.path: item.file_size or 0 for item in listed if not item.is_dir}  # MLflow omits a size of 0
        return found


def _remove(mlflow: Any, where: str, tag: str) -> None:  # noqa: ANN401 - MLflow's client
    mlflow.delete_experiment_tag(where, tag)


def _file_runs(mlflow: Any, where: str, token: str) -> Any:  # noqa: ANN401 - MLflow's client and a page of its runs
    order = ["attributes.start_time DESC", "attributes.run_id ASC"]
    wanted = f"tags.`{FILE}` LIKE '%'"
    return mlflow.search_runs([where], wanted, max_results=_PAGE, order_by=order, page_token=token or None)


def _delete_run(mlflow: Any, run_id: str) -> None:  # noqa: ANN401 - MLflow's client
    mlflow.delete_run(run_id)


def _listed(mlflow: Any, run_id: str, path: str | None) -> list[Any]:  # noqa: ANN401 - MLflow's client
    return list(mlflow.list_artifacts(run_id, path))
