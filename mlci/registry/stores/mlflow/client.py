"""Client of MLflow's tracking server and model registry, with bounds on time and tries.

MLflow's own messages contain whole addresses and database statements, so none is shown: only its error code is, with a
message of mlci. https://mlflow.org/docs/latest/rest-api.html lists the codes.
"""

import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from mlci.errors import InputError, OutsideError
from mlci.registry.errors import ConflictError, NotFoundError, UnconfirmedError
from mlci.registry.stores.request_limits import Limits, repeat
from mlci.util.retry_policy import RetryPolicy

T = TypeVar("T")
_CREDENTIALS = (
    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, in the environment of the job"
)
_RIGHTS = (
    "the account needs to read and edit experiments and registered models whose names begin with `mlci`, and to create "
    "them the first time"
)
_FINAL = {
    "UNAUTHENTICATED": f"the server wants credentials or refused them; {_CREDENTIALS}",
    "CUSTOMER_UNAUTHORIZED": f"the server wants credentials or refused them; {_CREDENTIALS}",
    "PERMISSION_DENIED": f"access denied; {_RIGHTS}",
    "ENDPOINT_NOT_FOUND": "no MLflow server of today answers at that address; correct `registry:`",
    "NOT_FOUND": "no MLflow server of today answers at that address; correct `registry:`",
    "INVALID_PARAMETER_VALUE": "MLflow refused the request (INVALID_PARAMETER_VALUE)",
    "BAD_REQUEST": "MLflow refused the request (BAD_REQUEST)",
    "INVALID_STATE": "MLflow refused the request (INVALID_STATE)",
}
_ALWAYS = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
_UNLESS_SET = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # requests are repeated below; MLflow's seven tries take four minutes
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}


def parse_tracking_uri(uri: str, folder: Path) -> str:
    """Return the address for MLflow; a relative path of a database starts at ``folder``.

    Raises:
        InputError: if it is not a supported address.
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


class TrackingClient:
    """Connection to one MLflow."""

    def __init__(
        self,
        uri: str,
        environment: MutableMapping[str, str],
        limits: Limits,
        pause: Callable[[float], None],
    ) -> None:
        """Take the address, without loading MLflow or changing the environment of the user's commands.

        Raises:
            InputError: if MLflow is not installed.
        """
        if not (find_spec("mlflow") and find_spec("sqlalchemy") and find_spec("alembic")):
            raise InputError(f"registry mlflow:{uri} needs MLflow: pip install 'mlci[mlflow]'")
        self.uri, self.limits = uri, limits
        self._environment, self._pause = environment, pause
        self._client: Any = None
        self._building = threading.Lock()

    @property
    def policy(self) -> RetryPolicy:
        """How often and how long requests are repeated, within the limits."""
        return self.limits.policy(self._pause)

    def retry(self, what: str, call: Callable[[Any], T], *, size: int = 0) -> T:
        """Repeat an idempotent request if it is unknown whether it succeeded."""
        return self.retry_sequence(lambda: self.once(what, call, size=size))

    def retry_sequence(self, ask: Callable[[], T]) -> T:
        """Repeat a sequence of requests if the outcome of one is unknown."""
        return repeat(ask, self.policy)

    def once(self, what: str, call: Callable[[Any], T], *, size: int = 0) -> T:
        """Send one request; it is abandoned when its time is over.

        MLflow's own timeouts apply between two bytes, so a server that sends slowly could block forever.

        Args:
            what: Description of the request, for messages.
            call: Calls MLflow and does nothing else.
            size: Number of bytes to transfer.

        Raises:
            NotFoundError: if the object does not exist.
            ConflictError: if the object exists already.
            UnconfirmedError: if it is unknown whether the request succeeded.
            OutsideError: if the request was refused.
        """
        seconds = self.limits.transfer(size).total
        kind = _loaded(self._environment)
        done = _bounded(lambda: call(self._built(kind)), seconds)
        if done is None:
            raise UnconfirmedError(f"registry {self.uri}: could not {what}: MLflow did not answer in {seconds:.0f} s")
        if isinstance(done, _Failed):
            raise to_outside_error(done.error, self.uri, what=what) from None
        return done.answer

    def _built(self, kind: Any) -> Any:  # noqa: ANN401 - a class of MLflow's, which is not there where types are checked
        with self._building:  # a new database is created while the client is built
            if self._client is None:
                self._client = kind(tracking_uri=self.uri, registry_uri=self.uri)
            return self._client


def _loaded(environment: MutableMapping[str, str]) -> Any:  # noqa: ANN401 - a class of MLflow's
    """Load MLflow with its usage reports off; it reads its settings from the environment, now and later."""
    environment.update(_ALWAYS)
    for name, value in _UNLESS_SET.items():
        environment.setdefault(name, value)
    import mlflow  # noqa: PLC0415 - the optional extra, and seconds
    from mlflow import telemetry  # noqa: PLC0415

    if telemetry.get_telemetry_client() is not None:  # MLflow was loaded before us
        telemetry.set_telemetry_client()  # looks at the variables again
    return mlflow.MlflowClient


@dataclass(frozen=True)
class _Done(Generic[T]):
    answer: T


@dataclass(frozen=True)
class _Failed:
    error: Exception


def _bounded(call: Callable[[], T], seconds: float) -> _Done[T] | _Failed | None:
    """Return the result of a call; ``None`` if it does not end in that time."""
    ends: list[_Done[T] | _Failed] = []

    def run() -> None:
        try:
            ends.append(_Done(call()))
        except Exception as error:  # noqa: BLE001 - the caller distinguishes them
            ends.append(_Failed(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return ends[0] if ends else None


def to_outside_error(error: Exception, uri: str, *, what: str) -> OutsideError:
    """Return the error to raise for an error of MLflow or of its libraries."""
    code = str(getattr(error, "error_code", ""))
    words = f"registry {uri}: could not {what}: "
    if code == "RESOURCE_DOES_NOT_EXIST":
        return NotFoundError(f"{words}it no longer exists in MLflow")
    if code == "RESOURCE_ALREADY_EXISTS":
        return ConflictError(f"{words}MLflow already has one with that name")
    if code in _FINAL:
        return OutsideError(words + _FINAL[code])
    if isinstance(error, ImportError):
        return OutsideError(f"{words}MLflow needs the package {error.name} to reach its artifacts; install it")
    if isinstance(error, OSError) and error.errno is not None and error.filename:  # about a local file
        return OutsideError(f"{words}{error.strerror} ({error.filename})")
    return UnconfirmedError(words + _reason(error, code))


def _reason(error: Exception, code: str) -> str:
    text, module = str(error), type(error).__module__
    if "timed out" in text or "timeout exception" in text:
        return "the server did not answer in time"
    if "Max retries exceeded" in text or "Connection" in text:
        return "no connection to the server, or it failed again and again; check the address and the network"
    if module.startswith(("sqlalchemy", "sqlite3", "alembic")):
        return f"its database failed ({type(error).__name__})"
    if module.startswith("mlflow"):
        return f"the server failed ({code or type(error).__name__})"
    return f"its answer broke off or does not read ({type(error).__name__})"
