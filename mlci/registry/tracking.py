"""A client of MLflow's tracking server and model registry, with bounds on time and tries, and failures as ours."""

import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from mlci.errors import InputError, OutsideError
from mlci.registry import answers
from mlci.registry.answers import DoubtError
from mlci.registry.places import Limits

T = TypeVar("T")
_ALWAYS = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_UNLESS_SET = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # we try again ourselves; its own seven take four minutes
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}


def parse(uri: str, folder: Path) -> str:
    """Return the address that MLflow takes; a relative path of a database begins at ``folder``.

    Raises:
        InputError: It is none that can be used.
    """
    uri = uri.removeprefix("mlflow:")
    parts = urlsplit(uri)
    if uri.startswith("sqlite:///") and not set("?#") & set(uri) and uri != "sqlite:///":
        return f"sqlite:///{(folder / uri.removeprefix('sqlite:///')).absolute()}"
    plain = parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment)
    if not plain or "@" in parts.netloc:
        raise InputError(
            "registry: MLflow is written mlflow:http://host:port, mlflow:https://host or mlflow:sqlite:///path, "
            "without '?' and without credentials; those belong in MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or in MLFLOW_TRACKING_TOKEN"
        )
    return uri.rstrip("/")


class Tracking:
    """One MLflow."""

    def __init__(
        self,
        uri: str,
        environment: MutableMapping[str, str],
        limits: Limits,
        pause: Callable[[float], None],
    ) -> None:
        """Load MLflow with its usage reports off; nothing is asked yet.

        Raises:
            InputError: MLflow is not installed.
        """
        self.uri, self.limits = uri, limits
        self._pause = pause
        self._kind = _loaded(uri, environment)
        self._client: Any = None
        self._building = threading.Lock()

    def tries(self) -> Iterator[int]:
        """Count tries, waiting longer before each one, for as long as one may still begin."""
        began = time.monotonic()
        for lost in range(self.limits.tries):
            if lost:
                self._pause(0.1 * 2**lost)
            if lost and time.monotonic() - began > self.limits.total:
                return
            yield lost

    def again(self, what: str, call: Callable[[Any], T], *, size: int = 0) -> T:
        """Ask again what may be asked twice, where nobody knows whether it was done."""
        return self.again_from(lambda: self.once(what, call, size=size))

    def again_from(self, ask: Callable[[], T]) -> T:
        """Do all of it again where a part of it is in doubt."""
        trouble = DoubtError(f"registry {self.uri}: nothing was tried")
        for _ in self.tries():
            try:
                return ask()
            except DoubtError as error:
                trouble = error
        raise OutsideError(str(trouble))

    def once(self, what: str, call: Callable[[Any], T], *, size: int = 0) -> T:
        """Ask once; what has no end after its time is left behind.

        MLflow's own limits are those between two bytes, and a server that drips would hold us for ever.

        Args:
            what: Is being done, for messages.
            call: Does nothing but ask MLflow.
            size: Bytes that have to be moved.

        Raises:
            AbsentError: There is no such thing.
            TakenError: There is one already.
            DoubtError: Nobody knows whether it was done.
            OutsideError: It was refused.
        """
        seconds = self.limits.transfer(size).total
        done = _bounded(lambda: call(self._built()), seconds)
        if done is None:
            raise DoubtError(f"registry {self.uri}: could not {what}: MLflow did not answer in {seconds:.0f} s")
        if isinstance(done, _Failed):
            raise answers.told(done.error, self.uri, what=what) from None
        return done.answer

    def _built(self) -> Any:  # noqa: ANN401 - MLflow is not there where types are checked
        with self._building:  # a new database is made while it is built
            if self._client is None:
                self._client = self._kind(tracking_uri=self.uri, registry_uri=self.uri)
            return self._client


def _loaded(uri: str, environment: MutableMapping[str, str]) -> Any:  # noqa: ANN401 - a class of MLflow's
    environment.update(_ALWAYS)
    for name, value in _UNLESS_SET.items():
        environment.setdefault(name, value)
    try:
        import mlflow  # noqa: PLC0415 - the optional extra, and seconds
        from mlflow.telemetry import set_telemetry_client  # noqa: PLC0415
    except ImportError as error:
        raise InputError(f"registry mlflow:{uri} needs MLflow: pip install 'mlci[mlflow]'") from error
    set_telemetry_client()  # looks at the variables again, should MLflow have been loaded before us
    return mlflow.MlflowClient


@dataclass(frozen=True)
class _Done(Generic[T]):
    answer: T


@dataclass(frozen=True)
class _Failed:
    error: Exception


def _bounded(call: Callable[[], T], seconds: float) -> _Done[T] | _Failed | None:
    """Return how a call ended; ``None`` if it has no end in that time."""
    ends: list[_Done[T] | _Failed] = []

    def run() -> None:
        try:
            ends.append(_Done(call()))
        except Exception as error:  # noqa: BLE001 - told apart by the caller
            ends.append(_Failed(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return ends[0] if ends else None
